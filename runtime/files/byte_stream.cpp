#include "files/byte_stream.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/threads.hpp"

namespace lugger {

FileBytes::FileBytes(const AllowedPath& path)
    : path_(path.text() == "-" ? "standard input" : path.text()),
      fd_(path.text() == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (fd_ < 0) {
    throw Error(Code::kRead, fmt::format("cannot open {}: {}", path_, std::strerror(errno)),
                "check the path and the rights of this user");
  }
  if (fd_ != STDIN_FILENO) posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

FileBytes::~FileBytes() {
  if (fd_ != STDIN_FILENO) close(fd_);
}

size_t FileBytes::read(uint8_t* to, size_t n) {
  size_t got = 0;
  while (got < n) {
    const ssize_t step = ::read(fd_, to + got, n - got);
    if (step == 0) break;
    if (step < 0) {
      if (errno == EINTR) continue;
      raise(Code::kRead, "cannot read {} at byte {}: {}", path_, taken() + got,
            std::strerror(errno));
    }
    got += static_cast<size_t>(step);
  }
  taken_.fetch_add(got, std::memory_order_relaxed);
  return got;
}

size_t MemoryBytes::read(uint8_t* to, size_t n) {
  const size_t at = at_.load(std::memory_order_relaxed);
  const size_t got = std::min(n, bytes_.size() - at);
  if (got != 0) std::memcpy(to, bytes_.data() + at, got);
  at_.store(at + got, std::memory_order_relaxed);
  return got < n && rest_ ? got + rest_->read(to + got, n - got) : got;
}

DirectStream::DirectStream(std::unique_ptr<ByteSource> source, size_t piece)
    : source_(std::move(source)),
      buffer_(std::make_unique_for_overwrite<uint8_t[]>(piece)),
      piece_(piece) {}

Bytes DirectStream::next() { return {buffer_.get(), source_->read(buffer_.get(), piece_)}; }

ReadAheadStream::ReadAheadStream(std::unique_ptr<ByteSource> source, size_t piece)
    : source_(std::move(source)), piece_(piece) {
  for (Slot& slot : slots_) slot.memory = std::make_unique_for_overwrite<uint8_t[]>(piece_);
  thread_ = start_stoppable([this](const std::stop_token& stop) { fill(stop); });
}

void ReadAheadStream::fill(const std::stop_token& stop) {
  for (;;) {
    size_t index = 0;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return filled_ - freed_ < kSlots; })) return;
      index = filled_ % kSlots;
    }
    size_t size = 0;
    std::exception_ptr fault;
    try {
      size = source_->read(slots_[index].memory.get(), piece_);
    } catch (...) {
      fault = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    slots_[index].size = size;
    fault_ = fault;
    done_ = size == 0;
    if (!done_) ++filled_;
    changed_.notify_all();
    if (done_) return;
  }
}

Bytes ReadAheadStream::next() {
  std::unique_lock lock(mutex_);
  if (holding_) {
    ++freed_;
    holding_ = false;
    changed_.notify_all();
  }
  changed_.wait(lock, [this] { return filled_ != freed_ || done_; });
  if (filled_ != freed_) {
    holding_ = true;
    const Slot& slot = slots_[freed_ % kSlots];
    return {slot.memory.get(), slot.size};
  }
  if (fault_) std::rethrow_exception(fault_);
  return {};
}

Bytes SkippingStream::next() {
  Bytes piece = stream_->next();
  while (skip_ != 0 && !piece.empty()) {
    const size_t step = std::min<uint64_t>(skip_, piece.size());
    skip_ -= step;
    piece = piece.subspan(step);
    if (piece.empty()) piece = stream_->next();
  }
  return piece;
}

bool ByteReader::refill() {
  if (piece_.empty()) piece_ = stream_->next();
  return !piece_.empty();
}

size_t ByteReader::read(uint8_t* to, size_t n) {
  size_t got = 0;
  while (got < n && refill()) {
    const size_t step = std::min(n - got, piece_.size());
    std::memcpy(to + got, piece_.data(), step);
    piece_ = piece_.subspan(step);
    got += step;
    offset_ += step;
  }
  return got;
}

size_t ByteReader::skip(size_t n) {
  size_t got = 0;
  while (got < n && refill()) {
    const size_t step = std::min(n - got, piece_.size());
    piece_ = piece_.subspan(step);
    got += step;
    offset_ += step;
  }
  return got;
}

}  // namespace lugger
