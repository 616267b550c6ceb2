// gRPC as HTTP carries it: a call is a POST of one message behind a head of five bytes, and so is its
// answer; the headers behind the answer tell the outcome.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace lugger::grpc {

/// How the names of headers begin that an endpoint must keep.
inline constexpr std::string_view kHeaders = "grpc-";
/// The head, as which a body begins that end_frame() completes.
inline constexpr std::string_view kHead{"\0\0\0\0\0", 5};
/// Writes the size of the message behind the head into the head.
void end_frame(std::string& body) noexcept;
/// The message of a body; nullopt: it is not a whole one.
std::optional<std::string_view> message_of(std::string_view body) noexcept;

class Outcome {
 public:
  /// A header before or behind the answer; others than the outcome's are passed over.
  void note(std::string_view name, std::string_view value);
  bool good() const noexcept { return code_ == 0; }
  /// What HTTP says of such an outcome: 413 for a message that is too large, 503 for a server that is
  /// away, and for an answer that broke off before its outcome.
  long http_status() const noexcept;
  std::string words() const;

 private:
  int code_ = -1;
  std::string words_;  // percent-encoded
};

}  // namespace lugger::grpc
