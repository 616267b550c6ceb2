// One entry of a MongoDB oplog, and the stream they come from.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "value/bson_reader.hpp"

namespace lugger {

/// An entry, or an operation inside of applyOps. Borrowed from the feed until its next call.
struct OplogEntry {
  uint64_t number = 0, offset = 0;  // counted from 1; byte in the oplog, after inflating
  uint64_t time = 0;                // ts: seconds << 32 | increment
  std::string_view op, ns;
  Bytes uuid;             // ui, 16 bytes; empty: none
  Bytes o, o2;            // empty: none
  Bytes session;          // lsid
  Value transaction;      // txnNumber
  uint64_t before = 0;    // prevOpTime.ts
  bool vectored = false;  // multiOpType 1: applyOps of a retryable write, no transaction
};

/// Reads the fields of an entry; number and offset stay. What is wrong, or "".
std::string_view parse_entry(Bytes document, OplogEntry& entry);

/// The name of a command: the first field of `o`.
std::string_view command_name(const OplogEntry& entry);
/// "shop" of "shop.$cmd" and "shop.users".
std::string_view database_of(std::string_view ns);

/// "2026-11-21T10:06:20Z (Timestamp(1795255580, 1))"
std::string time_text(uint64_t time);

/// Where entries come from: whole documents, one after another.
class OplogFeed {
 public:
  virtual ~OplogFeed() = default;
  /// Valid until the next call; empty at the end. Error{read} where the bytes do not go on.
  virtual Bytes next() = 0;
  /// Where the document given last begins.
  virtual uint64_t offset() const = 0;
};
using OpenOplog = std::function<std::unique_ptr<OplogFeed>()>;

/// Entries of a feed, each checked. Faults are Error{read} with place, entry and offset.
class OplogReader {
 public:
  OplogReader(std::unique_ptr<OplogFeed> feed, std::string place)
      : feed_(std::move(feed)), place_(std::move(place)) {}
  /// False: nothing more.
  bool next(OplogEntry& entry);
  uint64_t bytes() const noexcept { return bytes_; }
  const std::string& place() const noexcept { return place_; }
  [[noreturn]] void fail(const OplogEntry& entry, std::string message, std::string hint = {}) const;

 private:
  std::unique_ptr<OplogFeed> feed_;
  std::string place_;
  uint64_t number_ = 0, bytes_ = 0;
};

}  // namespace lugger
