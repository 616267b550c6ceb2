// Finds where one JSON document ends in text that arrives in pieces, without parsing it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lugger::json {

/// Where a mistake in a document's text lies, and what it is. Becomes an Error with line and column
/// in JsonReader.
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

/// Whether a closed document has ended: behind it stands the end of the line, or a document, or in
/// an array a comma or its bracket. nullopt: nothing does, yet.
std::optional<bool> document_ends(std::string_view rest, bool array, bool last) noexcept;

/// Text that begins where a document should, and is none: how much of it to pass over, so that what
/// follows can be read. Where its brackets close, and a document, a comma or the line's end follow,
/// it reaches to there; else to the end of the line before the next one that begins with a '{' as
/// far to the right as it does itself (`indent` blanks): documents that lie inside of others stand
/// further right. nullopt: that cannot be told; of more input, unless this is the `last`, it can.
/// Proof that it does not depend on where a file was split: see json_boundaries(); a boundary is
/// such an end.
std::optional<size_t> damaged_extent(std::string_view text, size_t indent, bool array, bool last);

/// Offset of the n-th '{' (from 0) outside strings, to say where a value found by the parser
/// stands; 0 when there is none.
size_t nth_object(std::string_view text, size_t n) noexcept;

}  // namespace lugger::json
