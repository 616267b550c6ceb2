// What lies inside the fields of a PostgreSQL row: json is read as a document's values are, and the
// elements of arrays are reached like those of a document.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.hpp"
#include "value/bson_reader.hpp"
#include "value/document.hpp"

namespace lugger {

/// JSON text as the value it says: a document, an array, a number, null. No object is taken for a
/// wrapper of another type. False: it cannot be read (a name with NUL, a thousand levels).
bool read_json_value(std::string_view json, Arena& arena, Value& out);

/// The field as something that a path can lead into: json as read_json_value() has it; an array
/// that comes as text, of an enum or a domain, as an array of texts. Everything else is itself.
Value looked_into(const RowShape::Field& field, const Value& value, Arena& arena);

/// True for arrays of documents and of rows.
inline bool is_array(ValueType type) noexcept {
  return type == ValueType::kArray || type == ValueType::kPgArray;
}

/// The elements of an array of either kind, or the fields of a document. Those of a PostgreSQL
/// array are named by their places, from 0, as BSON names them; of several dimensions the elements
/// are arrays.
class ElementReader {
 public:
  ElementReader(const Value& array, Arena& arena);
  bool next() { return pg_ ? next_pg() : bson_.next(); }
  std::string_view name() const noexcept {
    return pg_ ? std::string_view(place_, place_size_) : bson_.name();
  }
  const Value& value() const noexcept { return pg_ ? value_ : bson_.value(); }
  /// After the loop: whether it ended where the array does not.
  bool malformed() const noexcept { return pg_ ? malformed_ : bson_.fault() != BsonFault::kNone; }

 private:
  void start_pg(Bytes array);
  bool next_pg();
  bool pass(const uint8_t*& from) noexcept;
  bool take_element();
  bool take_inner();

  bool pg_, malformed_ = false;
  BsonReader bson_;
  Arena& arena_;
  const uint8_t *header_ = nullptr, *at_ = nullptr, *end_ = nullptr;
  int dimensions_ = 0;
  uint64_t count_ = 0, inner_ = 0, index_ = 0;  // elements; values in each; the next one
  Value value_;
  char place_[24] = {};
  size_t place_size_ = 0;
};

/// How much of a row's field is opened: kWhole leaves an array that comes as text as it is.
enum class Opened : uint8_t { kWhole, kInside };

/// The value of a top-level field, of either format. `arena` takes what must be converted.
Value document_field(const Document& document, std::string_view name, Opened opened, Arena& arena);

/// The value at a path: a name is a field, or the place of an element from 0.
Value value_at(const Document& document, const std::vector<std::string>& path, Arena& arena);

}  // namespace lugger
