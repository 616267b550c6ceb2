// Bytes in order, from a file, standard input or memory, handed out in pieces that are not copied
// again.
#pragma once
#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/bytes.hpp"
#include "base/gate.hpp"

namespace lugger {

inline constexpr size_t kPieceBytes = 256 * 1024;

/// A source of bytes. read() fills `to` with up to n bytes: fewer only at the end, and 0 from then
/// on. Bytes before an error are returned first; the next call throws the error.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual size_t read(uint8_t* to, size_t n) = 0;
  /// Bytes taken from the file so far (compressed ones, for gzip). Safe from any thread.
  virtual uint64_t taken() const noexcept = 0;
};

/// A file, or standard input when the path is "-". Standard input is not closed.
class FileBytes : public ByteSource {
 public:
  explicit FileBytes(const AllowedPath& path);
  ~FileBytes() override;
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  size_t read(uint8_t* to, size_t n) override;
  uint64_t taken() const noexcept override { return taken_.load(std::memory_order_relaxed); }

 private:
  std::string path_;
  int fd_;
  std::atomic<uint64_t> taken_{0};
};

/// Borrowed memory, followed by the rest if given: used to inspect the first bytes of standard
/// input and still read them later.
class MemoryBytes : public ByteSource {
 public:
  explicit MemoryBytes(Bytes bytes, std::unique_ptr<ByteSource> rest = {})
      : bytes_(bytes), rest_(std::move(rest)) {}
  size_t read(uint8_t* to, size_t n) override;
  uint64_t taken() const noexcept override {
    return rest_ ? rest_->taken() : at_.load(std::memory_order_relaxed);
  }

 private:
  Bytes bytes_;
  std::unique_ptr<ByteSource> rest_;
  std::atomic<size_t> at_{0};
};

/// Pieces of a ByteSource.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// The next piece, valid until the next call; empty at the end and from then on.
  virtual Bytes next() = 0;
  /// As ByteSource::taken().
  virtual uint64_t taken() const noexcept = 0;
};

/// Read on demand, into one buffer.
class DirectStream : public ByteStream {
 public:
  explicit DirectStream(std::unique_ptr<ByteSource> source, size_t piece = kPieceBytes);
  Bytes next() override;
  uint64_t taken() const noexcept override { return source_->taken(); }

 private:
  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<uint8_t[]> buffer_;
  size_t piece_;
};

/// Reads ahead in a separate thread, into three buffers, so that inflating overlaps with the
/// reader's work. An error is held back until the reader has got everything before it.
class ReadAheadStream : public ByteStream {
 public:
  explicit ReadAheadStream(std::unique_ptr<ByteSource> source, size_t piece = kPieceBytes);
  Bytes next() override;
  uint64_t taken() const noexcept override { return source_->taken(); }

 private:
  static constexpr size_t kSlots = 3;
  struct Slot {
    std::unique_ptr<uint8_t[]> memory;
    size_t size = 0;
  };
  void fill(const std::stop_token& stop);

  std::unique_ptr<ByteSource> source_;
  size_t piece_;
  std::array<Slot, kSlots> slots_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  uint64_t filled_ = 0, freed_ = 0;
  bool holding_ = false, done_ = false;
  std::exception_ptr fault_;
  std::jthread thread_;  // last: joined before what it uses goes away
};

/// A stream without its first bytes, to resume reading data that does not support seeking.
class SkippingStream : public ByteStream {
 public:
  SkippingStream(std::unique_ptr<ByteStream> stream, uint64_t skip)
      : stream_(std::move(stream)), skip_(skip) {}
  Bytes next() override;
  uint64_t taken() const noexcept override { return stream_->taken(); }

 private:
  std::unique_ptr<ByteStream> stream_;
  uint64_t skip_;
};

/// Exact reads over the pieces of a stream.
class ByteReader {
 public:
  explicit ByteReader(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) {}
  /// Fewer than n only at the end.
  size_t read(uint8_t* to, size_t n);
  size_t skip(size_t n);
  /// Bytes given so far, after inflating.
  uint64_t offset() const noexcept { return offset_; }
  uint64_t taken() const noexcept { return stream_->taken(); }

 private:
  bool refill();
  std::unique_ptr<ByteStream> stream_;
  Bytes piece_;
  uint64_t offset_ = 0;
};

}  // namespace lugger
