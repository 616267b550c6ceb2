#include "base/arena.hpp"

#include <algorithm>

namespace lugger {

void Arena::reset() noexcept {
  current_ = 0;
  cursor_ = 0;
  used_ = 0;
  end_ = chunks_.empty() ? 0 : chunks_[0].size;
}

size_t Arena::capacity() const noexcept {
  size_t total = 0;
  for (const Chunk& chunk : chunks_) total += chunk.size;
  return total;
}

void Arena::next_chunk(size_t n) {
  for (size_t next = chunks_.empty() ? 0 : current_ + 1; next < chunks_.size(); ++next) {
    if (chunks_[next].size >= n) {
      std::swap(chunks_[next], chunks_[current_ + 1 < chunks_.size() ? current_ + 1 : next]);
      current_ = current_ + 1 < chunks_.size() ? current_ + 1 : next;
      cursor_ = 0;
      end_ = chunks_[current_].size;
      return;
    }
  }
  const size_t size = std::max(n, chunk_bytes_);
  const size_t at = chunks_.empty() ? 0 : current_ + 1;
  chunks_.insert(chunks_.begin() + static_cast<ptrdiff_t>(at),
                 Chunk{std::make_unique_for_overwrite<uint8_t[]>(size), size});
  current_ = at;
  cursor_ = 0;
  end_ = size;
}

void ArenaWriter::grow(size_t n) {
  const size_t wanted = std::max(size_ + n, room_ * 2);
  uint8_t* moved = arena_.reserve(wanted);
  if (moved != data_ && size_ != 0) std::memmove(moved, data_, size_);
  data_ = moved;
  room_ = wanted;
}

}  // namespace lugger
