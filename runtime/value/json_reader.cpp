#include "value/json_reader.hpp"

#include <simdjson.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/lines.hpp"
#include "base/text.hpp"
#include "value/bson_reader.hpp"
#include "value/damaged.hpp"
#include "value/extended_json.hpp"
#include "value/json_scan.hpp"
#include "value/json_tolerant.hpp"
#include "value/plain_json.hpp"

namespace lugger {
namespace {

// Canonical Extended JSON is at most about eight times as long as its BSON; longer text has a
// bracket that was never closed.
constexpr size_t kMaxText = 256 * 1024 * 1024;
// When no line ends within this length, documents are found by their brackets.
constexpr size_t kMaxLine = 1024 * 1024;
static_assert(JsonReader::kPadding >= simdjson::SIMDJSON_PADDING);

enum class Phase : uint8_t {
  kStart,    // nothing read
  kLines,    // between documents that stand one after another
  kOpened,   // behind '['
  kAfter,    // behind an element
  kComma,    // behind ','
  kResumed,  // somewhere between two elements
  kClosed,   // behind ']'
};

}  // namespace

struct JsonReader::State {
  const JsonForm form;
  ByteBuffer buffer;       // pieces; padded by simdjson's need behind size()
  std::string_view input;  // what there is to read: in the buffer, or where the caller has it
  size_t at = 0;           // first byte not used
  uint64_t base = 0;       // offset of the first byte of `input`
  uint64_t line = 1;
  uint64_t line_start = 0;  // offset of the line under way
  size_t indent = 0;        // blanks before what it begins with
  bool last = false;
  Phase phase = Phase::kStart;
  JsonLayout layout = JsonLayout::kLines;

  json::DocumentScanner scanner;
  simdjson::dom::parser parser;
  ByteBuffer scratch;
  json::ExtendedJsonWriter writer{scratch};
  std::string rewritten;

  // After lines that were not a document: the size of the last one, and the number of documents
  // until lines are tried again.
  size_t refused = 0;
  simdjson::error_code refusal = simdjson::SUCCESS;
  uint32_t skip_lines = 0, penalty = 0;
  uint64_t consumed = 0, consumed_line = 1, tolerant = 0;
  size_t failed_at = 0;  // where the error showed, relative to the reader's position

  explicit State(JsonForm as) : form(as) {
    writer.take_wrappers(form == JsonForm::kExtended);
    if (parser.allocate(64 * 1024, json::kParserDepth) != simdjson::SUCCESS) throw std::bad_alloc();
  }

  std::string_view rest() const noexcept { return input.substr(at); }
  uint64_t offset() const noexcept { return base + at; }

  void feed(Bytes piece, bool is_last);
  bool next(ByteBuffer& out);
  bool pass_damaged(std::string_view reason, ByteBuffer& out);

 private:
  void skip_space() noexcept;
  bool begin();
  bool element_follows(char c);
  bool read_document(ByteBuffer& out);
  bool read_line(ByteBuffer& out);
  void not_by_lines() noexcept;
  void read_text(std::string_view text, ByteBuffer& out);
  void write(simdjson::dom::element root, std::string_view text, bool rewrote, ByteBuffer& out);
  simdjson::error_code parse(std::string_view text, simdjson::dom::element& root) noexcept;
  void read_tolerant(std::string_view text, ByteBuffer& out);
  void read_plain(std::string_view text, ByteBuffer& out);
  void took(std::string_view text) noexcept;
  [[noreturn]] void broken(std::string_view text);
  void use(size_t size) noexcept;
  [[noreturn]] void fail(std::string_view text, size_t offset, std::string_view message);
  [[noreturn]] void fail_here(std::string_view message);
};

void JsonReader::State::feed(Bytes piece, bool is_last) {
  if (at != 0) {
    const size_t left = buffer.size() - at;
    if (left != 0) std::memmove(buffer.data(), buffer.data() + at, left);
    buffer.truncate(left);
    base += at;
    at = 0;
  }
  buffer.room(piece.size() + simdjson::SIMDJSON_PADDING);
  buffer.append(piece);
  std::memset(buffer.room(simdjson::SIMDJSON_PADDING), 0, simdjson::SIMDJSON_PADDING);
  input = buffer.text();
  last = is_last;
}

void JsonReader::State::skip_space() noexcept {
  for (; at < input.size(); ++at) {
    const char c = input[at];
    if (c == '\n') {
      ++line;
      line_start = base + at + 1;
      indent = 0;
    } else if (c == ' ' || c == '\t') {
      ++indent;
    } else if (c != '\r') {
      return;
    }
  }
}

/// Steps over `size` bytes of a document's text, counting its lines.
void JsonReader::State::use(size_t size) noexcept {
  const std::string_view text = rest().substr(0, size);
  if (text.find('\n') != text.npos) {  // memchr; going backwards is slower
    line += count_lines(text);
    line_start = offset() + text.rfind('\n') + 1;
  }
  at += size;
  indent = 0;
  consumed = offset();
  consumed_line = line;
}

void JsonReader::State::fail(std::string_view text, size_t mistake, std::string_view message) {
  failed_at = mistake;
  const std::string_view before = text.substr(0, mistake);
  const size_t newline = before.rfind('\n');
  const uint64_t column =
      newline == before.npos ? offset() + mistake - line_start : mistake - newline - 1;
  throw Error(
      Code::kParse,
      fmt::format("line {}, column {}: {}", line + count_lines(before), column + 1, message),
      "correct that line, or export the collection again");
}

void JsonReader::State::fail_here(std::string_view message) {
  const std::string_view shown = rest().substr(0, rest().find('\n'));
  fail(rest(), 0,
       shown.empty() ? std::string(message)
                     : fmt::format("{}, found {}", message, quoted_excerpt(shown, 40)));
}

/// The byte order mark and the layout. False: not enough input to tell.
bool JsonReader::State::begin() {
  const std::string_view text = rest();
  if (offset() == 0 && !text.empty() &&
      kByteOrderMark.starts_with(text.substr(0, kByteOrderMark.size()))) {
    if (text.size() < kByteOrderMark.size() && !last) return false;
    at = line_start = std::min(kByteOrderMark.size(), text.size());
  }
  skip_space();
  if (at == input.size()) return false;
  phase = Phase::kLines;
  if (rest()[0] != '[') return true;
  layout = JsonLayout::kArray;
  phase = Phase::kOpened;
  ++at;
  return true;
}

/// In the array layout: skips what may precede an element. False: call again, or the array has
/// ended.
bool JsonReader::State::element_follows(char c) {
  if (phase == Phase::kClosed) fail_here("expected nothing after the closing ']'");
  const bool between = phase == Phase::kAfter || phase == Phase::kResumed;
  if (c == ']' && phase != Phase::kComma) {
    phase = Phase::kClosed;
    ++at;
    return false;
  }
  if (c == ',' && between) {
    phase = Phase::kComma;
    ++at;
    return false;
  }
  if (phase == Phase::kAfter) fail_here("expected ',' or ']' after an element");
  return true;
}

bool JsonReader::State::next(ByteBuffer& out) {
  if (phase == Phase::kStart && !begin()) return false;
  for (;;) {
    skip_space();
    if (at == input.size()) break;
    const char c = rest()[0];
    if (layout == JsonLayout::kArray && !element_follows(c)) continue;
    if (c != '{') fail_here("expected a document, which begins with '{'");
    return read_document(out);
  }
  if (last && layout == JsonLayout::kArray && phase != Phase::kClosed) {
    fail_here("the input ends inside the array: its closing ']' is missing");
  }
  return false;
}

bool JsonReader::State::read_document(ByteBuffer& out) {
  if (!scanner.under_way()) {
    refused = 0;
    if (read_line(out)) return true;
  }
  const auto found = scanner.scan(rest().substr(0, kMaxText + 1));
  const std::string_view text = rest().substr(0, scanner.size());
  if (found == json::DocumentScanner::Found::kMore) {
    if (text.size() > kMaxText) {
      fail(text, 0,
           fmt::format("the document that begins here is longer than {}", human_bytes(kMaxText)));
    }
    if (last) broken(text);
    return false;
  }
  if (found == json::DocumentScanner::Found::kBroken) broken(text);
  const auto ends =
      json::document_ends(rest().substr(text.size()), layout == JsonLayout::kArray, last);
  if (!ends) return scanner.reset(), false;  // once a piece of input
  if (!*ends) fail(text, text.size(), "expected nothing behind the document in its line");
  if (refused != 0 && refused != text.size()) not_by_lines();
  read_text(text, out);
  return true;
}

/// The search for the end of a line takes time proportional to the line, so it must not be repeated
/// for every document in the line.
void JsonReader::State::not_by_lines() noexcept {
  penalty = std::min(2 * penalty + 1, 1023U);
  skip_lines = penalty;
}

/// The usual file: a line is a document.
bool JsonReader::State::read_line(ByteBuffer& out) {
  if (skip_lines != 0) return --skip_lines, false;
  std::string_view text = rest().substr(0, kMaxLine);
  const size_t newline = text.find('\n');
  const bool ends = newline != text.npos || (last && text.size() == input.size() - at);
  if (!ends) return not_by_lines(), false;
  text = text.substr(0, newline);
  const size_t end = text.find_last_not_of(layout == JsonLayout::kArray ? " \t\r," : " \t\r");
  refused = end + 1;
  if (text[end] != '}') return false;
  text = text.substr(0, end + 1);
  simdjson::dom::element root;
  refusal = parse(text, root);
  if (refusal != simdjson::SUCCESS) return false;
  penalty = 0;
  write(root, text, false, out);
  return true;
}

simdjson::error_code JsonReader::State::parse(std::string_view text,
                                              simdjson::dom::element& root) noexcept {
  return parser.parse(text.data(), text.size(), false).get(root);
}

void JsonReader::State::read_text(std::string_view text, ByteBuffer& out) {
  if (refused == text.size()) return read_tolerant(text, out);
  simdjson::dom::element root;
  refusal = parse(text, root);
  refusal == simdjson::SUCCESS ? write(root, text, false, out) : read_tolerant(text, out);
}

void JsonReader::State::read_tolerant(std::string_view text, ByteBuffer& out) {
  if (form == JsonForm::kPlain) return read_plain(text, out);
  rewritten.clear();
  bool standard = true;
  try {
    standard = json::rewrite_tolerant(text, rewritten);
  } catch (const json::Mistake& mistake) {
    fail(text, mistake.offset, mistake.message);
  }
  rewritten.reserve(rewritten.size() + simdjson::SIMDJSON_PADDING);
  simdjson::dom::element root;
  if (parse(rewritten, root) != simdjson::SUCCESS) fail(text, 0, simdjson::error_message(refusal));
  write(root, text, true, out);
  if (!standard) ++tolerant;
}

/// Reports what is wrong with text that cannot be a whole document.
void JsonReader::State::broken(std::string_view text) {
  const bool line_ends = rest().substr(text.size()).starts_with('\n');  // inside a string
  rewritten.clear();
  try {
    json::rewrite_tolerant(text, rewritten);
  } catch (const json::Mistake& mistake) {
    if (mistake.offset < text.size() || line_ends) fail(text, mistake.offset, mistake.message);
  }
  const bool input_ends = text.size() == rest().size();
  const std::string where = input_ends ? "before the input ends"
                                       : fmt::format("before line {}", line + count_lines(text));
  fail(text, 0,
       fmt::format("the document that begins here is not closed {}: {}", where,
                   quoted_excerpt(text.substr(0, text.find('\n')), 40)));
}

bool JsonReader::State::pass_damaged(std::string_view reason, ByteBuffer& out) {
  const bool begun = consumed != 0 || rest().starts_with('{') || layout == JsonLayout::kArray;
  if (!begun || phase == Phase::kClosed || rest().empty()) return false;
  const bool array = layout == JsonLayout::kArray;
  const auto size = json::damaged_extent(rest(), indent, array, last);
  if (!size || *size > kMaxBsonBytes) return false;
  std::string unclosed;
  if (failed_at > *size) {  // the error is in the next document; this one is complete
    unclosed = fmt::format("line {}, column {}: the document that begins here is not closed", line,
                           offset() - line_start + 1);
    reason = unclosed;
  }
  write_damaged({reason, rest().substr(0, *size)}, out);
  scanner.reset();
  use(*size);
  phase = array ? Phase::kResumed : Phase::kLines;
  return true;
}

void JsonReader::State::write(simdjson::dom::element root, std::string_view text, bool rewrote,
                              ByteBuffer& out) {
  const size_t before = out.size();
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS)
    fail(text, 0, "expected a document, which begins with '{'");
  try {
    writer.write_document(object, out);
  } catch (const json::WrapperMistake& mistake) {
    out.truncate(before);
    const size_t where = rewrote ? 0 : json::nth_object(text, mistake.object);
    const std::string_view shown = text.substr(where, text.substr(where).find('\n'));
    fail(text, where, fmt::format("{}, found {}", mistake.message, quoted_excerpt(shown, 60)));
  }
  // simdjson reads what is too small for a double as 0, and -0 as an integer.
  const bool lost = (writer.met_zero() && json::may_hold_tiny_number(text)) ||
                    (writer.met_whole_zero() && json::may_hold_minus_zero(text));
  const bool longer =
      form == JsonForm::kPlain && (json::may_hold_long_number(text) || json::may_hold_scale(text));
  if (!rewrote && (lost || longer)) {
    out.truncate(before);
    return read_tolerant(text, out);
  }
  took(text);
}

void JsonReader::State::took(std::string_view text) noexcept {
  scanner.reset();
  use(text.size());
  if (layout == JsonLayout::kArray) phase = Phase::kAfter;
}

void JsonReader::State::read_plain(std::string_view text, ByteBuffer& out) {
  try {
    json::append_strict(text, rewritten, out);
  } catch (const json::Mistake& mistake) {
    fail(text, mistake.offset, mistake.message);
  }
  took(text);
}

JsonReader::JsonReader(JsonForm form) : state_(std::make_unique<State>(form)) {}
JsonReader::~JsonReader() = default;
JsonReader::JsonReader(JsonReader&&) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader&&) noexcept = default;

void JsonReader::feed(Bytes piece, bool last) { state_->feed(piece, last); }
void JsonReader::feed_in_place(Bytes rest) {
  state_->input = as_text(rest);
  state_->last = true;
}
bool JsonReader::next(ByteBuffer& out) { return state_->next(out); }
bool JsonReader::pass_damaged(std::string_view reason, ByteBuffer& out) {
  return state_->pass_damaged(reason, out);
}
uint64_t JsonReader::consumed() const noexcept { return state_->consumed; }
uint64_t JsonReader::line() const noexcept { return state_->consumed_line; }
uint64_t JsonReader::tolerant() const noexcept { return state_->tolerant; }
JsonLayout JsonReader::layout() const noexcept { return state_->layout; }

void JsonReader::resume(uint64_t offset, uint64_t line, JsonLayout layout) {
  state_->base = state_->consumed = state_->line_start = offset;
  state_->line = state_->consumed_line = line;
  state_->layout = layout;
  if (offset == 0) return;
  state_->phase = layout == JsonLayout::kArray ? Phase::kResumed : Phase::kLines;
}

}  // namespace lugger
