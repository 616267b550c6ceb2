// Coerced values as people and JSON read them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "plan/coerce.hpp"
#include "value/datetime.hpp"
#include "value/pgrow_reader.hpp"
#include "value/single.hpp"
#include "vector/half.hpp"
#include "vector/kernels.hpp"

namespace lugger {

namespace {

template <typename Write>
void append_chars(ByteBuffer& out, size_t most, Write&& write) {
  out.advance(write(reinterpret_cast<char*>(out.room(most))));
}

void append_int(int64_t value, ByteBuffer& out) {
  append_chars(out, 24, [&](char* to) {
    return static_cast<size_t>(std::to_chars(to, to + 24, value).ptr - to);
  });
}

void append_double(const Value& value, ByteBuffer& out) {
  append_chars(out, kDoubleChars, [&](char* to) {
    return value.aux == kSingle ? float_chars(static_cast<float>(value.f64), to)
                                : double_chars(value.f64, to);
  });
}

void append_hex(Bytes bytes, ByteBuffer& out) {
  to_hex(bytes, reinterpret_cast<char*>(out.room(2 * bytes.size())));
  out.advance(2 * bytes.size());
}

void append_uuid(const uint8_t* bytes, ByteBuffer& out) {
  constexpr size_t kGroups[] = {4, 2, 2, 2, 6};
  for (const size_t group : kGroups) {
    if (group != 4) out.push('-');
    append_hex({bytes, group}, out);
    bytes += group;
  }
}

void append_base64(Bytes bytes, ByteBuffer& out) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    const uint32_t group = static_cast<uint32_t>(bytes[i]) << 16 |
                           (left > 1 ? static_cast<uint32_t>(bytes[i + 1]) << 8 : 0) |
                           (left > 2 ? bytes[i + 2] : 0);
    out.push(static_cast<uint8_t>(kDigits[group >> 18]));
    out.push(static_cast<uint8_t>(kDigits[group >> 12 & 63]));
    out.push(static_cast<uint8_t>(left > 1 ? kDigits[group >> 6 & 63] : '='));
    out.push(static_cast<uint8_t>(left > 2 ? kDigits[group & 63] : '='));
  }
}

void append_vector(const Value& value, ByteBuffer& out) {
  const bool half = value.type == ValueType::kHalfVector;
  const size_t step = half ? 2 : 4;
  out.push('[');
  for (size_t i = 0; i + step <= value.size; i += step) {
    if (i > 0) out.push(',');
    const float element =
        half ? float_from_half(load_le<uint16_t>(value.data + i)) : load_le<float>(value.data + i);
    append_chars(out, kDoubleChars, [&](char* to) { return single_chars(element, to); });
  }
  out.push(']');
}

void append_sparse(Bytes sparse, ByteBuffer& out) {
  const size_t count =
      std::min<size_t>(load_be<uint32_t>(sparse.data() + 4), (sparse.size() - 12) / 8);
  out.push('{');
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out.push(',');
    append_int(int64_t{load_be<uint32_t>(sparse.data() + 12 + 4 * i)} + 1, out);
    out.push(':');
    const auto element = load_be<float>(sparse.data() + 12 + 4 * (count + i));
    append_chars(out, kDoubleChars, [&](char* to) { return single_chars(element, to); });
  }
  out.append("}/");
  append_int(load_be<uint32_t>(sparse.data()), out);
}

void append_bits(Bytes bits, ByteBuffer& out) {
  const size_t count = std::min<size_t>(load_be<uint32_t>(bits.data()), 8 * (bits.size() - 4));
  for (size_t i = 0; i < count; ++i)
    out.push((bits[4 + i / 8] >> (7 - i % 8) & 1) != 0 ? '1' : '0');
}

/// The element's text is the server's (bytea as \x.., not base64).
void append_pg_text(const Value& value, Kind kind, ByteBuffer& out);

void append_array(Bytes array, ByteBuffer& out) {
  PgArrayReader reader(array);
  Arena arena;
  ByteBuffer element;
  out.push('{');
  for (bool first = true; reader.next(arena); first = false) {
    if (!first) out.push(',');
    if (reader.value().type == ValueType::kNull) {
      out.append("NULL");
      continue;
    }
    element.clear();
    append_pg_text(reader.value(), Kind::kOther, element);
    append_array_element(element.text(), out);
  }
  out.push('}');
}

/// The server's own spelling of years that ISO signs: no plus, and BC for the years before 1.
void append_server_time(std::string_view text, ByteBuffer& out) {
  const bool early = text.starts_with('-') || text.starts_with("0000-");
  if (text.starts_with('+')) text.remove_prefix(1);
  if (!early || text == "-infinity") return out.append(text);
  if (text.starts_with('-')) text.remove_prefix(1);
  int64_t year = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), year).ptr;
  out.append(fmt::format("{:04}", year + 1));
  out.append(text.substr(static_cast<size_t>(end - text.data())));
  out.append(" BC");
}

void append_pg_text(const Value& value, Kind kind, ByteBuffer& out) {
  switch (value.type) {
    case ValueType::kString:
    case ValueType::kPgText:
    case ValueType::kJson: return out.append(value.bytes());
    case ValueType::kBinary: out.append("\\x"); return append_hex(value.bytes(), out);
    case ValueType::kDay:
    case ValueType::kMicros: {
      ByteBuffer iso;
      append_scalar_text(value, iso);
      std::string_view text = iso.text();
      if (kind == Kind::kTimestamp && text.ends_with('Z')) text.remove_suffix(1);
      return append_server_time(text, out);
    }
    default: append_scalar_text(value, out);
  }
}

/// Line ends of JSON text are white space: inside strings they are escaped.
void append_on_one_line(std::string_view json, ByteBuffer& text) {
  const size_t before = text.size();
  text.append(json);
  for (size_t i = before; i < text.size(); ++i) {
    uint8_t& c = text.data()[i];
    c = c == '\n' || c == '\r' ? ' ' : c;
  }
}

/// JSON has a form of its own for this value.
bool append_json_native(const Value& value, ByteBuffer& text) {
  switch (value.type) {
    case ValueType::kNull:
    case ValueType::kMissing:
    case ValueType::kUndefined: text.append("null"); return true;
    case ValueType::kJson: append_on_one_line(value.text(), text); return true;
    case ValueType::kBool:
    case ValueType::kInt32:
    case ValueType::kInt64: append_scalar_text(value, text); return true;
    case ValueType::kVector: append_vector(value, text); return all_finite_floats(value.bytes());
    case ValueType::kHalfVector:
      append_vector(value, text);
      return all_finite_halves(value.bytes());
    case ValueType::kDouble:
    case ValueType::kNumeric: {
      append_scalar_text(value, text);
      const char last = text.text().back();  // NaN and Infinity are no JSON numbers
      return last >= '0' && last <= '9';
    }
    default: return false;
  }
}

void write_json_value(const Value& value, Kind kind, std::string& out);

/// `sizes`: {size, lower bound} of each of the `dimensions` that are left.
void write_json_array(PgArrayReader& reader, const uint8_t* sizes, int dimensions, Arena& arena,
                      std::string& out) {
  const auto size = load_be<uint32_t>(sizes);
  out += '[';
  for (uint32_t i = 0; i < size; ++i) {
    if (i != 0) out += ',';
    if (dimensions > 1)
      write_json_array(reader, sizes + 8, dimensions - 1, arena, out);
    else if (reader.next(arena))
      write_json_value(reader.value(), Kind::kOther, out);
  }
  out += ']';
}

void write_json_value(const Value& value, Kind kind, std::string& out) {
  ByteBuffer text;
  if (value.type == ValueType::kPgArray) {
    PgArrayReader reader(value.bytes());
    Arena arena;
    if (reader.dimensions() == 0) return void(out += "[]");
    return write_json_array(reader, value.data + 12, reader.dimensions(), arena, out);
  }
  if (append_json_native(value, text)) {
    out += text.text();
    return;
  }
  text.clear();
  append_pg_text(value, kind, text);
  write_json_string(text.text(), out);
}

}  // namespace

void append_array_element(std::string_view text, ByteBuffer& out) {
  const bool null = text.size() == 4 && (text[0] | 32) == 'n' && (text[1] | 32) == 'u' &&
                    (text[2] | 32) == 'l' && (text[3] | 32) == 'l';
  const bool bare =
      !text.empty() && !null && text.find_first_of("{},\"\\ \t\n\r\v\f") == std::string_view::npos;
  if (bare) return out.append(text);
  out.push('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push('\\');
    out.push(static_cast<uint8_t>(c));
  }
  out.push('"');
}

bool append_scalar_text(const Value& value, ByteBuffer& out) {
  const auto time = [&](size_t (*write)(int64_t, char*) noexcept) {
    append_chars(out, kTimeChars, [&](char* to) { return write(value.i64, to); });
    return true;
  };
  switch (value.type) {
    case ValueType::kBool: out.append(value.i64 != 0 ? "true" : "false"); return true;
    case ValueType::kInt32:
    case ValueType::kInt64: append_int(value.i64, out); return true;
    case ValueType::kDouble: append_double(value, out); return true;
    case ValueType::kDecimal:
    case ValueType::kNumeric: {
      DecimalDigits digits;
      number_digits(value, digits);
      value.type == ValueType::kDecimal ? append_scientific(digits, out)
                                        : append_plain(digits, out);
      return true;
    }
    case ValueType::kString:
    case ValueType::kSymbol:
    case ValueType::kPgText:
    case ValueType::kJson: out.append(value.bytes()); return true;
    case ValueType::kBinary: append_base64(binary_payload(value), out); return true;
    case ValueType::kObjectId: append_hex(value.bytes(), out); return true;
    case ValueType::kDate: return time(iso_chars);
    case ValueType::kDay: return time(day_chars);
    case ValueType::kTime: return time(time_chars);
    case ValueType::kMicros: return time(timestamp_chars);
    case ValueType::kInterval:
      append_chars(out, kTimeChars, [&](char* to) { return interval_chars(value.data, to); });
      return true;
    case ValueType::kUuid: append_uuid(value.data, out); return true;
    case ValueType::kVector:
    case ValueType::kHalfVector: append_vector(value, out); return true;
    case ValueType::kSparseVector: append_sparse(value.bytes(), out); return true;
    case ValueType::kBits: append_bits(value.bytes(), out); return true;
    case ValueType::kPgArray: append_array(value.bytes(), out); return true;
    default: return false;
  }
}

std::string coerced_text(const Value& value, const ColumnType& type) {
  if (value.absent()) return "NULL";
  ByteBuffer out;
  append_pg_text(value, type.kind, out);
  return std::string(out.text());
}

void write_coerced_json(const Value& value, const ColumnType& type, std::string& out) {
  write_json_value(value, type.kind, out);
}

}  // namespace lugger
