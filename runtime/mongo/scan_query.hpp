// The queries of a scan.
#pragma once
#include "mongo/command.hpp"
#include "mongo/scan.hpp"

namespace lugger {

/// The next find of a scan, from one key (inclusive) or bracket to the end of the range.
class ScanQuery {
 public:
  ScanQuery(const ScanPlace& place, const ScanRange& range);

  /// Goes on at the document's key; it is given once more where the server still has it.
  void go_on_at(const KeyDocument& key);
  /// The find to send now. It reads nothing older than `time`, wherever it is sent.
  MongoCommand find(int32_t documents, uint64_t time) const;
  /// The cursor of find() has ended. False: that was the last one.
  bool advance();

 private:
  void add_bracket(MongoCommand& command) const;
  std::vector<int32_t> known_types() const;
  /// The bracket in which the range ends.
  bool in_last_bracket() const;

  const ScanPlace& place_;
  const ScanRange& range_;
  KeyDocument at_;
  size_t bracket_ = 0;
  bool greatest_ = false;  // only MaxKey is left, which no find with `min` gives
};

/// An element of a filter under way: the documents that are meant. Nothing where all are.
void add_where(MongoCommand& command, const ScanPlace& place);

/// What has been committed by a majority, at `time` or later: a secondary that lags, or a new
/// primary, waits rather than answer from the past. Nothing for servers without an oplog.
void add_read_concern(MongoCommand& command, const MongoDeployment& deployment, uint64_t time);

/// The BSON type of a value in MongoDB's numbers (2: string); 0: not one that an _id has.
int32_t bson_type_of(const Value& value) noexcept;
/// Every BSON type that an _id can have.
std::vector<int32_t> id_types();

}  // namespace lugger
