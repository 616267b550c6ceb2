#include "value/csv_reader.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/lines.hpp"
#include "base/text.hpp"

namespace lugger {
namespace {

std::string_view without_line_end(std::string_view text) noexcept {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

void CsvReader::feed(Bytes piece, bool last) {
  if (at_ != 0) {
    const size_t left = buffer_.size() - at_;
    if (left != 0) std::memmove(buffer_.data(), buffer_.data() + at_, left);
    buffer_.truncate(left);
    base_ += at_;
    at_ = 0;
  }
  buffer_.append(piece);
  input_ = buffer_.text();
  last_ = last;
}

void CsvReader::feed_in_place(Bytes rest) {
  input_ = as_text(rest);
  last_ = true;
}

/// False: not enough input to tell.
bool CsvReader::skip_bom() noexcept {
  if (consumed() != 0) return true;
  if (input_.size() < kByteOrderMark.size() && !last_ && kByteOrderMark.starts_with(input_))
    return false;
  if (input_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  return true;
}

CsvReader::Got CsvReader::next() {
  if (!skip_bom()) return Got::kMore;
  while (at_ < input_.size()) {
    const std::string_view rest = input_.substr(at_);
    const std::optional<size_t> size = scan(rest);
    if (!size) return Got::kMore;
    text_ = without_line_end(rest.substr(0, *size));
    text_line_ = line_;
    line_ += count_lines(rest.substr(0, *size));
    at_ += *size;
    if (text_.empty() && width_ != 1) continue;
    return judge();
  }
  return Got::kMore;
}

/// The extent of the record that begins here, its line end with it. nullopt: more input is needed.
std::optional<size_t> CsvReader::scan(std::string_view rest) {
  marks_.clear();
  fault_ = Fault::kNone;
  size_t at = 0, line_end = std::min(rest.find('\n'), rest.size());
  for (;;) {
    if (dialect_.quote != 0 && at < rest.size() && rest[at] == dialect_.quote) {
      const std::optional<size_t> behind = scan_quoted(rest, at);
      if (!behind) return unfinished(rest);
      at = *behind;
      if (fault_ == Fault::kUnclosed) return at;
      if (at > line_end) line_end = std::min(rest.find('\n', at), rest.size());
    } else {
      marks_.push_back({at, at, false, false});
    }
    at = scan_plain(rest, at, line_end);
    if (at < line_end) {
      ++at;  // the delimiter
      continue;
    }
    if (at == rest.size() && !last_) return unfinished(rest);
    return std::min(at + 1, rest.size());
  }
}

/// More input is needed; but what is too long for a record gets none.
std::optional<size_t> CsvReader::unfinished(std::string_view rest) const {
  if (rest.size() > kMaxRecord) too_long();
  return std::nullopt;
}

/// Marks the quoted field that begins here; gives the place behind its closing quote, or the next
/// line's beginning when it has none. nullopt: more input is needed.
std::optional<size_t> CsvReader::scan_quoted(std::string_view rest, size_t at) {
  Mark mark{at + 1, at + 1, true, false};
  const std::string_view reach = rest.substr(0, kMaxRecord);
  for (size_t from = at + 1;;) {
    const size_t quote = reach.find(dialect_.quote, from);
    const bool cut = quote == reach.npos;
    if (cut || (quote + 1 == rest.size() && !last_)) {
      if (!last_ && reach.size() == rest.size()) return std::nullopt;
      fault_ = Fault::kUnclosed;
      fault_at_ = at;
      return std::min(rest.find('\n'), rest.size() - 1) + 1;
    }
    if (quote + 1 < rest.size() && rest[quote + 1] == dialect_.quote) {
      mark.doubled = true;
      from = quote + 2;
      continue;
    }
    mark.end = quote;
    marks_.push_back(mark);
    return quote + 1;
  }
}

/// Goes on to the next delimiter or to the line's end. Characters there end the field under way; of
/// a quoted one there must be none.
size_t CsvReader::scan_plain(std::string_view rest, size_t at, size_t line_end) {
  const std::string_view left = rest.substr(at, line_end - at);
  const size_t delimiter = left.find(dialect_.delimiter);
  const size_t end = delimiter == left.npos ? line_end : at + delimiter;
  Mark& mark = marks_.back();
  const bool cr = end == line_end && end > at && rest[end - 1] == '\r';
  if (!mark.quoted) {
    mark.end = cr ? end - 1 : end;
  } else if (end - at > (cr ? 1U : 0U) && fault_ == Fault::kNone) {
    fault_ = Fault::kBehindQuote;
    fault_at_ = at;
  }
  return end;
}

/// Makes fields of the marks, doubled quotes single.
void CsvReader::take(std::string_view record) {
  fields_.clear();
  undoubled_.clear();
  undoubled_.reserve(record.size());  // what points into it stays where it is
  for (const Mark& mark : marks_) {
    std::string_view text = record.substr(mark.begin, mark.end - mark.begin);
    if (mark.doubled) {
      const size_t before = undoubled_.size();
      while (!text.empty()) {
        const size_t quote = std::min(text.find(dialect_.quote), text.size() - 1) + 1;
        undoubled_.append(text.substr(0, quote));
        text.remove_prefix(std::min(text.size(), quote + 1));
      }
      text = undoubled_.text().substr(before);
    }
    fields_.push_back({text, mark.quoted});
  }
}

CsvReader::Got CsvReader::judge() {
  if (fault_ != Fault::kNone) {
    fields_.clear();
    const std::string_view before(text_.data(), fault_at_);
    const uint64_t line = text_line_ + count_lines(before);
    const size_t column = before.size() - (before.rfind('\n') + 1) + 1;
    reason_ = fmt::format("line {}, column {}: {}", line, column,
                          fault_ == Fault::kUnclosed
                              ? "the quote that begins here is not closed"
                              : "text behind a closing quote (a quote inside a field is doubled)");
    return Got::kDamaged;
  }
  take(text_);
  if (width_ == 0 || fields_.size() == width_) return Got::kRecord;
  reason_ = fmt::format("line {}, column 1: {} field{}, and there should be {}", text_line_,
                        fields_.size(), fields_.size() == 1 ? "" : "s", width_);
  return Got::kDamaged;
}

void CsvReader::too_long() const {
  throw Error(Code::kParse,
              fmt::format("line {}: no record ends within {}", line_, human_bytes(kMaxRecord)),
              "see whether this is CSV with line ends (LF or CRLF), and which quote it has");
}

void append_csv_field(std::string_view text, CsvDialect dialect, std::string_view null_text,
                      std::string& out) {
  const auto special = [&](char c) {
    return c == dialect.delimiter || c == dialect.quote || c == '\n' || c == '\r';
  };
  if (text != null_text && std::none_of(text.begin(), text.end(), special)) {
    out.append(text);
    return;
  }
  if (dialect.quote == 0)
    throw Error(Code::kConfig,
                fmt::format("{} cannot be written without quotes", quoted_excerpt(text)),
                "give a quote");
  out.push_back(dialect.quote);
  for (const char c : text) {
    if (c == dialect.quote) out.push_back(c);
    out.push_back(c);
  }
  out.push_back(dialect.quote);
}

}  // namespace lugger
