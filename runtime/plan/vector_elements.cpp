#include "plan/vector_elements.hpp"

#include "value/bson_numbers.hpp"
#include "vector/kernels.hpp"

namespace lugger {

Bytes stored_floats(const Value& in) noexcept {
  if (in.type == ValueType::kVector) return in.bytes();
  const bool packed = in.type == ValueType::kBinary && in.aux == kVectorBinary && in.size >= 2 &&
                      in.data[0] == kPackedFloat && in.data[1] == 0 && in.size % 4 == 2;
  return packed ? in.bytes().subspan(2) : Bytes();
}

bool all_floats(const Value& in, Value& out, Arena& arena) {
  if (const Bytes stored = stored_floats(in); !stored.empty()) {
    if (!all_finite_floats(stored)) return false;
    out = Value::of(ValueType::kVector, Bytes(arena.copy(stored), stored.size()));
    return true;
  }
  if (in.type == ValueType::kHalfVector) {
    if (!all_finite_halves(in.bytes())) return false;
    uint8_t* const floats = arena.allocate(2 * size_t{in.size});
    floats_from_halves(in.bytes(), floats);
    out = Value::of(ValueType::kVector, Bytes(floats, 2 * size_t{in.size}));
    return true;
  }
  constexpr size_t kMostBytes = 256 << 10;  // of 16,000 doubles whose names are their indexes
  if (in.type != ValueType::kArray || in.size > kMostBytes) return false;
  const size_t most = in.size / kLeastNumberBytes;
  uint8_t* const floats = arena.reserve(4 * most);
  const auto count = floats_of_numbers(in.bytes(), floats);
  if (!count || !all_finite_floats({floats, 4 * *count})) return false;
  arena.commit(4 * *count);
  out = Value::of(ValueType::kVector, Bytes(floats, 4 * *count));
  return true;
}

}  // namespace lugger
