#include "bindings/paste.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "bindings/modules.hpp"

namespace lugger {

namespace {

constexpr std::string_view kBegin = "[200~", kEnd = "\033[201~";
constexpr size_t kLongest = 2000;  // longer lines are too slow in a line editor
constexpr int kKeyMs = 20;         // the bytes of one key arrive within this time

bool comes(int ms) {
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, ms) > 0;
}

}  // namespace

void PasteReader::mark(bool on) {
  const char* terminal = std::getenv("TERM");
  if (terminal == nullptr || std::string_view(terminal) == "dumb") return;
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) return;
  const std::string_view word = on ? "\033[?2004h" : "\033[?2004l";
  [[maybe_unused]] const ssize_t written = write(STDOUT_FILENO, word.data(), word.size());
}

std::optional<unsigned char> PasteReader::byte() {
  if (!keys_.empty()) {
    const auto first = static_cast<unsigned char>(keys_.front());
    keys_.erase(0, 1);
    return first;
  }
  unsigned char read_byte = 0;
  ssize_t got = 0;
  do {
    got = read(STDIN_FILENO, &read_byte, 1);
  } while (got < 0 && errno == EINTR && !signal_stop().requested());  // the window changed its size
  if (got != 1) return std::nullopt;
  return read_byte;
}

/// After an escape: true when the terminal's mark for pasted text follows. Any other keys are
/// passed on unchanged.
bool PasteReader::begins_paste() {
  std::string seen;
  while (seen.size() < kBegin.size() && (!keys_.empty() || comes(kKeyMs))) {
    const auto one = byte();
    if (!one) break;
    seen += static_cast<char>(*one);
    if (!kBegin.starts_with(seen)) break;
  }
  if (seen == kBegin) return true;
  keys_.insert(0, seen);
  return false;
}

void PasteReader::read_paste() {
  std::string text = std::exchange(keys_, {});
  char block[65536];
  size_t end = text.find(kEnd);
  while (end == std::string::npos) {
    const ssize_t got = read(STDIN_FILENO, block, sizeof block);
    if (got <= 0) break;
    const size_t from = text.size() < kEnd.size() ? 0 : text.size() - kEnd.size();
    text.append(block, static_cast<size_t>(got));
    end = text.find(kEnd, from);
  }
  std::string behind = end == std::string::npos ? "" : text.substr(end + kEnd.size());
  text.resize(std::min(end, text.size()));
  text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
  std::replace(text.begin(), text.end(), '\r', '\n');
  const size_t first_end = text.find('\n');
  std::string first = text.substr(0, first_end);
  if (first.size() > kLongest) {
    held_ += first;
    first.clear();
  }
  std::replace(first.begin(), first.end(), '\t', ' ');  // a tab would request completions
  keys_ = first;
  if (first_end != std::string::npos) {
    keys_ += '\n';
    size_t at = first_end + 1;
    for (size_t next = text.find('\n', at); next != std::string::npos; next = text.find('\n', at)) {
      lines_.push_back(text.substr(at, next - at));
      at = next + 1;
    }
    rest_ += text.substr(at);
    rest_ += behind;
  } else {
    keys_ += behind;
  }
}

std::optional<std::string> PasteReader::take_line() {
  if (lines_.empty()) {
    keys_ += std::exchange(rest_, {});
    return std::nullopt;
  }
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

int PasteReader::code_point(unsigned char first) {
  if (first < 0xC2 || first > 0xF4) return first;
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  int code = first & (0x3F >> more);
  for (int i = 0; i < more; ++i) {
    const auto one = byte();
    if (!one) return -1;
    code = code << 6 | (*one & 0x3F);
  }
  return code;
}

int PasteReader::next() {
  constexpr unsigned char kEscape = 27;
  for (;;) {
    const auto first = byte();
    if (!first) return -1;
    if (*first != kEscape || !begins_paste()) return code_point(*first);
    const size_t held = held_.size();
    read_paste();
    if (held_.size() > held) {
      const std::string told = "[" + std::to_string(held_.size()) + " bytes pasted]";
      [[maybe_unused]] const ssize_t written = write(STDOUT_FILENO, told.data(), told.size());
    }
  }
}

}  // namespace lugger
