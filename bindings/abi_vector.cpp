// FFI: vectors, and the elements of PostgreSQL arrays.
#include <cmath>
#include <new>
#include <type_traits>

#include "base/arena.hpp"
#include "bindings/abi.h"
#include "bindings/abi_cast.hpp"
#include "value/pgrow_reader.hpp"
#include "vector/elements.hpp"
#include "vector/top_k.hpp"

using namespace lugger;

static_assert(sizeof(PgArrayReader) <= sizeof(lug_array::state) &&
              std::is_trivially_destructible_v<PgArrayReader>);
static_assert(sizeof(lug_match) == sizeof(Match) &&
              offsetof(lug_match, score) == offsetof(Match, score));

extern "C" {

int lug_array_start(lug_array* array, const lug_value* value) noexcept {
  const Bytes bytes = as_value(*value).bytes();
  const auto* reader = new (array->state) PgArrayReader(bytes);
  if (reader->malformed()) return 0;
  array->dimensions = static_cast<uint32_t>(reader->dimensions());
  array->count = array->dimensions == 0 ? 0 : 1;
  for (uint32_t i = 0; i < array->dimensions; ++i) {
    array->sizes[i] = load_be<uint32_t>(bytes.data() + 12 + 8 * size_t{i});
    array->count *= array->sizes[i];
  }
  return 1;
}

int lug_array_next(lug_array* array) noexcept {
  try {
    auto& reader = *std::launder(reinterpret_cast<PgArrayReader*>(array->state));
    // Only arrays of vectors would use it, and those come as text.
    Arena unused(4096);
    if (!reader.next(unused)) return reader.malformed() ? -1 : 0;
    as_value(array->value) = reader.value();
    return 1;
  } catch (const std::exception&) {
    return -1;
  }
}

int32_t lug_vector_read(const lug_value* value, float* out, uint32_t room) noexcept {
  try {
    size_t count = 0;
    const VectorFault fault = read_floats(as_value(*value), {out, room}, count);
    return fault == VectorFault::kNone ? static_cast<int32_t>(count) : -static_cast<int32_t>(fault);
  } catch (const std::exception&) {
    return -static_cast<int32_t>(VectorFault::kMalformed);
  }
}

double lug_vector_dot(const float* a, const float* b, uint32_t n) noexcept {
  return dot({a, n}, {b, n});
}
double lug_vector_cosine(const float* a, const float* b, uint32_t n) noexcept {
  return cosine({a, n}, {b, n});
}
double lug_vector_l2(const float* a, const float* b, uint32_t n) noexcept {
  return std::sqrt(l2_squared({a, n}, {b, n}));
}
double lug_vector_l1(const float* a, const float* b, uint32_t n) noexcept {
  return l1({a, n}, {b, n});
}
double lug_vector_hamming(const float* a, const float* b, uint32_t n) noexcept {
  return static_cast<double>(hamming({a, n}, {b, n}));
}
double lug_vector_jaccard(const float* a, const float* b, uint32_t n) noexcept {
  return jaccard({a, n}, {b, n});
}
void lug_vector_add(const float* a, const float* b, float* out, uint32_t n) noexcept {
  add({a, n}, {b, n}, {out, n});
}
void lug_vector_scale(float* v, uint32_t n, double factor) noexcept { scale({v, n}, factor); }
void lug_vector_mean(const float* const* vectors, uint32_t count, float* out, uint32_t n) noexcept {
  mean({vectors, count}, {out, n});
}
void lug_vector_quantise(float* v, uint32_t n, int precision) noexcept {
  quantise({v, n}, static_cast<Precision>(precision));
}
double lug_vector_norm(const float* v, uint32_t n) noexcept { return norm({v, n}); }
void lug_vector_normalise(float* v, uint32_t n) noexcept { normalise({v, n}); }

uint32_t lug_vector_top_k(const float* const* vectors, uint32_t count, const float* query,
                          uint32_t n, int metric, lug_match* out, uint32_t k) noexcept {
  auto* best = reinterpret_cast<Match*>(out);
  return static_cast<uint32_t>(
      top_k({vectors, count}, {query, n}, static_cast<Metric>(metric), {best, k}));
}

}  // extern "C"
