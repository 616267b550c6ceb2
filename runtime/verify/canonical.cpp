#include "verify/canonical.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {

namespace {

constexpr uint8_t kNullMark = 0, kValueMark = 1, kTextMark = 2;

void append_sized(Bytes bytes, ByteBuffer& out) {
  out.append_le(static_cast<uint32_t>(bytes.size()));
  out.append(bytes);
}

template <typename Float>
void append_float(double value, ByteBuffer& out) {
  const auto number = static_cast<Float>(value);
  out.append_le(std::isnan(number) ? std::numeric_limits<Float>::quiet_NaN() : number);
}

/// Sign, weight and digits of PostgreSQL's binary numeric, without zeros at either end. The display
/// scale is not part of the value.
void append_numeric(Bytes numeric, ByteBuffer& out) {
  constexpr uint16_t kNegative = 0x4000, kSpecial = 0xC000;
  const size_t count = load_be<uint16_t>(numeric.data());
  auto weight = load_be<int16_t>(numeric.data() + 2);
  const auto sign = load_be<uint16_t>(numeric.data() + 4);
  const uint8_t* first = numeric.data() + 8;
  const uint8_t* last = first + 2 * count;
  while (first != last && load_be<uint16_t>(first) == 0) first += 2, --weight;
  while (first != last && load_be<uint16_t>(last - 2) == 0) last -= 2;
  const bool special = (sign & kSpecial) == kSpecial;
  if (special || first == last) {
    out.append_le(special ? sign : uint16_t{0});
    append_sized({}, out);
    return;
  }
  out.append_le(static_cast<uint16_t>(sign & kNegative));
  append_sized({first, static_cast<size_t>(last - first)}, out);
  out.append_le(weight);
}

std::string_view without_blanks(std::string_view text) noexcept {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

void Canonical::append(const Value& value, CompareAs as, ByteBuffer& out) {
  if (value.absent()) {
    out.push(kNullMark);
    return;
  }
  // A target's value that does not read as its column's type: equal to nothing but itself.
  if (value.type == ValueType::kPgText && as.kind != Kind::kOther) {
    out.push(kTextMark);
    append_sized(value.bytes(), out);
    return;
  }
  out.push(kValueMark);
  switch (as.kind) {
    case Kind::kBool:
    case Kind::kInt2:
    case Kind::kInt4:
    case Kind::kInt8:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestamptz: out.append_le(value.i64); return;
    case Kind::kDate: out.append_le(std::clamp<int64_t>(value.i64, INT32_MIN, INT32_MAX)); return;
    case Kind::kFloat4: append_float<float>(value.f64, out); return;
    case Kind::kFloat8: append_float<double>(value.f64, out); return;
    case Kind::kNumeric: append_numeric(value.bytes(), out); return;
    case Kind::kChar: append_sized(as_bytes(without_blanks(value.text())), out); return;
    case Kind::kJsonb: {
      const Digest digest = json_.digest(value.text());
      out.append_le(digest.lo);
      out.append_le(digest.hi);
      return;
    }
    case Kind::kArray: append_array(value.bytes(), as, out); return;
    default: append_sized(value.bytes(), out);
  }
}

/// Dimensions and bounds are included, as in the server's "=".
void Canonical::append_array(Bytes array, CompareAs as, ByteBuffer& out) {
  PgArrayReader reader(array);
  if (reader.malformed()) raise(Code::kRead, "an array is not what the server's arrays look like");
  const auto dimensions = static_cast<size_t>(reader.dimensions());
  out.append_le(static_cast<uint32_t>(dimensions));
  out.append(array.subspan(12, 8 * dimensions));
  while (reader.next(scratch_)) append(reader.value(), {as.element, Kind::kText}, out);
  if (reader.malformed()) raise(Code::kRead, "an array is cut short");
  scratch_.reset();
}

}  // namespace lugger
