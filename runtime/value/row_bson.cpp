#include "value/row_bson.hpp"

#include <span>

#include "base/error.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/datetime.hpp"
#include "value/json_reader.hpp"
#include "value/pgrow_reader.hpp"
#include "value/plain_json.hpp"

namespace lugger {

namespace {

/// Not a wrapper of Extended JSON either, {"$oid": ...}, which is a value.
bool is_plain_object(std::string_view json) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t open = json.find_first_not_of(kSpace);
  if (open == json.npos || json[open] != '{') return false;
  const size_t key = json.find_first_not_of(kSpace, open + 1);
  return key == json.npos || json.substr(key, 2) != "\"$";
}

class RowWriter {
 public:
  RowWriter(Arena& arena, ByteBuffer& out) : arena_(arena), writer_(out) {}

  void row(const Document& row) {
    writer_.begin_document();
    PgRowReader reader(row, arena_);
    while (reader.next()) put(reader.name(), false, reader.value());
    if (reader.malformed()) raise(Code::kRead, "the bytes of the row are not valid");
    writer_.end();
  }

 private:
  void put(std::string_view name, bool element, const Value& value) {
    switch (value.type) {
      case ValueType::kJson: return json(name, element, value);
      case ValueType::kPgArray: return array(name, element, value);
      case ValueType::kPgText:
        return give(name, element, Value::of(ValueType::kString, value.text()));
      case ValueType::kMicros: return instant(name, element, value);
      default: return give(name, element, value);
    }
  }

  void give(std::string_view name, bool element, const Value& value) {
    element ? writer_.append(value) : writer_.append(name, value);
  }

  /// Milliseconds are what BSON's date has.
  void instant(std::string_view name, bool element, const Value& value) {
    const auto ms = unix_ms_from_micros(value.i64);
    const bool exact = ms && value.i64 % 1000 == 0;
    give(name, element, exact ? Value::of(ValueType::kDate, *ms) : value);
  }

  void json(std::string_view name, bool element, const Value& value) {
    const std::string bson = bson_of_stored_json(value.text());
    BsonReader root(as_bytes(bson));
    const bool bare = !is_plain_object(value.text()) && root.next() && root.name().empty();
    give(name, element, bare ? root.value() : Value::of(ValueType::kDocument, as_bytes(bson)));
  }

  void array(std::string_view name, bool element, const Value& value) {
    PgArrayReader reader(value.bytes());
    std::vector<uint32_t> sizes;
    for (int i = 0; i < reader.dimensions(); ++i)
      sizes.push_back(load_be<uint32_t>(value.data + 12 + 8 * static_cast<size_t>(i)));
    element ? writer_.begin_array() : writer_.begin_array(name);
    elements(reader, sizes);
    writer_.end();
    if (reader.malformed()) raise(Code::kRead, "the bytes of an array are not valid");
  }

  void elements(PgArrayReader& reader, std::span<const uint32_t> sizes) {
    for (uint32_t i = 0; !sizes.empty() && i < sizes[0]; ++i) {
      if (sizes.size() > 1) {
        writer_.begin_array();
        elements(reader, sizes.subspan(1));
        writer_.end();
      } else if (reader.next(arena_)) {
        put("", true, reader.value());
      } else {
        return;
      }
    }
  }

  Arena& arena_;
  BsonWriter writer_;
};

}  // namespace

std::string bson_of_stored_json(std::string_view json) {
  try {
    return bson_from_json(json, JsonNumbers::kExact);
  } catch (const Error&) {
    return bson_from_plain_json(json);
  }
}

void append_row(const Document& row, Arena& arena, ByteBuffer& out) {
  RowWriter(arena, out).row(row);
}

}  // namespace lugger
