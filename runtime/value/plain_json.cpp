#include "value/plain_json.hpp"

#include <charconv>
#include <cmath>

#include "base/ascii.hpp"
#include "base/error.hpp"
#include "value/bson_writer.hpp"
#include "value/decimal.hpp"
#include "value/json_tolerant.hpp"

namespace lugger {

namespace {

constexpr int kMostLevels = 1000;

class PlainJson {
 public:
  PlainJson(std::string_view text, DoubleDigits doubles, ByteBuffer& out)
      : text_(text), doubles_(doubles), writer_(out) {}

  void whole() {
    space();
    if (peek() == '{') {
      writer_.begin_document();
      fields(1);
    } else {
      writer_.begin_document();
      value("", false, 1);
      writer_.end();
    }
    space();
    if (at_ != text_.size()) fail();
  }

 private:
  [[noreturn]] void fail() const { raise(Code::kParse, "no JSON, at byte {} of it", at_); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  void expect(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) fail();
    at_ += word.size();
  }

  void put(const std::string& name, bool indexed, const Value& value) {
    indexed ? writer_.append(value) : writer_.append(name, value);
  }

  void value(const std::string& name, bool indexed, int level) {
    if (level > kMostLevels) raise(Code::kParse, "JSON nested deeper than {} levels", kMostLevels);
    space();
    switch (peek()) {
      case '{':
        indexed ? writer_.begin_document() : writer_.begin_document(name);
        return fields(level + 1);
      case '[':
        indexed ? writer_.begin_array() : writer_.begin_array(name);
        return elements(level + 1);
      case '"': {
        const std::string text = string();
        return put(name, indexed, Value::of(ValueType::kString, text));
      }
      case 't': expect("true"); return put(name, indexed, Value::of(ValueType::kBool, 1));
      case 'f': expect("false"); return put(name, indexed, Value::of(ValueType::kBool, 0));
      case 'n': expect("null"); return put(name, indexed, Value::null());
      default: number(name, indexed);
    }
  }

  void fields(int level) {
    expect("{");
    space();
    for (bool first = true; peek() != '}'; first = false) {
      if (!first) expect(",");
      space();
      const std::string name = string();
      if (name.find('\0') != name.npos) raise(Code::kParse, "a field's name holds a NUL character");
      space();
      expect(":");
      value(name, false, level);
      space();
    }
    expect("}");
    writer_.end();
  }

  void elements(int level) {
    expect("[");
    space();
    for (bool first = true; peek() != ']'; first = false) {
      if (!first) expect(",");
      value("", true, level);
      space();
    }
    expect("]");
    writer_.end();
  }

  void number(const std::string& name, bool indexed) {
    const size_t end = std::min(text_.find_first_not_of("+-.0123456789eE", at_), text_.size());
    const std::string_view digits = text_.substr(at_, end - at_);
    if (digits.empty()) fail();
    at_ = end;
    int64_t whole = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
    const bool signed_zero = whole == 0 && digits[0] == '-';  // no integer has its sign
    if (parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() && !signed_zero) {
      const bool small = whole >= INT32_MIN && whole <= INT32_MAX;
      return put(name, indexed, Value::of(small ? ValueType::kInt32 : ValueType::kInt64, whole));
    }
    double real = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), real);
    DecimalDigits exact;
    std::array<uint8_t, 16> bson{};
    if (same_number(digits, real, doubles_) ||
        parse_decimal(digits, {}, exact) != DecimalFault::kNone)
      return put(name, indexed, Value::of_double(real));
    const bool fits = decimal_to_bson(exact, bson.data());
    put(name, indexed,
        fits ? Value::of(ValueType::kDecimal, Bytes(bson))
             : Value::of(ValueType::kNumeric, decimal_to_numeric(exact, 0, numerics_)));
  }

  std::string string() {
    expect("\"");
    std::string out;
    while (peek() != '"') {
      if (at_ >= text_.size()) fail();
      if (peek() == '\\') {
        escape(out);
      } else {
        out += text_[at_++];
      }
    }
    ++at_;
    return out;
  }

  uint32_t hex4() {
    uint32_t unit = 0;
    if (at_ + 4 > text_.size()) fail();
    const auto parsed = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, unit, 16);
    if (parsed.ptr != text_.data() + at_ + 4) fail();
    at_ += 4;
    return unit;
  }

  void escape(std::string& out) {
    constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    ++at_;
    const char kind = peek();
    ++at_;
    if (const size_t plain = kFrom.find(kind); plain != kFrom.npos) {
      out += kTo[plain];
      return;
    }
    if (kind != 'u') fail();
    uint32_t code = hex4();
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      code = 0x10000 + ((code - 0xD800) << 10) + (hex4() - 0xDC00);
    }
    if (code < 0x80) {
      out += static_cast<char>(code);
      return;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    constexpr uint8_t kLead[] = {0, 0xC0, 0xE0, 0xF0};
    out += static_cast<char>(kLead[more] | (code >> (6 * more)));
    for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
  }

  std::string_view text_;
  DoubleDigits doubles_;
  size_t at_ = 0;
  BsonWriter writer_;
  Arena numerics_{256};
};

}  // namespace

bool same_number(std::string_view digits, double real, DoubleDigits doubles) {
  DecimalDigits said, held;
  if (parse_decimal(digits, {}, said) != DecimalFault::kNone) return true;
  doubles == DoubleDigits::kExact ? decimal_from_double_exact(real, held)
                                  : decimal_from_double(real, held);
  ByteBuffer a, b;
  append_shortest(said, a);
  append_shortest(held, b);
  if (a.text() != b.text()) return false;
  // jsonb has no -0, and a decimal of a vector would lose it.
  const bool minus_zero = real == 0 && std::signbit(real);
  const bool padded = said.scale > 0 && (said.digits.empty() || said.digits.ends_with('0'));
  return doubles != DoubleDigits::kScaled || !padded || minus_zero;
}

std::string bson_from_plain_json(std::string_view json, DoubleDigits doubles) {
  ByteBuffer out;
  PlainJson(json, doubles, out).whole();
  return std::string(out.text());
}

/// Where an escape is half of a surrogate pair; npos: nowhere.
static size_t half_character(std::string_view text) {
  const auto unit = [&](size_t at) {
    uint32_t out = 0;
    if (text.substr(at, 2) != "\\u" || at + 6 > text.size()) return out;
    std::from_chars(text.data() + at + 2, text.data() + at + 6, out, 16);
    return out;
  };
  for (size_t at = text.find('\\'); at != text.npos; at = text.find('\\', at)) {
    const uint32_t first = unit(at), second = unit(at + 6);
    const bool pair = first >= 0xD800 && first < 0xDC00 && second >= 0xDC00 && second < 0xE000;
    if (!pair && first >= 0xD800 && first < 0xE000) return at;
    at += pair ? 12 : 2;
  }
  return text.npos;
}

void json::append_strict(std::string_view text, std::string& scratch, ByteBuffer& out) {
  scratch.clear();
  const bool standard = rewrite_tolerant(text, scratch);
  if (const size_t half = standard ? text.npos : half_character(text); half != text.npos)
    throw Mistake{half, "half of a character, which no text can hold"};
  if (!standard)
    throw Mistake{0, "not JSON but a form of MongoDB's tools, which style = 'plain' does not read"};
  try {
    out.append(bson_from_plain_json(text, DoubleDigits::kScaled));
  } catch (const Error& error) {
    if (error.code() != Code::kParse) throw;
    throw Mistake{0, error.message()};
  }
}

bool json::may_hold_scale(std::string_view text) {
  for (size_t at = text.find('0'); at != text.npos; at = text.find('0', at + 1)) {
    const char next = at + 1 < text.size() ? text[at + 1] : ' ';
    if (std::string_view(",]} \t\r\neE").find(next) == std::string_view::npos) continue;
    const size_t before = text.find_last_not_of("0123456789", at);
    if (before != text.npos && text[before] == '.') return true;
  }
  return false;
}

}  // namespace lugger
