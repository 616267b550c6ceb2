#include "base/byte_order.hpp"

#include <array>

#include "base/bytes.hpp"

namespace lugger {

namespace {

template <typename Element>
void swap_plain(const uint8_t* in, size_t count, uint8_t* out) noexcept {
  for (size_t i = 0; i < count; ++i)
    store_be(out + i * sizeof(Element), load_le<Element>(in + i * sizeof(Element)));
}

#if defined(__x86_64__)
constexpr size_t kRegister = 32;
typedef uint8_t Register __attribute__((vector_size(kRegister)));

/// Byte i comes from the mirrored place in its element.
template <size_t Size>
constexpr std::array<uint8_t, kRegister> kMirrored = [] {
  std::array<uint8_t, kRegister> out{};
  for (size_t i = 0; i < kRegister; ++i)
    out[i] = static_cast<uint8_t>(i / Size * Size + Size - 1 - i % Size);
  return out;
}();

template <typename Element>
[[gnu::target("avx2")]] void swap_avx2(const uint8_t* in, size_t count, uint8_t* out) noexcept {
  constexpr size_t kAtOnce = kRegister / sizeof(Element);
  Register order;
  std::memcpy(&order, kMirrored<sizeof(Element)>.data(), kRegister);
  size_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce) {
    Register bytes;
    std::memcpy(&bytes, in + i * sizeof(Element), kRegister);
    bytes = __builtin_shuffle(bytes, order);
    std::memcpy(out + i * sizeof(Element), &bytes, kRegister);
  }
  swap_plain<Element>(in + i * sizeof(Element), count - i, out + i * sizeof(Element));
}
#endif

template <typename Element>
void swap(const uint8_t* in, size_t count, uint8_t* out) noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") != 0) return swap_avx2<Element>(in, count, out);
#endif
  swap_plain<Element>(in, count, out);
}

}  // namespace

void swap_elements2(const uint8_t* in, size_t count, uint8_t* out) noexcept {
  swap<uint16_t>(in, count, out);
}
void swap_elements4(const uint8_t* in, size_t count, uint8_t* out) noexcept {
  swap<uint32_t>(in, count, out);
}

}  // namespace lugger
