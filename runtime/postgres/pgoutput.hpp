// Messages of PostgreSQL's plugin pgoutput, protocol version 1, as far as a feed of keys needs them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace lugger {

struct PgOutputEvent {
  enum class Kind : uint8_t {
    kBegin,     // of a transaction: xid; lsn: its commit; micros
    kCommit,    // lsn: behind it; micros
    kRow,       // keys: one, or two where the key itself was changed; gone
    kTruncate,  // of the table
    kOther,     // of another table, or nothing that concerns rows
  };
  Kind kind = Kind::kOther;
  uint32_t xid = 0;
  uint64_t lsn = 0;
  int64_t micros = 0;  // of the commit, Unix time
  std::vector<std::string> keys;
  size_t gone = 0;  // of the first so many keys there is no row any more
};

/// Reads the messages of a stream in their order, for one table.
class PgOutput {
 public:
  /// `shown`: the table, for messages.
  PgOutput(uint32_t table, std::vector<std::string> key, std::string shown);
  /// Valid until the next call. Error{read} for what is no message, and for a row without its key.
  const PgOutputEvent& read(Bytes message);

 private:
  class Fields;
  void relation(Fields fields);
  void row(Fields fields, bool deleted);
  void truncate(Fields fields);
  void read_key(Fields& fields, std::vector<std::string>& values);

  const uint32_t table_;
  const std::vector<std::string> key_;
  const std::string shown_;
  std::vector<size_t> columns_;  // for each column of the table: 1 + its place in the key, or 0
  std::vector<std::string> before_, after_;  // key of the row under way
  PgOutputEvent event_;
};

}  // namespace lugger
