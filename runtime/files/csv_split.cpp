#include "files/csv_split.hpp"

#include <algorithm>

#include "base/lines.hpp"

namespace lugger {
namespace {

constexpr size_t kNone = std::string_view::npos;

/// The place behind the quote that closes the one at `open`; kNone: CsvReader would take it for one
/// that nobody closed.
size_t behind_closing(std::string_view text, char quote, size_t record, size_t open) {
  const std::string_view reach = text.substr(0, record + CsvReader::kMaxRecord);
  for (size_t from = open + 1;;) {
    const size_t found = reach.find(quote, from);
    if (found == kNone) return kNone;
    if (found + 1 == text.size() || text[found + 1] != quote) return found + 1;
    from = found + 2;
  }
}

class Cutter {
 public:
  Cutter(std::string_view text, TextPart records, uint64_t count, uint64_t least)
      : text_(text), share_(text.size() / count), least_(least), counted_(records) {}

  /// There are no quotes in this piece, so each line end in it ends a record.
  void plain(size_t from, size_t to) {
    for (;;) {
      const size_t wanted = share_ * out_.size();
      const size_t newline = text_.substr(0, to).find('\n', std::max({from, wanted - 1, sure_}));
      if (newline == kNone || text_.size() - newline <= least_) return;
      const size_t begin = newline + 1;
      counted_.line += count_lines(text_.substr(counted_.begin, begin - counted_.begin));
      counted_.begin = begin;
      out_.push_back(counted_);
      from = begin;
    }
  }
  /// A quote is open here that nobody closes. Whoever reads a part that ends before it would see
  /// another record.
  void unclosed(size_t quote) { sure_ = std::max(sure_, quote); }
  std::vector<TextPart> parts() && { return std::move(out_); }

 private:
  std::string_view text_;
  size_t share_, least_, sure_ = 0;
  TextPart counted_;
  std::vector<TextPart> out_{TextPart{}};
};

}  // namespace

std::vector<TextPart> csv_boundaries(Bytes file, CsvDialect dialect, TextPart records,
                                     uint64_t count, uint64_t least) {
  const std::string_view text = as_text(file);
  Cutter cutter(text, records, count, least);
  size_t at = records.begin == 0 && text.starts_with(kByteOrderMark) ? kByteOrderMark.size()
                                                                     : records.begin;
  size_t record = at;  // where the record under way began
  while (dialect.quote != 0) {
    const size_t quote = text.find(dialect.quote, at);
    if (quote == kNone) break;
    cutter.plain(at, quote);
    const size_t newline = text.substr(at, quote - at).rfind('\n');
    if (newline != kNone) record = at + newline + 1;
    at = quote + 1;
    if (quote != record && text[quote - 1] != dialect.delimiter) continue;  // a character
    at = behind_closing(text, dialect.quote, record, quote);
    if (at != kNone) continue;
    cutter.unclosed(quote);
    at = record = std::min(text.find('\n', record), text.size() - 1) + 1;
  }
  cutter.plain(at, text.size());
  return std::move(cutter).parts();
}

}  // namespace lugger
