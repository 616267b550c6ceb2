// The bytes of many elements turned round at once, between PostgreSQL's order and ours.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lugger {

/// Elements of 2 or 4 bytes, at addresses of any alignment; `out` has as many and is not `in`.
void swap_elements2(const uint8_t* in, size_t count, uint8_t* out) noexcept;
void swap_elements4(const uint8_t* in, size_t count, uint8_t* out) noexcept;

template <typename Element>
void swap_elements(const uint8_t* in, size_t count, uint8_t* out) noexcept {
  static_assert(sizeof(Element) == 2 || sizeof(Element) == 4);
  (sizeof(Element) == 2 ? swap_elements2 : swap_elements4)(in, count, out);
}

}  // namespace lugger
