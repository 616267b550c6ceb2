#include "vector/elements.hpp"

#include <cstdlib>
#include <limits>

#include "value/single.hpp"
#include "vector/kernels.hpp"

namespace lugger {

namespace {

/// An infinite float here is a value outside a float's range; the largest double represents it.
double finite(float value) noexcept {
  if (!std::isinf(value)) return static_cast<double>(value);
  return std::copysign(std::numeric_limits<double>::max(), static_cast<double>(value));
}

/// Of PostgreSQL's binary bit strings: their number, then the bits.
VectorFault read_bits(Bytes bits, std::span<float> out, size_t& count) {
  if (bits.size() < 4) return VectorFault::kMalformed;
  const Bytes rest = bits.subspan(4);
  count = load_be<uint32_t>(bits.data());
  if (count > 8 * rest.size()) return VectorFault::kMalformed;
  if (count <= out.size()) floats_from_bits(rest, out.first(count));
  return VectorFault::kNone;
}

}  // namespace

bool take_float(std::string_view& text, double& out) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  float single = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), single);
  if (error == std::errc::invalid_argument) return false;
  const auto size = static_cast<size_t>(end - text.data());
  out = static_cast<double>(single);
  if (error == std::errc::result_out_of_range)  // strtof tells at which end of the range
    out = finite(std::strtof(std::string(text.substr(0, size)).c_str(), nullptr));
  text.remove_prefix(size);
  return true;
}

bool read_element(const Value& in, DecimalDigits& digits, double& out) {
  if (in.type == ValueType::kInt32 || in.type == ValueType::kInt64) {
    out = static_cast<double>(static_cast<float>(in.i64));
    return true;
  }
  if (!read_number(in, digits, out)) return false;
  if (in.type != ValueType::kDouble && digits.kind == DecimalDigits::Kind::kFinite)
    out = finite(decimal_to_float(digits));
  return true;
}

bool read_number(const Value& in, DecimalDigits& digits, double& out) {
  switch (in.type) {
    case ValueType::kInt32:
    case ValueType::kInt64: out = static_cast<double>(in.i64); return true;
    case ValueType::kDouble: out = in.f64; return true;
    case ValueType::kDecimal: decimal_from_bson(in.data, digits); break;
    case ValueType::kNumeric: decimal_from_numeric(in.bytes(), digits); break;
    default: return false;
  }
  out = decimal_to_double(digits);
  return true;
}

VectorFault read_floats(const Value& in, std::span<float> out, size_t& count) {
  count = 0;
  const auto same_nan = [](float number) {
    return std::isnan(number) ? std::numeric_limits<float>::quiet_NaN() : number;
  };
  if (in.type == ValueType::kVector) {
    count = in.size / 4;
    if (count > out.size() || count == 0) return VectorFault::kNone;
    std::memcpy(out.data(), in.data, count * 4);
    for (float& number : out.first(count)) number = same_nan(number);
    return VectorFault::kNone;
  }
  if (in.type == ValueType::kBits) return read_bits(in.bytes(), out, count);
  DecimalDigits digits;
  Arena arena(4096);
  const auto take = [&](double number) {
    if (count < out.size()) out[count] = same_nan(single_from_double(number));
    ++count;
    return true;
  };
  if (in.type == ValueType::kSparseVector) return each_in_sparse(in.bytes(), kMostSearched, take);
  return each_number(in, true, digits, arena, take);
}

bool take_floats(const Value& value, std::vector<float>& room, std::span<const float>& out) {
  size_t count = 0;
  VectorFault fault = read_floats(value, room, count);
  if (fault == VectorFault::kNone && count > room.size()) {
    room.resize(count);
    fault = read_floats(value, room, count);
  }
  out = std::span<const float>(room).first(std::min(count, room.size()));
  return fault == VectorFault::kNone && count != 0;
}

}  // namespace lugger
