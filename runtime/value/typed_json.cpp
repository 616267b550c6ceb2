#include "value/typed_json.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/text.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/datetime.hpp"
#include "value/decimal.hpp"
#include "value/plain_json.hpp"

namespace lugger {

namespace {

template <typename T>
std::optional<T> whole(const Value& value) {
  if (value.type != ValueType::kString) return std::nullopt;
  T out = 0;
  const char* end = value.text().data() + value.size;
  const auto parsed = std::from_chars(value.text().data(), end, out);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return out;
}

/// The one field of a document, which has that name; kMissing: it is another document.
Value only_field(const Value& value, std::string_view name) {
  if (value.type != ValueType::kDocument) return {};
  BsonReader reader(value.bytes());
  if (!reader.next() || reader.name() != name) return {};
  const Value found = reader.value();
  return reader.next() ? Value{} : found;
}

bool is_text(const Value& value) noexcept { return value.type == ValueType::kString; }

class TagReader {
 public:
  TagReader(TypedForm form, ByteBuffer& out) : form_(form), writer_(out) {}

  void root(const Value& value) {
    writer_.begin_document();
    put("", false, value);
    writer_.end();
  }

 private:
  void give(std::string_view name, bool indexed, const Value& value) {
    indexed ? writer_.append(value) : writer_.append(name, value);
  }

  void put(std::string_view name, bool indexed, const Value& value) {
    if (value.type == ValueType::kArray) {
      indexed ? writer_.begin_array() : writer_.begin_array(name);
      for (BsonReader reader(value.bytes()); reader.next();) put("", true, reader.value());
      writer_.end();
    } else if (value.type != ValueType::kDocument) {
      give(name, indexed, value);
    } else if (!tag(name, indexed, value)) {
      fields(name, indexed, value);
    }
  }

  void fields(std::string_view name, bool indexed, const Value& value) {
    indexed ? writer_.begin_document() : writer_.begin_document(name);
    for (BsonReader reader(value.bytes()); reader.next();)
      put(reader.name(), false, reader.value());
    writer_.end();
  }

  /// False: an ordinary document.
  bool tag(std::string_view name, bool indexed, const Value& value) {
    BsonReader reader(value.bytes());
    if (!reader.next() || !reader.name().starts_with('$')) return false;
    const std::string_view key = reader.name();
    const Value inner = reader.value();
    std::string_view second;
    Value other;
    if (reader.next()) second = reader.name(), other = reader.value();
    if (reader.next()) return false;
    if (key == "$code" && second == "$scope") return code(name, indexed, inner, other);
    if (!second.empty() || other.type != ValueType::kMissing) return false;
    if (form_ == TypedForm::kTyped && key == "$document" && inner.type == ValueType::kDocument) {
      fields(name, indexed, inner);
      return true;
    }
    room_.clear();
    const Value meant = scalar(key, inner);
    if (meant.type == ValueType::kMissing) return false;
    give(name, indexed, meant);
    return true;
  }

  bool code(std::string_view name, bool indexed, const Value& text, const Value& scope) {
    const Value source = plain_text(text);
    if (!is_text(source) || scope.type != ValueType::kDocument) return false;
    ByteBuffer made;
    TagReader(form_, made).root(scope);
    const Value inner = bson_field(made.view(), "");
    ByteBuffer out;
    out.append_le(static_cast<int32_t>(4 + 4 + source.size + 1 + inner.size));
    out.append_le(static_cast<int32_t>(source.size + 1));
    out.append(source.bytes());
    out.push(0);
    out.append(inner.bytes());
    give(name, indexed, Value::of(ValueType::kCodeWithScope, out.view()));
    return true;
  }

  /// A text, also one that JSON cannot hold.
  Value plain_text(const Value& value) {
    if (is_text(value) || form_ == TypedForm::kIdText) return value;
    return scalar("$string", only_field(value, "$string"));
  }

  Value bytes_of(ValueType type, std::string_view bytes, uint16_t aux = 0) {
    room_ = bytes;
    return Value::of(type, as_bytes(room_), aux);
  }

  Value scalar(std::string_view key, const Value& inner) {
    if (key == "$undefined") return Value::of(ValueType::kUndefined, 0);
    if (key == "$minKey") return Value::of(ValueType::kMinKey, 0);
    if (key == "$maxKey") return Value::of(ValueType::kMaxKey, 0);
    if (key == "$numberDouble" || key == "$numberDecimal" || key == "$numberInt" ||
        key == "$numberLong")
      return number(key, inner);
    if (key == "$oid" && is_text(inner) && inner.size == 24) {
      const std::optional<std::string> bytes = from_hex(inner.text());
      return bytes ? bytes_of(ValueType::kObjectId, *bytes) : Value{};
    }
    if (key == "$date") {
      if (form_ == TypedForm::kTyped && is_text(inner)) {  // with microseconds
        const auto micros = parse_timestamp(inner.text());
        return micros ? Value::of(ValueType::kMicros, *micros) : Value{};
      }
      const auto ms = whole<int64_t>(only_field(inner, "$numberLong"));
      return ms ? Value::of(ValueType::kDate, *ms) : Value{};
    }
    if (key == "$string" && form_ == TypedForm::kTyped) {
      const Value base64 = only_field(inner, "base64");
      const auto bytes = is_text(base64) ? from_base64(base64.text()) : std::nullopt;
      return bytes ? bytes_of(ValueType::kString, *bytes) : Value{};
    }
    if (key == "$symbol" || key == "$code") {
      const Value text = plain_text(inner);
      if (!is_text(text)) return {};
      return Value::of(key == "$code" ? ValueType::kCode : ValueType::kSymbol, text.bytes());
    }
    return composite(key, inner);
  }

  Value number(std::string_view key, const Value& inner) {
    if (key == "$numberInt" || key == "$numberLong") {
      const auto read = whole<int64_t>(inner);
      if (!read) return {};
      return Value::of(key == "$numberInt" ? ValueType::kInt32 : ValueType::kInt64, *read);
    }
    if (!is_text(inner)) return {};
    if (key == "$numberDouble") {
      using Limits = std::numeric_limits<double>;
      if (inner.text() == "NaN") return Value::of_double(Limits::quiet_NaN());
      if (inner.text() == "Infinity") return Value::of_double(Limits::infinity());
      if (inner.text() == "-Infinity") return Value::of_double(-Limits::infinity());
      double out = 0;
      const char* end = inner.text().data() + inner.size;
      const auto parsed = std::from_chars(inner.text().data(), end, out);
      return parsed.ec == std::errc() && parsed.ptr == end ? Value::of_double(out) : Value{};
    }
    DecimalDigits digits;
    uint8_t bytes[16];
    if (parse_decimal(inner.text(), {}, digits) != DecimalFault::kNone ||
        !decimal_to_bson(digits, bytes))
      return {};
    return bytes_of(ValueType::kDecimal, as_text(Bytes(bytes)));
  }

  Value composite(std::string_view key, const Value& inner) {
    if (inner.type != ValueType::kDocument) return {};
    const auto field = [&](std::string_view name) { return bson_field(inner.bytes(), name); };
    if (key == "$binary") {
      const Value base64 = field("base64"), subtype = field("subType");
      if (!is_text(base64) || !is_text(subtype)) return {};
      const auto bytes = from_base64(base64.text()), kind = from_hex(subtype.text());
      if (!bytes || !kind || kind->size() != 1) return {};
      return bytes_of(ValueType::kBinary, *bytes, static_cast<uint8_t>(kind->front()));
    }
    if (key == "$timestamp") {
      const Value t = field("t"), i = field("i");
      const auto is_whole = [](const Value& v) {
        return v.type == ValueType::kInt32 || v.type == ValueType::kInt64;
      };
      if (!is_whole(t) || !is_whole(i)) return {};
      const auto seconds = static_cast<uint64_t>(t.i64), count = static_cast<uint64_t>(i.i64);
      return Value::of(ValueType::kTimestamp, static_cast<int64_t>(seconds << 32 | count));
    }
    if (key == "$regularExpression") {
      const Value pattern = field("pattern"), options = field("options");
      if (!is_text(pattern) || !is_text(options)) return {};
      std::string bytes(pattern.text());
      bytes.push_back('\0');
      bytes += options.text();
      bytes.push_back('\0');
      return bytes_of(ValueType::kRegex, bytes);
    }
    if (key == "$dbPointer") return pointer(field("$ref"), field("$id"));
    return {};
  }

  Value pointer(const Value& space, const Value& id) {
    const Value text = is_text(space) ? space : Value{}, hex = only_field(id, "$oid");
    const auto oid = is_text(hex) ? from_hex(hex.text()) : std::nullopt;
    if (text.type == ValueType::kMissing || !oid || oid->size() != 12) return {};
    std::string bytes(4, '\0');
    store_le(bytes.data(), static_cast<int32_t>(text.size + 1));
    bytes += text.text();
    bytes.push_back('\0');
    bytes += *oid;
    return bytes_of(ValueType::kDbPointer, bytes);
  }

  TypedForm form_;
  BsonWriter writer_;
  std::string room_;
};

}  // namespace

std::string bson_from_typed_json(std::string_view json, TypedForm form) {
  std::string listed;  // so that {"": 1} is told from 1
  listed.reserve(json.size() + 2);
  listed.append(1, '[').append(json).append(1, ']');
  const std::string bson = bson_from_plain_json(
      listed, form == TypedForm::kIdText ? DoubleDigits::kExact : DoubleDigits::kShortest);
  Value value = bson_field(as_bytes(bson), "");
  BsonReader reader(value.bytes());
  if (reader.next()) value = reader.value();
  ByteBuffer out;
  TagReader(form, out).root(value);
  return std::string(out.text());
}

}  // namespace lugger
