// What comes from the terminal while a line is edited. Text that is pasted at once goes around the
// editor, which would draw every key of it.
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
  /// A whole line that was pasted behind the one under way.
  std::optional<std::string> take_line();
  /// What was pasted into the line under way and is too long to be edited: it belongs to its end.
  std::string take_held() { return std::exchange(held_, {}); }
  /// Forgets what was pasted: Ctrl-C.
  void clear() { lines_.clear(), keys_.clear(), held_.clear(), rest_.clear(); }

  /// Asks the terminal to mark what is pasted, or to stop doing so.
  static void mark(bool on);

 private:
  std::optional<unsigned char> byte();
  bool begins_paste();
  void read_paste();
  int code_point(unsigned char first);

  std::string keys_;  // read already, given next
  std::deque<std::string> lines_;
  /// The last line of a paste, which has no end yet: given to the next line's editor.
  std::string rest_;
  std::string held_;
};

}  // namespace lugger
