// Finds where one JSON document ends in text that arrives in pieces, without parsing it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lugger::json {

/// An error in a document's text: its position and description. JsonReader turns it into an Error
/// with line and column.
struct Mistake {
  size_t offset = 0;
  std::string message;
};

/// Counts brackets outside strings. Reads each byte once: scan() goes on where it stopped when more
/// has arrived.
class DocumentScanner {
 public:
  enum class Found : uint8_t { kEnd, kMore, kBroken };

  /// `text` begins at the document's '{'. kEnd: the document is size() bytes. kBroken: it cannot be
  /// one, seen at size().
  Found scan(std::string_view text) noexcept;
  size_t size() const noexcept { return at_; }
  bool under_way() const noexcept { return at_ != 0; }
  void reset() noexcept { *this = {}; }

 private:
  bool skip_string(std::string_view text) noexcept;
  size_t at_ = 0;
  uint32_t depth_ = 0;
  char quote_ = 0;
  bool escaped_ = false;
  char previous_ = 0;  // last byte that was not white space
};

/// True when a closed document really ends here: it is followed by the end of the line, a document,
/// or in an array a comma or the closing bracket. nullopt: more input is needed.
std::optional<bool> document_ends(std::string_view rest, bool array, bool last) noexcept;

/// How much of an invalid document must be skipped so that the next one can be read. If its
/// brackets close, and a document, a comma or the end of the line follows, the skipped text ends
/// there. Otherwise it ends before the next line that begins with '{' and the same indentation
/// (`indent` blanks): nested documents are indented further. nullopt: this cannot be decided, or
/// not without more input (unless this is the `last`). The result does not depend on where a file
/// was split, because every boundary of json_boundaries() is such an end.
std::optional<size_t> damaged_extent(std::string_view text, size_t indent, bool array, bool last);

/// Offset of the n-th '{' (from 0) outside strings, to say where a value found by the parser
/// stands; 0 when there is none.
size_t nth_object(std::string_view text, size_t n) noexcept;

}  // namespace lugger::json
