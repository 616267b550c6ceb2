// Any text as CSV: whole, in pieces, where it lies and from the end of each record on it must give
// the same records, and nothing of the text is lost.
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "value/csv_reader.hpp"

using namespace lugger;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

struct Record {
  bool damaged = false;
  uint64_t line = 0, end = 0;
  std::vector<std::string> fields;
  bool operator==(const Record&) const = default;
};
using Records = std::vector<Record>;

void take_all(CsvReader& reader, Records& records) {
  for (;;) {
    const CsvReader::Got got = reader.next();
    if (got == CsvReader::Got::kMore) return;
    Record record{got == CsvReader::Got::kDamaged, reader.text_line(), reader.consumed(), {}};
    for (const CsvField& field : reader.fields()) record.fields.emplace_back(field.text);
    require(!record.damaged || !reader.reason().empty());
    records.push_back(std::move(record));
  }
}

Records read(std::string_view text, CsvDialect dialect, size_t width, size_t piece) {
  Records out;
  CsvReader reader(dialect);
  reader.expect(width);
  if (piece == 0) {
    reader.feed_in_place(as_bytes(text));
    take_all(reader, out);
    require(reader.consumed() == text.size());
    return out;
  }
  for (size_t at = 0;; at += piece) {
    const bool last = at >= text.size();
    reader.feed(as_bytes(text.substr(std::min(at, text.size()), piece)), last);
    take_all(reader, out);
    if (last) return out;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const CsvDialect dialect{data[0] % 2 == 0 ? ',' : ';', data[0] % 4 < 2 ? '"' : char{0}};
  const size_t width = data[1] % 4, piece = 1 + data[2] % 32;
  const std::string_view text = as_text(Bytes(data, size)).substr(3);
  const Records whole = read(text, dialect, width, 0);
  require(whole == read(text, dialect, width, piece));
  uint64_t line = 1;
  for (size_t i = 0; i < whole.size(); ++i) {
    require(whole[i].line >= line);
    line = whole[i].line;
    if (whole[i].end == 0) continue;
    CsvReader rest(dialect);
    rest.expect(width);
    rest.resume(whole[i].end, line);
    rest.feed_in_place(as_bytes(text).subspan(whole[i].end));
    Records behind;
    take_all(rest, behind);
    require(behind.size() == whole.size() - i - 1);
    if (i > 8) break;
  }
  if (dialect.quote == 0) return 0;
  for (const Record& record : whole) {
    std::string out;
    for (const std::string& field : record.fields) {
      if (&field != &record.fields.front()) out.push_back(dialect.delimiter);
      append_csv_field(field, dialect, "", out);
    }
    if (record.damaged || out.starts_with("\xEF\xBB\xBF")) continue;
    require(read(out + "\n", dialect, record.fields.size(), 0).front().fields == record.fields);
  }
  return 0;
}
