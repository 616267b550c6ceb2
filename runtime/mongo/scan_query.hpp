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
  /// The find to send now.
  MongoCommand find(int32_t documents) const;
  /// The cursor of find() has ended. False: that was the last one.
  bool advance();

 private:
  void add_bracket(MongoCommand& command) const;
  std::vector<int32_t> known_types() const;

  const ScanPlace& place_;
  const ScanRange& range_;
  KeyDocument at_;
  size_t bracket_ = 0;
};

/// The BSON type of a value in MongoDB's numbers (2: string); 0: not one that an _id has.
int32_t bson_type_of(const Value& value) noexcept;
/// Every BSON type that an _id can have.
std::vector<int32_t> id_types();

}  // namespace lugger
