// native.csv: the records of a CSV file or text, one after the other; lines of a file.
#include "bindings/guard.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/userdata.hpp"
#include "bindings/words.hpp"
#include "files/csv_records.hpp"
#include "files/input.hpp"
#include "files/line_reader.hpp"

namespace lugger {

namespace {

/// Text that Lua gave: one piece, copied.
class TextStream : public ByteStream {
 public:
  explicit TextStream(std::string_view text) : text_(text) {}
  Bytes next() override {
    return std::exchange(given_, true) ? Bytes{} : as_bytes(std::string_view(text_));
  }
  uint64_t taken() const noexcept override { return given_ ? text_.size() : 0; }

 private:
  std::string text_;
  bool given_ = false;
};

/// A file, inflated when it is gzip. What can be read only once keeps its first bytes in the Input.
class FileStream : public ByteStream {
 public:
  explicit FileStream(const std::string& path) : input_(path, "csv"), stream_(input_.open()) {}
  Bytes next() override { return stream_->next(); }
  uint64_t taken() const noexcept override { return stream_->taken(); }

 private:
  Input input_;
  std::unique_ptr<ByteStream> stream_;
};

}  // namespace

template <>
struct UserdataName<CsvRecords> {
  static constexpr char value[] = "lugger.native.csv_rows";
};
template <>
struct UserdataName<LineReader> {
  static constexpr char value[] = "lugger.native.lines";
};

static CsvShape read_shape(lua_State* L, int argument, std::string_view file_name) {
  const Options options = read_options(L, argument, "rows of CSV");
  options.check("rows of CSV", csv_options());
  return csv_shape(options, file_name);
}

static int csv_open(lua_State* L) {
  const std::string path(check_text(L, 1));
  CsvShape shape = read_shape(L, 2, path);
  push_userdata(
      L, std::make_shared<CsvRecords>(std::move(shape), path, std::make_unique<FileStream>(path)));
  return 1;
}

static int csv_parse(lua_State* L) {
  auto stream = std::make_unique<TextStream>(check_text(L, 1));
  push_userdata(L,
                std::make_shared<CsvRecords>(read_shape(L, 2, ""), "CSV text", std::move(stream)));
  return 1;
}

/// By name, and where there are no names by number, with their count as `n`. Null is nil.
static int csv_next(lua_State* L) {
  CsvRecords& records = check_userdata<CsvRecords>(L, 1);
  const std::vector<std::string>& names = records.header().names;
  const CsvReader::Got got = records.next();
  if (got == CsvReader::Got::kMore) return 0;
  CsvReader& reader = records.reader();
  if (got == CsvReader::Got::kDamaged) {
    Error error(Code::kParse, reader.reason(), "correct that line");
    error.note("file", records.place());
    throw Error(error);
  }
  const std::span<const CsvField> fields = reader.fields();
  const bool named = records.shape().header || !records.shape().names.empty();
  lua_createtable(L, named ? 0 : static_cast<int>(fields.size()),
                  static_cast<int>(named ? fields.size() : 1));
  for (size_t i = 0; i < fields.size(); ++i) {
    if (records.shape().is_null(fields[i])) continue;
    named ? push(L, names[i]) : push(L, i + 1);
    push(L, fields[i].text);
    lua_rawset(L, -3);
  }
  if (!named) set(L, "n", fields.size());
  push(L, reader.text_line());
  return 2;
}

static int csv_names(lua_State* L) {
  push(L, check_userdata<CsvRecords>(L, 1).header().names);
  return 1;
}

static int csv_encode(lua_State* L) {
  const Options options = read_options(L, 2, "a row of CSV");
  options.check("a row of CSV", csv_options());
  const CsvShape shape = csv_shape(options, "");
  const auto count = static_cast<int>(luaL_checknumber(L, 3));
  std::string out;
  for (int i = 1; i <= count; ++i) {
    if (i > 1) out.push_back(shape.dialect.delimiter);
    lua_rawgeti(L, 1, i);
    if (lua_isnil(L, -1)) {
      out += shape.null_text;
    } else {
      append_csv_field(check_text(L, -1), shape.dialect, shape.null_text, out);
    }
    lua_pop(L, 1);
  }
  push(L, out);
  return 1;
}

static int lines_open(lua_State* L) {
  const std::string path(check_text(L, 1));
  push_userdata(L, std::make_shared<LineReader>(path, std::make_unique<FileStream>(path)));
  return 1;
}

static int lines_next(lua_State* L) {
  const auto line = check_userdata<LineReader>(L, 1).next();
  if (!line) return 0;
  push(L, *line);
  return 1;
}

static constexpr luaL_Reg kCsv[] = {
    {"open", guarded<csv_open>},
    {"parse", guarded<csv_parse>},
    {"encode", guarded<csv_encode>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"lines", guarded<lines_open>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kRows[] = {
    {"next", guarded<csv_next>},
    {"names", guarded<csv_names>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kLines[] = {
    {"next", guarded<lines_next>},
    {nullptr, nullptr},
};

void open_csv(lua_State* L) {
  define_userdata<CsvRecords>(L, kRows);
  define_userdata<LineReader>(L, kLines);
  add_functions(L, "csv", kCsv);
  add_functions(L, kFunctions);
}

}  // namespace lugger
