// Terminal input while a line is edited. Pasted text bypasses the line editor, which would redraw
// the line for every character.
#pragma once
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace lugger {

class PasteReader {
 public:
  /// The next code point for the editor; -1: end of input, or a signal.
  int next();
  /// A whole line that was pasted after the current one.
  std::optional<std::string> take_line();
  /// Text pasted into the current line that is too long to be edited; append it to the line.
  std::string take_held() { return std::exchange(held_, {}); }
  /// Discards pasted text, after Ctrl-C.
  void clear() { lines_.clear(), keys_.clear(), held_.clear(), rest_.clear(); }

  /// Asks the terminal to mark pasted text, or to stop marking it.
  static void mark(bool on);

 private:
  std::optional<unsigned char> byte();
  bool begins_paste();
  void read_paste();
  int code_point(unsigned char first);

  std::string keys_;  // read already, to be given next
  std::deque<std::string> lines_;
  /// The last line of a paste, if it had no newline: the editor of the next line gets it.
  std::string rest_;
  std::string held_;
};

}  // namespace lugger
