#include "http/grpc.hpp"

#include <charconv>

#include "base/bytes.hpp"
#include "base/url.hpp"

namespace lugger::grpc {
namespace {

// Of grpc.io/docs/guides/status-codes.
enum Status : int {
  kGood = 0,
  kInvalidArgument = 3,
  kDeadline = 4,
  kNotFound = 5,
  kForbidden = 7,
  kExhausted = 8,
  kUnmet = 9,
  kOutOfRange = 11,
  kNotMade = 12,
  kInternal = 13,
  kUnauthenticated = 16,
};

bool says(std::string_view words, std::string_view part) noexcept {
  return words.find(part) != std::string_view::npos;
}

}  // namespace

void end_frame(std::string& body) noexcept {
  store_be(body.data() + 1, static_cast<uint32_t>(body.size() - kHead.size()));
}

std::optional<std::string_view> message_of(std::string_view body) noexcept {
  // The first byte says whether the message is compressed, which nobody asked for.
  if (body.size() < kHead.size() || body[0] != 0) return std::nullopt;
  const auto size = load_be<uint32_t>(body.data() + 1);
  body.remove_prefix(kHead.size());
  return body.size() == size ? std::optional(body) : std::nullopt;
}

void Outcome::note(std::string_view name, std::string_view value) {
  if (name == "grpc-message") words_ = value;
  if (name != "grpc-status") return;
  if (std::from_chars(value.data(), value.data() + value.size(), code_).ec != std::errc())
    code_ = -1;
}

long Outcome::http_status() const noexcept {
  switch (code_) {
    case kGood: return 200;
    case kInvalidArgument:
    case kUnmet:
    case kOutOfRange: return 400;
    case kDeadline: return 408;
    case kNotFound: return 404;
    case kForbidden: return 403;
    case kExhausted:
      return says(words_, "larger%20than") || says(words_, "larger than") ? 413 : 429;
    case kNotMade: return 501;
    // A message that cannot be read, such as one with text that is not UTF-8.
    case kInternal: return says(words_, "unmarshal") ? 400 : 500;
    case kUnauthenticated: return 401;
    default: return code_ == -1 ? 503 : 500;
  }
}

std::string Outcome::words() const {
  if (code_ == -1) return "the answer ends before its outcome";
  return percent_decode(words_);
}

}  // namespace lugger::grpc
