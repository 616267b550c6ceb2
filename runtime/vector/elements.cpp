#include "vector/elements.hpp"

namespace lugger {

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
  if (in.type == ValueType::kVector) {
    count = in.size / 4;
    if (count <= out.size() && count > 0) std::memcpy(out.data(), in.data, count * 4);
    return VectorFault::kNone;
  }
  DecimalDigits digits;
  Arena arena(4096);
  return each_number(in, true, digits, arena, [&](double number) {
    if (count < out.size()) out[count] = static_cast<float>(number);
    ++count;
    return true;
  });
}

}  // namespace lugger
