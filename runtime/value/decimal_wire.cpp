// The two wire forms of a decimal: BSON's decimal128 (IEEE 754-2008, BID) and PostgreSQL's numeric.
#include <algorithm>

#include "value/decimal.hpp"

namespace lugger {

namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr int kBias = 6176, kMaxExponent = 6111, kMaxDigits = 34;
constexpr Wide kTenTo17 = 100000000000000000ULL;
constexpr Wide kMaxCoefficient = kTenTo17 * kTenTo17 - 1;
constexpr uint16_t kNegative = 0x4000, kNaN = 0xC000, kInfinity = 0xD000, kMinusInfinity = 0xF000;

struct NumericHead {
  int ndigits, weight;
  uint16_t sign;
  int dscale;
};

uint8_t* write_head(const NumericHead& head, Arena& arena) {
  uint8_t* out = arena.allocate(8 + 2 * static_cast<size_t>(head.ndigits));
  store_be(out, static_cast<int16_t>(head.ndigits));
  store_be(out + 2, static_cast<int16_t>(head.weight));
  store_be(out + 4, head.sign);
  store_be(out + 6, static_cast<uint16_t>(head.dscale));
  return out;
}

int floor_div4(int64_t value) noexcept {
  return static_cast<int>(value >= 0 ? value / 4 : -((3 - value) / 4));
}

}  // namespace

Decimal128Digits decimal_from_bson(const uint8_t* decimal128) noexcept {
  const auto low = load_le<uint64_t>(decimal128), high = load_le<uint64_t>(decimal128 + 8);
  Decimal128Digits out;
  out.negative = (high >> 63) != 0;
  const unsigned combination = (high >> 58) & 31;
  if (combination == 31) {
    out.kind = DecimalDigits::Kind::kNaN;
    out.negative = false;
    return out;
  }
  if (combination == 30) {
    out.kind = DecimalDigits::Kind::kInfinity;
    return out;
  }
  // implicit 100x on top: more than 34 digits, so it counts as zero
  const bool large = (combination >> 3) == 3;
  const int biased = static_cast<int>((large ? high >> 47 : high >> 49) & 0x3FFF);
  out.scale = kBias - biased;
  Wide coefficient = large ? 0 : (static_cast<Wide>(high & 0x0001FFFFFFFFFFFF) << 64) | low;
  if (coefficient > kMaxCoefficient) coefficient = 0;
  char text[40];
  size_t at = sizeof text;
  auto upper = static_cast<uint64_t>(coefficient / kTenTo17),
       lower = static_cast<uint64_t>(coefficient % kTenTo17);
  for (int i = 0; lower != 0 || (upper != 0 && i < 17); ++i, lower /= 10)
    text[--at] = static_cast<char>('0' + lower % 10);
  for (; upper != 0; upper /= 10) text[--at] = static_cast<char>('0' + upper % 10);
  out.size = sizeof text - at;
  std::memcpy(out.digits, text + at, out.size);
  return out;
}

void decimal_from_bson(const uint8_t* decimal128, DecimalDigits& out) {
  const Decimal128Digits parts = decimal_from_bson(decimal128);
  out.kind = parts.kind;
  out.negative = parts.negative;
  out.scale = parts.scale;
  out.digits.assign(parts.digits, parts.size);
}

bool decimal_to_bson(const DecimalDigits& value, uint8_t* out16) {
  uint64_t high = value.negative ? uint64_t{1} << 63 : 0, low = 0;
  if (value.kind != DecimalDigits::Kind::kFinite) {
    high =
        value.kind == DecimalDigits::Kind::kNaN ? uint64_t{31} << 58 : high | (uint64_t{30} << 58);
  } else {
    std::string_view digits = value.digits;
    int64_t exponent = -static_cast<int64_t>(value.scale);
    while (!digits.empty() && digits.back() == '0' &&
           (digits.size() > kMaxDigits || exponent < -kBias)) {
      digits.remove_suffix(1);
      ++exponent;
    }
    if (digits.size() > kMaxDigits) return false;
    Wide coefficient = 0;
    for (const char c : digits) coefficient = coefficient * 10 + static_cast<unsigned>(c - '0');
    if (coefficient == 0) exponent = std::clamp<int64_t>(exponent, -kBias, kMaxExponent);
    for (; exponent > kMaxExponent && coefficient * 10 <= kMaxCoefficient; --exponent)
      coefficient *= 10;
    if (exponent > kMaxExponent || exponent < -kBias) return false;
    high |=
        static_cast<uint64_t>(exponent + kBias) << 49 | static_cast<uint64_t>(coefficient >> 64);
    low = static_cast<uint64_t>(coefficient);
  }
  store_le(out16, low);
  store_le(out16 + 8, high);
  return true;
}

void decimal_from_numeric(Bytes numeric, DecimalDigits& out) {
  out.kind = DecimalDigits::Kind::kFinite;
  out.negative = false;
  out.digits.clear();
  out.scale = 0;
  if (numeric.size() < 8) return;
  const int ndigits = load_be<uint16_t>(numeric.data()),
            weight = load_be<int16_t>(numeric.data() + 2);
  const auto sign = load_be<uint16_t>(numeric.data() + 4);
  const int dscale = load_be<uint16_t>(numeric.data() + 6);
  if (sign == kNaN) out.kind = DecimalDigits::Kind::kNaN;
  if (sign == kInfinity || sign == kMinusInfinity) out.kind = DecimalDigits::Kind::kInfinity;
  out.negative = sign == kNegative || sign == kMinusInfinity;
  if (out.kind != DecimalDigits::Kind::kFinite ||
      numeric.size() < 8 + 2 * static_cast<size_t>(ndigits))
    return;
  for (int i = 0; i < ndigits; ++i) {
    unsigned group = load_be<uint16_t>(numeric.data() + 8 + 2 * i);
    char text[4];
    for (int d = 3; d >= 0; --d, group /= 10) text[d] = static_cast<char>('0' + group % 10);
    std::string_view part(text, 4);
    if (out.digits.empty()) part.remove_prefix(std::min(part.find_first_not_of('0'), part.size()));
    out.digits.append(part);
  }
  out.scale = (ndigits - 1 - weight) * 4;
  if (out.digits.empty()) {
    out.scale = dscale;
  } else if (out.scale < dscale) {
    out.digits.append(static_cast<size_t>(dscale - out.scale), '0');
    out.scale = dscale;
  } else {
    truncate_decimal(out, dscale);
  }
}

Bytes decimal_to_numeric(const DecimalDigits& value, int min_scale, Arena& arena) {
  if (value.kind != DecimalDigits::Kind::kFinite) {
    const bool nan = value.kind == DecimalDigits::Kind::kNaN;
    return {write_head({0, 0,
                        nan              ? kNaN
                        : value.negative ? kMinusInfinity
                                         : kInfinity,
                        0},
                       arena),
            8};
  }
  const int dscale = std::max({min_scale, value.scale, 0});
  const size_t leading = std::min(value.digits.find_first_not_of('0'), value.digits.size());
  const size_t end = value.digits.find_last_not_of('0') + 1;
  if (end == 0) return {write_head({0, 0, 0, dscale}, arena), 8};
  const std::string_view digits = std::string_view(value.digits).substr(leading, end - leading);
  const int64_t first = static_cast<int64_t>(value.digits.size() - leading) - 1 -
                        value.scale;  // power of ten of the first digit
  const int weight = floor_div4(first);
  // digits in the first group
  const int head = static_cast<int>(first - 4 * static_cast<int64_t>(weight)) + 1;
  const auto count = static_cast<int64_t>(digits.size());
  const int ndigits = count <= head ? 1 : static_cast<int>(1 + (count - head + 3) / 4);
  uint8_t* out =
      write_head({ndigits, weight, value.negative ? kNegative : uint16_t{0}, dscale}, arena);
  size_t at = 0;
  for (int i = 0; i < ndigits; ++i) {
    int group = 0;
    for (int left = i == 0 ? head : 4; left > 0; --left, ++at)
      group = group * 10 + (at < digits.size() ? digits[at] - '0' : 0);
    store_be(out + 8 + 2 * i, static_cast<int16_t>(group));
  }
  return {out, 8 + 2 * static_cast<size_t>(ndigits)};
}

Bytes int_to_numeric(int64_t value, int min_scale, Arena& arena) {
  uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  uint16_t groups[5];  // lowest first; 10000^5 > 2^64
  int count = 0, weight = -1;
  for (; magnitude != 0; magnitude /= 10000) {
    const auto group = static_cast<uint16_t>(magnitude % 10000);
    ++weight;
    if (group != 0 || count != 0) groups[count++] = group;
  }
  uint8_t* out = write_head(
      {count, std::max(weight, 0), value < 0 ? kNegative : uint16_t{0}, std::max(min_scale, 0)},
      arena);
  for (int i = 0; i < count; ++i) store_be(out + 8 + 2 * i, groups[count - 1 - i]);
  return {out, 8 + 2 * static_cast<size_t>(count)};
}

}  // namespace lugger
