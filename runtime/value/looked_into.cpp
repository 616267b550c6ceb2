#include "value/looked_into.hpp"

#include <charconv>

#include "base/error.hpp"
#include "value/bson_writer.hpp"
#include "value/pgrow_reader.hpp"
#include "value/plain_json.hpp"

namespace lugger {

namespace {

constexpr size_t kMostDimensions = 6;

/// The text form of an array: {a,"b c",NULL,{d}}, perhaps behind its bounds: [0:1]={a,b}.
class ArrayText {
 public:
  ArrayText(std::string_view text, ByteBuffer& out) : text_(text), writer_(out) {}

  bool read() {
    if (text_.starts_with('[')) at_ = std::min(text_.find('=') + 1, text_.size());
    return array(0) && at_ == text_.size();
  }

 private:
  char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool array(size_t depth) {
    if (depth == kMostDimensions || peek() != '{') return false;
    ++at_;
    writer_.begin_array();
    for (bool first = true; peek() != '}'; first = false) {
      if (!first && peek() != ',') return false;
      if (!first) ++at_;
      if (peek() == '{' ? !array(depth + 1) : !element()) return false;
    }
    ++at_;
    writer_.end();
    return true;
  }

  bool element() {
    std::string text;
    const bool quoted = peek() == '"';
    if (quoted) ++at_;
    for (;; ++at_) {
      if (at_ >= text_.size()) return false;
      const char c = text_[at_];
      if (quoted ? c == '"' : c == ',' || c == '}') break;
      if (c == '\\' && ++at_ >= text_.size()) return false;
      text += text_[at_];
    }
    if (quoted) ++at_;
    writer_.append(!quoted && text == "NULL" ? Value::null() : Value::of(ValueType::kString, text));
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  BsonWriter writer_;
};

Value read_array_text(const Value& value, Arena& arena) {
  ByteBuffer bson;
  if (!ArrayText(value.text(), bson).read()) return value;
  return Value::of(ValueType::kArray, as_bytes(arena.copy(bson.text())));
}

Value row_field(const Document& row, std::string_view name, Opened opened, Arena& arena) {
  for (PgRowReader reader(row, arena); reader.next();) {
    if (reader.name() != name) continue;
    const Value& value = reader.value();
    if (opened == Opened::kWhole && value.type != ValueType::kJson) return value;
    return looked_into(row.shape->fields[reader.index()], value, arena);
  }
  return {};
}

Value element_at(const Value& array, std::string_view place, Arena& arena) {
  for (ElementReader reader(array, arena); reader.next();)
    if (reader.name() == place) return reader.value();
  return {};
}

}  // namespace

bool read_json_value(std::string_view json, Arena& arena, Value& out) {
  try {
    const Bytes bson = as_bytes(arena.copy(bson_from_plain_json(json)));
    const bool document = json.substr(json.find_first_not_of(" \t\r\n")).starts_with('{');
    out = document ? Value::of(ValueType::kDocument, bson) : bson_field(bson, "");
    return true;
  } catch (const Error&) {
    return false;
  }
}

Value looked_into(const RowShape::Field& field, const Value& value, Arena& arena) {
  Value out = value;
  if (value.type == ValueType::kJson) read_json_value(value.text(), arena, out);
  if (value.type == ValueType::kPgText && field.type_name.ends_with("]"))
    out = read_array_text(value, arena);
  return out;
}

ElementReader::ElementReader(const Value& array, Arena& arena)
    : pg_(array.type == ValueType::kPgArray), bson_(pg_ ? Bytes{} : array.bytes()), arena_(arena) {
  if (pg_) start_pg(array.bytes());
}

void ElementReader::start_pg(Bytes array) {
  const PgArrayReader checked(array);
  malformed_ = checked.malformed();
  dimensions_ = checked.dimensions();
  if (malformed_ || dimensions_ == 0) return;
  header_ = array.data();
  end_ = array.data() + array.size();
  at_ = header_ + 12 + 8 * static_cast<size_t>(dimensions_);
  count_ = load_be<uint32_t>(header_ + 12);
  inner_ = 1;
  for (int i = 1; i < dimensions_; ++i) inner_ *= load_be<uint32_t>(header_ + 12 + 8 * i);
}

bool ElementReader::next_pg() {
  if (malformed_ || index_ == count_) return false;
  malformed_ = !(dimensions_ == 1 ? take_element() : take_inner());
  const auto end = std::to_chars(place_, place_ + sizeof place_, index_++).ptr;
  place_size_ = static_cast<size_t>(end - place_);
  return !malformed_;
}

/// Goes past one value: its length, and its bytes.
bool ElementReader::pass(const uint8_t*& from) noexcept {
  if (end_ - from < 4) return false;
  const auto size = load_be<int32_t>(from);
  from += 4;
  if (size < -1 || end_ - from < size) return false;
  from += std::max(size, 0);
  return true;
}

bool ElementReader::take_element() {
  const uint8_t* const begin = at_;
  if (!pass(at_)) return false;
  value_ = Value::null();
  if (load_be<int32_t>(begin) == -1) return true;
  const uint32_t oid = load_be<uint32_t>(header_ + 8);
  const Bytes field(begin + 4, static_cast<size_t>(at_ - begin - 4));
  if (!read_pg_field(pg_reads_as(oid, ""), oid, field, arena_, value_)) return false;
  if (value_.type == ValueType::kJson) read_json_value(value_.text(), arena_, value_);
  return true;
}

/// An array of one dimension less.
bool ElementReader::take_inner() {
  const uint8_t* const begin = at_;
  for (uint64_t i = 0; i < inner_; ++i)
    if (!pass(at_)) return false;
  ArenaWriter out(arena_);
  out.append_be(int32_t{dimensions_ - 1});
  out.append(header_ + 4, 8);  // whether there are NULLs; the type
  out.append(header_ + 20, 8 * static_cast<size_t>(dimensions_ - 1));
  out.append(begin, static_cast<size_t>(at_ - begin));
  value_ = Value::of(ValueType::kPgArray, out.finish());
  return true;
}

Value document_field(const Document& document, std::string_view name, Opened opened, Arena& arena) {
  return document.format == Format::kBson ? bson_field(document.bytes(), name)
                                          : row_field(document, name, opened, arena);
}

Value value_at(const Document& document, const std::vector<std::string>& path, Arena& arena) {
  const Opened opened = path.size() > 1 ? Opened::kInside : Opened::kWhole;
  Value value = document_field(document, path.front(), opened, arena);
  for (size_t at = 1; at < path.size(); ++at) {
    if (value.type == ValueType::kPgArray)
      value = element_at(value, path[at], arena);
    else if (value.type == ValueType::kDocument || value.type == ValueType::kArray)
      value = bson_field(value.bytes(), path[at]);
    else
      return {};
  }
  return value;
}

}  // namespace lugger
