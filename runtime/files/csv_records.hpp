// CSV with a header: what options say of it, and its records under the names of their fields.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/options.hpp"
#include "files/byte_stream.hpp"
#include "value/csv_reader.hpp"

namespace lugger {

/// The options that CSV has, of a source and of rows in Lua.
std::span<const OptionSpec> csv_options();

struct CsvShape {
  CsvDialect dialect;
  bool delimiter_given = false;
  std::string null_text;  // a field without quotes that is this text is null
  bool header = true;
  std::vector<std::string> names = {};  // in the place of the header's

  bool is_null(const CsvField& field) const noexcept {
    return !field.quoted && field.text == null_text;
  }
};

/// Error{config} for options that cannot be. The name of a file tells its delimiter where none is
/// given: that of .tsv is a tab.
CsvShape csv_shape(const Options& options, std::string_view file_name);

/// The names of the fields, and where the records begin.
struct CsvHeader {
  std::vector<std::string> names;
  uint64_t offset = 0, line = 1;
};

class CsvRecords {
 public:
  using Feed = std::function<bool(CsvReader&)>;

  /// `place` is named in errors. feed: gives the reader more; false: there is no more.
  CsvRecords(CsvShape shape, std::string place, Feed feed);
  /// Pieces of a stream, from its beginning.
  CsvRecords(CsvShape shape, std::string place, std::unique_ptr<ByteStream> stream);

  /// Reads the header, if it is not known. Error{parse} when it is none.
  const CsvHeader& header();
  /// Goes on behind a known header, at a place between two records.
  void resume(CsvHeader header, uint64_t offset, uint64_t line);
  /// kMore: the input is done. Otherwise as CsvReader::next(), with errors that name the place.
  CsvReader::Got next();

  CsvReader& reader() noexcept { return reader_; }
  const CsvShape& shape() const noexcept { return shape_; }
  const std::string& place() const noexcept { return place_; }

 private:
  CsvReader::Got raw_next();
  void take_names();
  void check_names() const;
  [[noreturn]] void fail(std::string message, std::string hint) const;

  CsvShape shape_;
  std::string place_;
  Feed feed_;
  CsvReader reader_;
  CsvHeader header_;
  bool known_ = false;  // the header
  bool pending_ =
      false;  // the reader's record is the first one, read to know how many fields there are
  CsvReader::Got first_ = CsvReader::Got::kMore;
};

}  // namespace lugger
