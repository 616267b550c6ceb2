// Reads BSON in place: one element at a time, every length checked before it is believed.
#pragma once
#include "value/value.hpp"

namespace lugger {

/// What is wrong with BSON bytes. kNone is no fault.
enum class BsonFault : uint8_t {
  kNone,
  kTooShort,
  kLengthMismatch,
  kNoTerminator,
  kTruncatedElement,
  kUnknownType,
  kBadStringLength,
  kBadBool,
  kTooDeep,
};
std::string_view fault_text(BsonFault fault) noexcept;

inline constexpr size_t kMaxBsonBytes = 16 * 1024 * 1024 + 16 * 1024;  // BSONObjMaxInternalSize
inline constexpr int kMaxBsonDepth = 200;                              // maxBSONDepth of the server

/// Walks the elements of one document or array. Does not descend: nested documents come as values
/// with their bytes.
///   for (BsonReader r(bytes); r.next();) use(r.name(), r.value());
/// After the loop fault() tells whether it ended at the terminator.
class BsonReader {
 public:
  explicit BsonReader(Bytes document) noexcept;

  /// The next element; false at the end or at a fault.
  bool next() noexcept;
  std::string_view name() const noexcept { return {name_, name_size_}; }
  const Value& value() const noexcept { return value_; }
  /// The whole element: type byte, name, value.
  Bytes element() const noexcept { return {element_, static_cast<size_t>(at_ - element_)}; }
  BsonFault fault() const noexcept { return fault_; }
  /// Bytes from the document's start to the element under way, for messages.
  size_t offset() const noexcept { return static_cast<size_t>(element_ - start_); }

 private:
  bool fail(BsonFault fault) noexcept;
  const uint8_t *start_, *at_, *end_, *element_;
  const char* name_ = nullptr;
  size_t name_size_ = 0;
  Value value_;
  BsonFault fault_ = BsonFault::kNone;
};

/// Checks a whole document, nested ones included.
BsonFault validate_bson(Bytes document, int max_depth = kMaxBsonDepth) noexcept;

/// The value of a top-level field, the last one of that name; kMissing when there is none.
Value bson_field(Bytes document, std::string_view name) noexcept;

/// Pieces of the composite types. Code with scope: {code text, scope document}. Regex: {pattern,
/// options}. DBPointer: {namespace, 12 bytes}.
struct BsonPair {
  std::string_view first;
  Bytes second;
};
BsonPair split_code_with_scope(const Value& value) noexcept;
BsonPair split_regex(const Value& value) noexcept;
BsonPair split_db_pointer(const Value& value) noexcept;

}  // namespace lugger
