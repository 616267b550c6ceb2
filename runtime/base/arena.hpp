// Memory of one commit unit: handed out by bumping a pointer, taken back all at once.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.hpp"

namespace lugger {

/// What it hands out stays at its address until reset(). reset() keeps the chunks, so steady state
/// allocates nothing.
class Arena {
 public:
  explicit Arena(size_t chunk_bytes = 256 * 1024) : chunk_bytes_(chunk_bytes) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  Arena(Arena&&) = default;
  Arena& operator=(Arena&&) = default;

  /// n bytes, uninitialised, aligned to 8.
  uint8_t* allocate(size_t n) {
    uint8_t* out = reserve(n);
    commit(n);
    return out;
  }
  /// A copy of the bytes that lives as long as the unit.
  const uint8_t* copy(Bytes bytes) {
    uint8_t* out = allocate(bytes.size());
    if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
    return out;
  }
  std::string_view copy(std::string_view text) {
    return {reinterpret_cast<const char*>(copy(as_bytes(text))), text.size()};
  }

  /// At least n contiguous bytes at the tail; commit(m <= n) keeps the first m of them.
  uint8_t* reserve(size_t n) {
    if (end_ - cursor_ < n) next_chunk(n);
    return chunks_.empty() ? nullptr : chunks_[current_].memory.get() + cursor_;
  }
  void commit(size_t n) noexcept {
    cursor_ += (n + 7) & ~size_t{7};
    if (cursor_ > end_) cursor_ = end_;
    used_ += n;
  }

  void reset() noexcept;
  /// Bytes handed out since reset().
  size_t used() const noexcept { return used_; }
  /// Bytes owned, used or not.
  size_t capacity() const noexcept;

 private:
  struct Chunk {
    std::unique_ptr<uint8_t[]> memory;
    size_t size;
  };
  void next_chunk(size_t n);
  std::vector<Chunk> chunks_;
  size_t chunk_bytes_, current_ = 0, cursor_ = 0, end_ = 0, used_ = 0;
};

/// Writes a value of unknown length at an arena's tail: append, then finish(). One writer at a time
/// per arena.
class ArenaWriter {
 public:
  explicit ArenaWriter(Arena& arena, size_t first = 256)
      : arena_(arena), data_(arena.reserve(first)), room_(first) {}

  /// Room for n more bytes; what was written so far moves along when the chunk is too small.
  uint8_t* room(size_t n) {
    if (room_ - size_ < n) grow(n);
    return data_ + size_;
  }
  void advance(size_t n) noexcept { size_ += n; }
  void append(const void* bytes, size_t n) {
    if (n == 0) return;
    std::memcpy(room(n), bytes, n);
    size_ += n;
  }
  void append(std::string_view text) { append(text.data(), text.size()); }
  void append(Bytes bytes) { append(bytes.data(), bytes.size()); }
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
  size_t size() const noexcept { return size_; }
  void truncate(size_t size) noexcept { size_ = size; }
  uint8_t* data() noexcept { return data_; }
  /// Ends the value; until then nothing of it is kept.
  Bytes finish() noexcept {
    arena_.commit(size_);
    return {data_, size_};
  }

 private:
  void grow(size_t n);
  Arena& arena_;
  uint8_t* data_;
  size_t size_ = 0, room_;
};

}  // namespace lugger
