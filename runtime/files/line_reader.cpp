#include "files/line_reader.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"

namespace lugger {

std::optional<std::string_view> LineReader::next() {
  size_t searched = at_;
  for (;;) {
    const std::string_view text = buffer_.text();
    const size_t newline = text.find('\n', searched);
    if (newline != text.npos || (ended_ && at_ < text.size())) {
      std::string_view line = text.substr(at_, std::min(newline, text.size()) - at_);
      at_ = std::min(newline, text.size() - 1) + 1;
      if (line.ends_with('\r')) line.remove_suffix(1);
      return line;
    }
    if (ended_) return std::nullopt;
    const size_t left = text.size() - at_;
    if (left > kMaxLine)
      raise(Code::kRead, "{}: a line is longer than {}", place_, human_bytes(kMaxLine));
    if (left != 0) std::memmove(buffer_.data(), buffer_.data() + at_, left);
    buffer_.truncate(left);
    at_ = 0;
    searched = left;
    const Bytes piece = stream_->next();
    ended_ = piece.empty();
    buffer_.append(piece);
  }
}

}  // namespace lugger
