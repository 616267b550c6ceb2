#include "base/error.hpp"

#include "base/url.hpp"

namespace lugger {

std::string_view code_name(Code code) noexcept {
  static constexpr std::string_view kNames[] = {
      "config",   "connect", "auth",        "read", "parse",  "coerce", "constraint",
      "conflict", "timeout", "interrupted", "hook", "verify", "budget", "bug"};
  return kNames[static_cast<size_t>(code)];
}

Error::Error(Code code, std::string message, std::string hint, std::string sqlstate)
    : code_(code),
      message_(mask_text(std::move(message))),
      hint_(mask_text(std::move(hint))),
      sqlstate_(std::move(sqlstate)) {
  render();
}

Error& Error::note(std::string_view key, std::string_view value) & {
  for (const auto& known : notes_) {
    if (known.first == key) return *this;
  }
  notes_.emplace_back(key, value);
  render();
  return *this;
}

Error&& Error::note(std::string_view key, std::string_view value) && {
  return std::move(note(key, value));
}

Error& Error::with_hint(std::string hint) & {
  hint_ = mask_text(std::move(hint));
  render();
  return *this;
}

void Error::render() {
  rendered_ = message_;
  for (size_t i = 0; i < notes_.size(); ++i) {
    rendered_ += fmt::format("{}{} {}", i == 0 ? " (" : ", ", notes_[i].first, notes_[i].second);
  }
  if (!notes_.empty()) rendered_ += ')';
  rendered_ = mask_text(std::move(rendered_));  // a note is data, and may be a place
  if (!hint_.empty()) rendered_ += "; " + hint_;
}

}  // namespace lugger
