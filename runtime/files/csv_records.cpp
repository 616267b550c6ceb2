#include "files/csv_records.hpp"

#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace lugger {
namespace {

using Type = OptionSpec::Type;
using Got = CsvReader::Got;

constexpr OptionSpec kCsvOptions[] = {
    {"header", Type::kFlag, "Whether the first record of CSV has the names of the fields.", "true"},
    {"names", Type::kList,
     "The names of the fields of CSV, in the place of the header's; without either they are c1, "
     "c2, ..."},
    {"delimiter", Type::kText, "What stands between the fields of CSV; of .tsv it is a tab.", ","},
    {"quote", Type::kText, "What stands around fields of CSV; '' for nothing.", "\""},
    {"null", Type::kText, "The field of CSV, without quotes, that is null.", ""},
};

char one_byte(const Options& options, std::string_view name, char fallback) {
  if (!options.has(name)) return fallback;
  const std::string text = options.text(name);
  if (name == "quote" && text.empty()) return 0;
  const bool good = text.size() == 1 && text[0] != '\n' && text[0] != '\r' && text[0] > 0;
  if (good) return text[0];
  throw Error(Code::kConfig, fmt::format("{} cannot be {}", name, quoted_excerpt(text)),
              "it is one ASCII character, such as ',' ';' '|' or a tab ('\\t')");
}

std::string as_lua(char delimiter) {
  return delimiter == '\t' ? "'\\t'" : fmt::format("'{}'", delimiter);
}

bool is_tsv(std::string_view name) {
  if (name.ends_with(".gz")) name.remove_suffix(3);
  return name.ends_with(".tsv");
}

}  // namespace

std::span<const OptionSpec> csv_options() { return kCsvOptions; }

CsvShape csv_shape(const Options& options, std::string_view file_name) {
  CsvShape out;
  out.dialect.delimiter = one_byte(options, "delimiter", is_tsv(file_name) ? '\t' : ',');
  out.dialect.quote = one_byte(options, "quote", '"');
  out.delimiter_given = options.has("delimiter");
  out.null_text = options.text("null");
  out.header = options.flag("header", true);
  out.names = options.list("names");
  if (out.dialect.delimiter == out.dialect.quote)
    throw Error(Code::kConfig, "delimiter and quote of CSV are the same character");
  return out;
}

CsvRecords::CsvRecords(CsvShape shape, std::string place, Feed feed)
    : shape_(std::move(shape)),
      place_(std::move(place)),
      feed_(std::move(feed)),
      reader_(shape_.dialect) {}

CsvRecords::CsvRecords(CsvShape shape, std::string place, std::unique_ptr<ByteStream> stream)
    : CsvRecords(std::move(shape), std::move(place),
                 [held = std::shared_ptr<ByteStream>(std::move(stream)),
                  ended = false](CsvReader& reader) mutable {
                   if (ended) return false;
                   const Bytes piece = held->next();
                   ended = piece.empty();
                   reader.feed(piece, ended);
                   return true;
                 }) {}

void CsvRecords::fail(std::string message, std::string hint) const {
  Error error(Code::kParse, std::move(message), std::move(hint));
  error.note("file", place_);
  throw Error(error);
}

Got CsvRecords::raw_next() {
  try {
    for (;;) {
      const Got got = reader_.next();
      if (got != Got::kMore || !feed_(reader_)) return got;
    }
  } catch (Error& error) {
    error.note("file", place_);
    throw;
  }
}

const CsvHeader& CsvRecords::header() {
  if (known_) return header_;
  known_ = true;
  header_.names = shape_.names;
  if (!shape_.header && !header_.names.empty()) {
    check_names();
    reader_.expect(header_.names.size());
    return header_;
  }
  first_ = raw_next();
  if (first_ == Got::kMore) return header_;
  if (first_ == Got::kDamaged)
    fail(fmt::format("the {} cannot be read: {}", shape_.header ? "header" : "first record",
                     reader_.reason()),
         "see which delimiter and quote it has");
  take_names();
  check_names();
  reader_.expect(header_.names.size());
  pending_ = !shape_.header;
  if (shape_.header) header_.offset = reader_.consumed(), header_.line = reader_.line();
  return header_;
}

void CsvRecords::take_names() {
  const std::span<const CsvField> fields = reader_.fields();
  if (!shape_.header) {
    for (size_t i = 1; i <= fields.size(); ++i) header_.names.push_back(fmt::format("c{}", i));
    return;
  }
  // With the wrong delimiter all rows would be loaded, and every column be NULL.
  const std::string_view first = fields[0].text;
  const size_t other = first.find_first_of(",;|\t");
  if (fields.size() == 1 && !fields[0].quoted && !shape_.delimiter_given && other != first.npos) {
    fail(fmt::format("the header is one field: {}", quoted_excerpt(first)),
         fmt::format("say delimiter = {}, or {} if it is one field", as_lua(first[other]),
                     as_lua(shape_.dialect.delimiter)));
  }
  if (header_.names.empty()) {
    for (const CsvField& field : fields) header_.names.emplace_back(field.text);
  } else if (header_.names.size() != fields.size()) {
    fail(fmt::format("there are {} names, and the header has {}", header_.names.size(),
                     fields.size()),
         "give a name for each field");
  }
}

void CsvRecords::check_names() const {
  std::set<std::string_view> seen;
  for (size_t i = 0; i < header_.names.size(); ++i) {
    const std::string& name = header_.names[i];
    const std::string hint = "name the fields yourself: names = { 'id', 'email' }";
    if (name.empty()) fail(fmt::format("the header has no name for field {}", i + 1), hint);
    if (name.find('\r') != std::string::npos)
      fail("lines end in CR alone", "write the file with LF or CRLF (tr '\\r' '\\n')");
    if (!is_utf8(name) || name.find('\0') != std::string::npos) {
      fail(fmt::format("the header is not UTF-8: {}", quoted_excerpt(name)),
           "write the file as UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8");
    }
    if (!seen.insert(name).second)
      fail(fmt::format("the header has the name {} twice", quoted_excerpt(name)), hint);
  }
}

void CsvRecords::resume(CsvHeader header, uint64_t offset, uint64_t line) {
  header_ = std::move(header);
  known_ = true;
  reader_.expect(header_.names.size());
  reader_.resume(offset, line);
}

Got CsvRecords::next() {
  header();
  return std::exchange(pending_, false) ? first_ : raw_next();
}

}  // namespace lugger
