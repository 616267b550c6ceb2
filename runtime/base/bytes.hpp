// Little- and big-endian loads and stores, and a growable byte buffer that keeps its memory between
// uses.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace lugger {

using Bytes = std::span<const uint8_t>;

static_assert(std::endian::native == std::endian::little,
              "BSON is read in place: the machine must be little-endian");

/// Reads a T stored little-endian (BSON) at an address of any alignment.
template <typename T>
T load_le(const void* from) noexcept {
  T out;
  std::memcpy(&out, from, sizeof out);
  return out;
}

template <typename T>
T swap_bytes(T value) noexcept {
  if constexpr (sizeof(T) == 8) {
    return std::bit_cast<T>(__builtin_bswap64(std::bit_cast<uint64_t>(value)));
  } else if constexpr (sizeof(T) == 4) {
    return std::bit_cast<T>(__builtin_bswap32(std::bit_cast<uint32_t>(value)));
  } else if constexpr (sizeof(T) == 2) {
    return std::bit_cast<T>(__builtin_bswap16(std::bit_cast<uint16_t>(value)));
  } else {
    return value;
  }
}

/// Reads a T stored big-endian (PostgreSQL's wire order).
template <typename T>
T load_be(const void* from) noexcept {
  return swap_bytes(load_le<T>(from));
}

template <typename T>
void store_le(void* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

template <typename T>
void store_be(void* to, T value) noexcept {
  store_le(to, swap_bytes(value));
}

/// 0 to 7 bytes as the low bytes of a word; what is above them is 0.
inline uint64_t load_short(const uint8_t* from, size_t n) noexcept {
  if (n >= 4) {
    const uint64_t low = load_le<uint32_t>(from), high = load_le<uint32_t>(from + n - 4);
    return low | high << (8 * (n - 4));
  }
  if (n == 0) return 0;
  return from[0] | uint64_t{from[n / 2]} << (8 * (n / 2)) | uint64_t{from[n - 1]} << (8 * (n - 1));
}

/// memchr for 0, tuned for names: comparing whole words is faster than a function call. nullptr:
/// none.
inline const uint8_t* find_zero(const uint8_t* from, const uint8_t* end) noexcept {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  for (uint64_t word = 0; from != end; from += 8) {
    const auto left = static_cast<size_t>(end - from);
    word = left >= 8 ? load_le<uint64_t>(from) : load_short(from, left);
    const uint64_t zeros = (word - kOnes) & ~word & kHigh;  // exact up to the first
    const auto first = static_cast<size_t>(std::countr_zero(zeros)) / 8;
    if (zeros != 0) return first < left ? from + first : nullptr;
  }
  return nullptr;
}

/// memcpy for names and short texts, for which a function call costs more than the copy.
inline void copy_short(void* to, const void* from, size_t n) noexcept {
  if (n > 16) {
    std::memcpy(to, from, n);
  } else if (n >= 8) {
    const auto first = load_le<uint64_t>(from);
    const auto last = load_le<uint64_t>(static_cast<const uint8_t*>(from) + n - 8);
    store_le(to, first);
    store_le(static_cast<uint8_t*>(to) + n - 8, last);
  } else if (n >= 4) {
    const auto first = load_le<uint32_t>(from);
    const auto last = load_le<uint32_t>(static_cast<const uint8_t*>(from) + n - 4);
    store_le(to, first);
    store_le(static_cast<uint8_t*>(to) + n - 4, last);
  } else {
    for (size_t i = 0; i < n; ++i)
      static_cast<uint8_t*>(to)[i] = static_cast<const uint8_t*>(from)[i];
  }
}

inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// Append-only bytes. clear() and truncate() keep the capacity, so a warm buffer does not allocate.
class ByteBuffer {
 public:
  const uint8_t* data() const noexcept { return data_.get(); }
  uint8_t* data() noexcept { return data_.get(); }
  size_t size() const noexcept { return size_; }
  size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  Bytes view() const noexcept { return {data_.get(), size_}; }
  std::string_view text() const noexcept { return as_text(view()); }

  void clear() noexcept { size_ = 0; }
  void truncate(size_t size) noexcept { size_ = size; }
  void reserve(size_t capacity) {
    if (capacity > capacity_) grow(capacity);
  }
  /// Room for n more bytes, to be written by the caller and counted by advance().
  uint8_t* room(size_t n) {
    if (capacity_ - size_ < n) grow(size_ + n);
    return data_.get() + size_;
  }
  void advance(size_t n) noexcept { size_ += n; }

  void append(const void* bytes, size_t n) {
    if (n == 0) return;
    std::memcpy(room(n), bytes, n);
    size_ += n;
  }
  void append(Bytes bytes) { append(bytes.data(), bytes.size()); }
  void append(std::string_view text) { append(text.data(), text.size()); }
  void push(uint8_t byte) {
    *room(1) = byte;
    ++size_;
  }
  template <typename T>
  void append_be(T value) {
    store_be(room(sizeof value), value);
    size_ += sizeof value;
  }
  template <typename T>
  void append_le(T value) {
    store_le(room(sizeof value), value);
    size_ += sizeof value;
  }

 private:
  void grow(size_t wanted) {
    size_t capacity = capacity_ == 0 ? 256 : capacity_ * 2;
    if (capacity < wanted) capacity = wanted;
    auto grown = std::make_unique_for_overwrite<uint8_t[]>(capacity);
    if (size_ != 0) std::memcpy(grown.get(), data_.get(), size_);
    data_ = std::move(grown);
    capacity_ = capacity;
  }
  std::unique_ptr<uint8_t[]> data_;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace lugger
