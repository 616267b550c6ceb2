#include "value/json_tolerant.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/ascii.hpp"
#include "value/bson_reader.hpp"
#include "value/json_tolerant_text.hpp"
#include "value/plain_json.hpp"

namespace lugger::json {
namespace {

constexpr int kMaxDepth = kMaxBsonDepth + 4;  // an Extended JSON value is up to three objects deep

/// A call of the shell: what its one argument becomes.
struct ShellCall {
  std::string_view name, before, after;
  bool date = false;
};
constexpr ShellCall kShellCalls[] = {
    {"ObjectId", R"({"$oid":)", "}"},        {"NumberLong", R"({"$numberLong":)", "}"},
    {"NumberInt", R"({"$numberInt":)", "}"}, {"NumberDecimal", R"({"$numberDecimal":)", "}"},
    {"ISODate", R"({"$date":)", "}", true},  {"Date", R"({"$date":)", "}", true},
    {"UUID", R"({"$uuid":)", "}"},
};

struct Word {
  std::string_view name, json;
};
constexpr Word kWords[] = {
    {"true", "true"},
    {"false", "false"},
    {"null", "null"},
    {"undefined", R"({"$undefined":true})"},
    {"NaN", R"({"$numberDouble":"NaN"})"},
    {"Infinity", R"({"$numberDouble":"Infinity"})"},
    {"MinKey", R"({"$minKey":1})"},
    {"MaxKey", R"({"$maxKey":1})"},
};

bool is_word_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$';
}

class Rewriter : TolerantText {
 public:
  Rewriter(std::string_view text, JsonNumbers numbers, std::string& out)
      : TolerantText(text, out), numbers_(numbers) {}

  bool run() {
    value(0);
    skip_space();
    if (at_ != text_.size()) refuse("expected nothing more");
    return standard_;
  }

 private:
  void value(int depth) {
    skip_space();
    const char c = peek();
    if (depth > kMaxDepth) refuse("nested deeper than MongoDB allows");
    if (c == '{') return object(depth);
    if (c == '[') return array(depth);
    if (c == '"' || c == '\'') return string();
    if (is_digit(c) || c == '-' || c == '+') return number();
    if (is_word_byte(c)) return word();
    refuse("expected a value");
  }

  void object(int depth) {
    ++at_;
    out_ += '{';
    if (skip_to('}')) return;
    for (;;) {
      name();
      expect(':', "expected ':' after a field name");
      // mongoexport writes code and symbols as Go quotes text.
      go_escapes_ = out_.ends_with(R"("$code")") || out_.ends_with(R"("$symbol")");
      out_ += ':';
      value(depth + 1);
      go_escapes_ = false;
      if (skip_to('}')) return;
      expect(',', "expected ',' or '}'");
      out_ += ',';
    }
  }

  void array(int depth) {
    ++at_;
    out_ += '[';
    if (skip_to(']')) return;
    for (;;) {
      value(depth + 1);
      if (skip_to(']')) return;
      expect(',', "expected ',' or ']'");
      out_ += ',';
    }
  }

  /// The closing bracket, if it is next.
  bool skip_to(char close) {
    skip_space();
    if (peek() != close) return false;
    ++at_;
    out_ += close;
    return true;
  }

  void expect(char c, std::string_view or_else) {
    skip_space();
    if (peek() != c) refuse(or_else);
    ++at_;
  }

  void name() {
    skip_space();
    const char c = peek();
    if (c == '"' || c == '\'') return string();
    if (!is_word_byte(c) || is_digit(c)) refuse("expected a field name");
    standard_ = false;
    out_ += '"';
    out_ += take_word();
    out_ += '"';
  }

  std::string_view take_word() {
    const size_t start = at_;
    while (is_word_byte(peek())) ++at_;
    return text_.substr(start, at_ - start);
  }

  void word() {
    const size_t start = at_;
    std::string_view name = take_word();
    standard_ = standard_ && (name == "true" || name == "false" || name == "null");
    if (name == "new") {
      skip_space();
      name = take_word();
    }
    for (const ShellCall& call : kShellCalls) {
      if (call.name == name) return shell_call(call);
    }
    if (name == "Timestamp") return timestamp();
    if (name == "BinData") return bin_data();
    for (const Word& known : kWords) {
      if (known.name != name) continue;
      out_ += known.json;
      if (name == "MinKey" || name == "MaxKey") skip_empty_call();
      return;
    }
    at_ = start;
    refuse("expected a value");
  }

  void skip_empty_call() {
    const size_t start = at_;
    skip_space();
    if (peek() != '(') {
      at_ = start;
      return;
    }
    ++at_;
    expect(')', "expected ')'");
  }

  void shell_call(const ShellCall& call) {
    expect('(', "expected '('");
    skip_space();
    const bool quoted = peek() == '"' || peek() == '\'';
    const bool milliseconds = call.date && !quoted;
    out_ += milliseconds ? R"({"$date":{"$numberLong":)" : call.before;
    const size_t argument = out_.size();
    quoted ? string() : quoted_number();
    if (call.name == "UUID") hyphenate(argument);
    out_ += milliseconds ? "}}" : call.after;
    expect(')', "expected ')'");
  }

  /// "00112233445566778899aabbccddeeff", which UUID() takes too, as the hyphenated form.
  void hyphenate(size_t start) {
    if (out_.size() - start != 34) return;
    for (const size_t at : {9, 14, 19, 24}) out_.insert(start + at, 1, '-');
  }

  void quoted_number() {
    out_ += '"';
    out_ += number_token();
    out_ += '"';
  }

  void timestamp() {
    expect('(', "expected '('");
    out_ += R"({"$timestamp":{"t":)";
    number();
    expect(',', "expected ','");
    out_ += R"(,"i":)";
    number();
    out_ += "}}";
    expect(')', "expected ')'");
  }

  void bin_data() {
    expect('(', "expected '('");
    skip_space();
    const size_t start = at_;
    const std::string_view token = number_token();
    unsigned subtype = 256;
    std::from_chars(token.data(), token.data() + token.size(), subtype);
    if (subtype > 255) {
      at_ = start;
      refuse("expected a subtype from 0 to 255");
    }
    expect(',', "expected ','");
    skip_space();
    out_ += R"({"$binary":{"base64":)";
    if (peek() != '"' && peek() != '\'') refuse("expected base64 text");
    string();
    out_ += fmt::format(R"(,"subType":"{:02x}"}}}})", subtype);
    expect(')', "expected ')'");
  }

  /// A JSON number's text. Leaves at_ behind it.
  std::string_view number_token() {
    skip_space();
    const size_t start = at_;
    if (peek() == '-') ++at_;
    const size_t first = at_;
    while (is_digit(peek())) ++at_;
    if (at_ == first || (text_[first] == '0' && at_ - first > 1))
      refuse_at(start, "expected a number");
    if (peek() == '.') {
      ++at_;
      if (!is_digit(peek())) refuse_at(start, "expected a number");
      while (is_digit(peek())) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!is_digit(peek())) refuse_at(start, "expected a number");
      while (is_digit(peek())) ++at_;
    }
    if (is_word_byte(peek())) refuse_at(start, "expected a number");
    return text_.substr(start, at_ - start);
  }

  void number() {
    skip_space();
    const size_t start = at_;
    const std::string_view rest = text_.substr(at_);
    for (const std::string_view infinity : {"-Infinity", "+Infinity"}) {
      if (!rest.starts_with(infinity)) continue;
      at_ += infinity.size();
      standard_ = false;
      if (is_word_byte(peek())) refuse_at(start, "expected a number");
      out_ += infinity[0] == '-' ? R"({"$numberDouble":"-Infinity"})"
                                 : R"({"$numberDouble":"Infinity"})";
      return;
    }
    const std::string_view token = number_token();
    if (token == "-0") {
      out_ += "-0.0";
      return;
    }
    const char* const end = token.data() + token.size();
    bool fits = true;
    if (token.find_first_of(".eE") == token.npos) {
      int64_t integer = 0;
      fits = std::from_chars(token.data(), end, integer).ec == std::errc{};
    } else {
      double number = 0;
      fits = std::from_chars(token.data(), end, number).ec == std::errc{} &&
             (numbers_ == JsonNumbers::kDoubles ||
              same_number(token, number, DoubleDigits::kShortest));
    }
    out_ += fits ? std::string(token) : fmt::format(R"({{"$numberDecimal":"{}"}})", token);
  }

  JsonNumbers numbers_;
};

}  // namespace

bool rewrite_tolerant(std::string_view text, std::string& out, JsonNumbers numbers) {
  return Rewriter(text, numbers, out).run();
}

bool may_hold_tiny_number(std::string_view text) {
  static const std::string kZeros(300, '0');
  return text.find("e-") != text.npos || text.find("E-") != text.npos ||
         text.find(kZeros) != text.npos;
}

bool may_hold_minus_zero(std::string_view text) {
  for (size_t at = text.find("-0"); at != text.npos; at = text.find("-0", at + 2)) {
    const char next = at + 2 < text.size() ? text[at + 2] : ' ';
    const char before = at > 0 ? text[at - 1] : ' ';
    if (!is_digit(next) && next != '.' && before != 'e' && before != 'E') return true;
  }
  return false;
}

bool may_hold_long_number(std::string_view text) {
  constexpr size_t kAlways = 15;  // digits that a double gives back
  size_t digits = 0;
  return std::any_of(text.begin(), text.end(), [&](char c) {
    if (is_digit(c))
      ++digits;
    else if (c != '.')
      digits = 0;
    return digits > kAlways;
  });
}

}  // namespace lugger::json
