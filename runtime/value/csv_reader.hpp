// CSV as RFC 4180 has it, with other delimiters and quotes: text into records of fields.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace lugger {

struct CsvDialect {
  char delimiter = ',';
  char quote = '"';  // NUL: none
};

struct CsvField {
  std::string_view text;
  bool quoted = false;
};

/// Takes text apart that arrives in pieces or lies in memory.
///   reader.feed(piece, last); while (reader.next() == CsvReader::Got::kRecord) reader.fields() ...
///
/// A record ends at a line end (LF or CRLF) outside of quotes. A field that begins with the quote
/// ends at the next one that is not doubled. In a field that begins otherwise a quote is a
/// character like others, since `6" pipe` can mean nothing else.
class CsvReader {
 public:
  enum class Got : uint8_t { kRecord, kDamaged, kMore };
  /// A record is at most so long, that a quote which nobody closed cannot take the file for a field.
  static constexpr size_t kMaxRecord = size_t{15} << 20;

  explicit CsvReader(CsvDialect dialect) : dialect_(dialect) {}

  void feed(Bytes piece, bool last);
  /// All remaining input, read where it is. It must outlive the reader.
  void feed_in_place(Bytes rest);
  /// The next record. kMore: feed() more, or the input is done. kDamaged: text that is no record, or
  /// has not as many fields as it should; behind it reading goes on at the next line. Error{parse}
  /// for a line longer than kMaxRecord.
  Got next();
  /// Records must have so many fields; 0: any number. With more than one, empty lines are none.
  void expect(size_t fields) noexcept { width_ = fields; }

  /// Of the last record, until feed() or next().
  std::span<const CsvField> fields() const noexcept { return fields_; }
  /// Of the last record or damaged text: without its line end, and the line (from 1) it begins in.
  std::string_view text() const noexcept { return text_; }
  uint64_t text_line() const noexcept { return text_line_; }
  /// Why the text is damaged: "line 5: 3 fields, and there should be 4".
  const std::string& reason() const noexcept { return reason_; }

  /// Bytes of input up to the end of the last record, and the line that follows it.
  uint64_t consumed() const noexcept { return base_ + at_; }
  uint64_t line() const noexcept { return line_; }
  /// Starts in the middle, at the beginning of a record.
  void resume(uint64_t offset, uint64_t line) noexcept { base_ = offset, line_ = line; }

 private:
  struct Mark {
    size_t begin, end;
    bool quoted, doubled;
  };
  enum class Fault : uint8_t { kNone, kBehindQuote, kUnclosed };

  bool skip_bom() noexcept;
  std::optional<size_t> scan(std::string_view rest);
  std::optional<size_t> scan_quoted(std::string_view rest, size_t at);
  size_t scan_plain(std::string_view rest, size_t at, size_t line_end);
  std::optional<size_t> unfinished(std::string_view rest) const;
  void take(std::string_view record);
  Got judge();
  [[noreturn]] void too_long() const;

  CsvDialect dialect_;
  size_t width_ = 0;
  ByteBuffer buffer_;
  std::string_view input_;
  size_t at_ = 0;
  uint64_t base_ = 0, line_ = 1, text_line_ = 1;
  bool last_ = false;

  std::vector<Mark> marks_;
  Fault fault_ = Fault::kNone;
  size_t fault_at_ = 0;
  std::vector<CsvField> fields_;
  ByteBuffer undoubled_;
  std::string_view text_;
  std::string reason_;
};

/// Appends a field as `CsvReader` reads it back: quoted where it must be, or when `null_text` would
/// make NULL of it.
void append_csv_field(std::string_view text, CsvDialect dialect, std::string_view null_text,
                      std::string& out);

}  // namespace lugger
