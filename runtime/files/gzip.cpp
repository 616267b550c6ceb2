#include "files/gzip.hpp"

#include <zlib.h>

#include <algorithm>

#include "base/error.hpp"

namespace lugger {
namespace {

constexpr int kGzipOnly = 15 + 16;  // zlib: the largest window, a gzip header required

bool inflates(Bytes head) noexcept {
  z_stream z{};
  if (inflateInit2(&z, kGzipOnly) != Z_OK) return false;
  uint8_t out[512];
  z.next_in = const_cast<uint8_t*>(head.data());
  z.avail_in = static_cast<uInt>(head.size());
  z.next_out = out;
  z.avail_out = sizeof out;
  const int status = inflate(&z, Z_NO_FLUSH);
  inflateEnd(&z);
  return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
}

}  // namespace

bool looks_like_gzip(Bytes head) noexcept {
  if (head.size() < 2 || head[0] != 0x1F || head[1] != 0x8B) return false;
  if (head.size() < 6 || head[2] != 8 || head[3] != 0) return true;
  const bool bson_type = head[4] >= 1 && head[4] <= 0x13;
  const bool too_short = head.size() < 65536;
  return !bson_type || too_short || inflates(head.first(std::min<size_t>(head.size(), 65536)));
}

struct GzipBytes::State {
  z_stream z{};
};

GzipBytes::GzipBytes(std::unique_ptr<ByteSource> compressed, std::string place)
    : compressed_(std::move(compressed)),
      place_(std::move(place)),
      input_(std::make_unique_for_overwrite<uint8_t[]>(kPieceBytes)),
      state_(std::make_unique<State>()) {
  if (inflateInit2(&state_->z, kGzipOnly) != Z_OK)
    raise(Code::kRead, "{}: zlib has no memory", place_);
}

GzipBytes::~GzipBytes() { inflateEnd(&state_->z); }

uint64_t GzipBytes::at() const noexcept { return fed_ - state_->z.avail_in; }

size_t GzipBytes::read(uint8_t* to, size_t n) {
  if (fault_) std::rethrow_exception(fault_);
  size_t got = 0;
  try {
    while (got < n && !ended_) got += inflate_some(to + got, n - got);
  } catch (...) {
    fault_ = std::current_exception();
    if (got == 0) throw;
  }
  return got;
}

bool GzipBytes::refill() {
  z_stream& z = state_->z;
  if (z.avail_in != 0) return true;
  const size_t size = compressed_->read(input_.get(), kPieceBytes);
  z.next_in = input_.get();
  z.avail_in = static_cast<uInt>(size);
  fed_ += size;
  return size != 0;
}

void GzipBytes::raise_cut() const {
  throw Error(Code::kRead, fmt::format("{}: the gzip data is cut short at byte {}", place_, at()),
              "copy or dump it again; `gzip -t` tells whether a copy is whole");
}

// Behind a member: another one, or the end. Zeros up to the end are padding, as gzip(1) takes them.
bool GzipBytes::next_member() {
  z_stream& z = state_->z;
  if (!refill()) {
    if (fed_ == 0) raise_cut();
    return false;
  }
  if (z.next_in[0] == 0x1F || at() == 0) {
    inflateReset(&z);
    return true;
  }
  const uint64_t offset = at();
  do {
    if (std::any_of(z.next_in, z.next_in + z.avail_in, [](uint8_t byte) { return byte != 0; })) {
      throw Error(
          Code::kRead,
          fmt::format("{}: garbage behind the end of the gzip data at byte {}", place_, offset),
          "what came before it is whole; cut the file there, or write it again");
    }
    z.avail_in = 0;
  } while (refill());
  return false;
}

size_t GzipBytes::inflate_some(uint8_t* to, size_t n) {
  z_stream& z = state_->z;
  if (!in_member_) {
    in_member_ = next_member();
    ended_ = !in_member_;
    if (ended_) return 0;
  }
  if (!refill()) raise_cut();
  z.next_out = to;
  z.avail_out = static_cast<uInt>(std::min<size_t>(n, 1U << 30));
  const uInt room = z.avail_out;
  const int status = inflate(&z, Z_NO_FLUSH);
  const size_t got = room - z.avail_out;
  if (status == Z_STREAM_END) {
    in_member_ = false;
  } else if (status != Z_OK && status != Z_BUF_ERROR) {
    fault_ = std::make_exception_ptr(
        Error(Code::kRead,
              fmt::format("{}: the gzip data is damaged at byte {}: {}", place_, at(),
                          z.msg ? z.msg : "no reason given"),
              "copy or dump it again; `gzip -t` tells whether a copy is whole"));
    if (got == 0) std::rethrow_exception(fault_);
    ended_ = true;
  }
  return got;
}

}  // namespace lugger
