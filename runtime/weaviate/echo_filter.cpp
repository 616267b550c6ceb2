#include "weaviate/echo_filter.hpp"

namespace lugger {

void EchoFilter::take(std::string_view piece) {
  for (size_t i = 0; i < piece.size(); ++i) {
    // Numbers are nearly all of it.
    if (!in_text_ && !keeps_) {
      i = piece.find_first_of("\"[]{},:", i);
      if (i == std::string_view::npos) return;
    }
    byte(piece[i]);
  }
}

void EchoFilter::byte(char c) {
  if (!in_text_) return structure(c);
  if (keeps_) kept_ += c;
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    in_text_ = false;
  } else if (is_key_) {
    key_ += c;
  }
}

void EchoFilter::structure(char c) {
  if (depth_ == kMember && keeps_ && (c == ',' || c == '}')) keeps_ = false;
  if (keeps_) kept_ += c;
  switch (c) {
    case '"':
      in_text_ = true;
      if (is_key_) key_.clear();
      break;
    case ':':
      if (depth_ != kMember || !is_key_) break;
      is_key_ = false;
      keeps_ = key_ == "result";
      if (keeps_ && !kept_.empty()) kept_ += ',';
      break;
    case '[':
    case '{':
      opened_ = true;
      is_key_ = ++depth_ == kMember && c == '{';
      break;
    case ']':
    case '}': --depth_; break;
    case ',': is_key_ = depth_ == kMember; break;
    default: break;
  }
}

}  // namespace lugger
