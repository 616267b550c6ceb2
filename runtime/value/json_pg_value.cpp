// What BSON does not have, as JSON: values that coercers made or that came from a PostgreSQL table.
#include <fmt/format.h>

#include "value/json_emitter.hpp"
#include "value/pgrow_reader.hpp"
#include "value/single.hpp"

namespace lugger::json {
namespace {

JsonFault named(ByteBuffer& out, std::string_view key, std::string_view clean) {
  out.append(fmt::format(R"({{"{}":"{}"}})", key, clean));
  return JsonFault::kNone;
}

JsonFault quoted(ByteBuffer& out, std::string_view clean) {
  out.push('"');
  out.append(clean);
  out.push('"');
  return JsonFault::kNone;
}

JsonFault numeric(const Value& value, const Rules& rules, ByteBuffer& out) {
  const std::string shown = numeric_text(value.bytes());
  if (!rules.plain()) return named(out, "$numberDecimal", shown);
  if (shown.back() >= '0' && shown.back() <= '9') return out.append(shown), JsonFault::kNone;
  switch (rules.non_finite) {
    case JsonPolicy::NonFinite::kReject: return JsonFault::kNonFinite;
    case JsonPolicy::NonFinite::kNull: return out.append("null"), JsonFault::kNone;
    case JsonPolicy::NonFinite::kText: break;
  }
  return quoted(out, shown);
}

// A date without loss where Extended JSON can say it in milliseconds; ISO text with microseconds,
// or an infinity, otherwise.
JsonFault instant(int64_t micros, const std::string& shown, const Rules& rules, ByteBuffer& out) {
  const auto ms = unix_ms_from_micros(micros);
  if (rules.plain() || !ms) return quoted(out, shown);
  if (micros % 1000 != 0) return named(out, "$date", shown);
  return Emitter<ByteBuffer>(out, rules).emit(Value::of(ValueType::kDate, *ms), 0);
}

JsonFault day(int64_t days, const Rules& rules, ByteBuffer& out) {
  const std::string shown = day_text(days);
  const bool has_instant = days >= kMinDay && days < kEndMicros / kMicrosPerDay;
  if (!has_instant) return quoted(out, shown);
  return instant(days * kMicrosPerDay, shown, rules, out);
}

float half_to_float(uint16_t bits) noexcept {
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 31) {
    return fraction != 0 ? std::numeric_limits<float>::quiet_NaN()
                         : sign * std::numeric_limits<float>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
}

void write_single(ByteBuffer& out, float number) {
  const bool special = (number == 0 && std::signbit(number)) || std::abs(number) == kMidwaySingle;
  if (!special) return write_shortest(out, number);
  out.advance(single_chars(number, reinterpret_cast<char*>(out.room(kDoubleChars))));
}

JsonFault write_float(float number, const Rules& rules, ByteBuffer& out) {
  const bool finite = std::isfinite(number);
  if (!finite) return Emitter<ByteBuffer>(out, rules).emit(Value::of_double(double{number}), 0);
  const bool whole = number == std::trunc(number);
  const bool wrap = rules.canonical() || (rules.typed() && whole);
  if (wrap) out.append(R"({"$numberDouble":")");
  write_single(out, number);
  const bool signed_zero = number == 0 && std::signbit(number);
  if (whole && !signed_zero && !rules.plain() && std::abs(number) < 1e15F) out.append(".0");
  if (wrap) out.append("\"}");
  return JsonFault::kNone;
}

template <typename Element, typename AsFloat>
JsonFault vector(const Value& value, const Rules& rules, ByteBuffer& out, AsFloat as_float) {
  if (value.size % sizeof(Element) != 0) return JsonFault::kMalformed;
  out.push('[');
  for (uint32_t at = 0; at < value.size; at += sizeof(Element)) {
    if (at != 0) out.push(',');
    const float number = as_float(load_le<Element>(value.data + at));
    const JsonFault fault = write_float(number, rules, out);
    if (fault != JsonFault::kNone) return fault;
  }
  out.push(']');
  return JsonFault::kNone;
}

// pgvector's text form, indices from 1: "{1:0.5,3:2}/5".
JsonFault sparse_vector(const Value& value, ByteBuffer& out) {
  if (value.size < 12) return JsonFault::kMalformed;
  const auto dimensions = load_be<int32_t>(value.data), count = load_be<int32_t>(value.data + 4);
  if (count < 0 || static_cast<uint64_t>(count) * 8 + 12 != value.size)
    return JsonFault::kMalformed;
  const uint8_t* indices = value.data + 12;
  const uint8_t* numbers = indices + size_t{4} * static_cast<size_t>(count);
  out.append("\"{");
  for (int32_t i = 0; i < count; ++i) {
    if (i != 0) out.push(',');
    write_integer(out, int64_t{load_be<int32_t>(indices + 4 * i)} + 1);
    out.push(':');
    write_single(out, load_be<float>(numbers + 4 * i));
  }
  out.append(fmt::format("}}/{}\"", dimensions));
  return JsonFault::kNone;
}

JsonFault bits(const Value& value, ByteBuffer& out) {
  if (value.size < 4) return JsonFault::kMalformed;
  const auto count = load_be<int32_t>(value.data);
  if (count < 0 || (static_cast<uint64_t>(count) + 7) / 8 != value.size - 4)
    return JsonFault::kMalformed;
  out.push('"');
  for (int32_t i = 0; i < count; ++i) {
    const bool set = (value.data[4 + i / 8] & (0x80 >> (i % 8))) != 0;
    out.push(set ? '1' : '0');
  }
  out.push('"');
  return JsonFault::kNone;
}

/// The elements of a PostgreSQL array, dimension by dimension as nested JSON arrays.
class PgArrayWriter {
 public:
  PgArrayWriter(const Value& value, const Rules& rules, ByteBuffer& out)
      : at_(value.data), end_(value.data + value.size), rules_(rules), out_(out) {}

  JsonFault write() {
    if (end_ - at_ < 12) return JsonFault::kMalformed;
    const auto dimensions = load_be<int32_t>(at_);
    oid_ = load_be<uint32_t>(at_ + 8);
    at_ += 12;
    if (dimensions == 0) return out_.append("[]"), JsonFault::kNone;
    if (dimensions < 0 || dimensions > 6 || end_ - at_ < 8 * dimensions)
      return JsonFault::kMalformed;
    // An element takes 4 bytes at least, and the server sends no dimension without one.
    auto most = static_cast<int64_t>(end_ - at_) / 4;
    for (int32_t i = 0; i < dimensions; ++i, at_ += 8) {
      sizes_.push_back(load_be<int32_t>(at_));
      if (sizes_.back() < 1 || sizes_.back() > most) return JsonFault::kMalformed;
      most /= sizes_.back();
    }
    shape_.fields.push_back({"", oid_, "", pg_reads_as(oid_, "")});
    return dimension(0);
  }

 private:
  JsonFault dimension(size_t depth) {
    out_.push('[');
    for (int32_t i = 0; i < sizes_[depth]; ++i) {
      if (i != 0) out_.push(',');
      const JsonFault fault = depth + 1 < sizes_.size() ? dimension(depth + 1) : element();
      if (fault != JsonFault::kNone) return fault;
    }
    out_.push(']');
    return JsonFault::kNone;
  }

  JsonFault element() {
    if (end_ - at_ < 4) return JsonFault::kMalformed;
    const auto size = load_be<int32_t>(at_);
    if (size > end_ - at_ - 4) return JsonFault::kMalformed;
    const size_t taken = 4 + static_cast<size_t>(std::max(size, 0));
    tuple_.clear();
    tuple_.append_be<int16_t>(1);
    tuple_.append(at_, taken);
    at_ += taken;
    const Document document{tuple_.data(), static_cast<uint32_t>(tuple_.size()), Format::kPgRow,
                            &shape_};
    PgRowReader reader(document, arena_);
    if (!reader.next()) return JsonFault::kMalformed;
    return Emitter<ByteBuffer>(out_, rules_).emit(reader.value(), 0);
  }

  const uint8_t *at_, *end_;
  const Rules& rules_;
  ByteBuffer& out_;
  uint32_t oid_ = 0;
  std::vector<int32_t> sizes_;
  RowShape shape_;
  ByteBuffer tuple_;
  Arena arena_{4096};
};

}  // namespace

JsonFault write_pg_value(const Value& value, const Rules& rules, ByteBuffer& out) {
  switch (value.type) {
    case ValueType::kNumeric: return numeric(value, rules, out);
    case ValueType::kUuid: {
      const Value binary = Value::of(ValueType::kBinary, value.bytes(), 4);
      return Emitter<ByteBuffer>(out, rules).emit(binary, 0);
    }
    case ValueType::kDay: return day(value.i64, rules, out);
    case ValueType::kTime: return quoted(out, time_text(value.i64));
    case ValueType::kMicros: return instant(value.i64, timestamp_text(value.i64), rules, out);
    case ValueType::kInterval: return quoted(out, interval_text(value.data));
    case ValueType::kJson: return out.append(value.bytes()), JsonFault::kNone;
    case ValueType::kVector:
      return vector<float>(value, rules, out, [](float number) { return number; });
    case ValueType::kHalfVector: return vector<uint16_t>(value, rules, out, half_to_float);
    case ValueType::kSparseVector: return sparse_vector(value, out);
    case ValueType::kBits: return bits(value, out);
    case ValueType::kPgArray: return PgArrayWriter(value, rules, out).write();
    case ValueType::kPgText: return write_string(out, value.text(), rules.text);
    default: return JsonFault::kMalformed;
  }
}

}  // namespace lugger::json
