#include "value/bson_numbers.hpp"

#include "value/single.hpp"

namespace lugger {

namespace {

constexpr uint8_t kDouble = 0x01, kInt32 = 0x10;
constexpr size_t kWord = 8;

/// How long the name at `at` is, with kWord readable bytes; kWord: that long or longer.
size_t name_size(const uint8_t* at) noexcept {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  const auto word = load_le<uint64_t>(at);
  const uint64_t zeros = (word - kOnes) & ~word & kHigh;  // exact up to the first
  return static_cast<size_t>(std::countr_zero(zeros)) / 8;
}

}  // namespace

std::optional<size_t> floats_of_numbers(Bytes array, uint8_t* out) noexcept {
  if (array.size() < 5 || load_le<uint32_t>(array.data()) != array.size() || array.back() != 0)
    return std::nullopt;
  const uint8_t *at = array.data() + 4, *const end = array.data() + array.size() - 1;
  size_t count = 0;
  const auto left = [&] { return static_cast<size_t>(end - at); };
  while (left() >= 1 + kWord) {
    const size_t name = name_size(at + 1);
    if (name == 0 || name == kWord) return std::nullopt;
    if (*at == kInt32) {
      if (left() < 2 + name + 4) return std::nullopt;
      store_le(out + 4 * count++, static_cast<float>(load_le<int32_t>(at + 2 + name)));
      at += 2 + name + 4;
      continue;
    }
    // Names of one length follow each other: nothing waits for where the next element begins.
    const size_t size = 2 + name + sizeof(double);
    const uint8_t* const before = at;
    for (; left() >= size && *at == kDouble && name_size(at + 1) == name; at += size)
      store_le(out + 4 * count++, single_from_double(load_le<double>(at + 2 + name)));
    if (at == before) return std::nullopt;
  }
  // The last int32 may be shorter than a word.
  if (left() >= 2 + 1 + 4 && *at == kInt32) {
    const uint8_t* const name_end = find_zero(at + 1, end);
    if (name_end == nullptr || static_cast<size_t>(end - name_end) != 1 + 4) return std::nullopt;
    store_le(out + 4 * count++, static_cast<float>(load_le<int32_t>(name_end + 1)));
    at = end;
  }
  return at == end ? std::optional(count) : std::nullopt;
}

}  // namespace lugger
