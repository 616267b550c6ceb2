#include "census/text_looks.hpp"

#include "base/ascii.hpp"
#include "base/digest.hpp"
#include "value/datetime.hpp"

namespace lugger {

namespace {

constexpr size_t kLongestNumber = 64, kLongestDate = 40;

bool is_hex(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
  });
}

/// As numeric prints it: a number made of the text gives the text back.
bool is_plainly_written(std::string_view text, const DecimalDigits& value) noexcept {
  const bool zero = value.digits.find_first_not_of('0') == std::string::npos;
  if (text.front() == '-' && zero) return false;
  if (text.front() == '-') text.remove_prefix(1);
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  if (whole.empty() || (whole.size() > 1 && whole.front() == '0')) return false;
  return std::all_of(whole.begin(), whole.end(), is_digit) &&
         std::all_of(fraction.begin(), fraction.end(), is_digit) &&
         static_cast<int64_t>(fraction.size()) == value.scale &&
         (point == text.size() || !fraction.empty());
}

/// "true" and "false" in any case; "yes", "t", "1" are left to who reads the top values.
bool is_bool(std::string_view text) noexcept {
  const auto is = [&](std::string_view word) {
    return text.size() == word.size() && std::equal(text.begin(), text.end(), word.begin(),
                                                    [](char a, char b) { return (a | 0x20) == b; });
  };
  return is("true") || is("false");
}

/// "2026-03-11..." and "+12026-..": a year, a dash, a month.
bool may_be_date(std::string_view text) noexcept {
  return text.size() >= 10 && text.size() <= kLongestDate &&
         (is_digit(text[0]) || text[0] == '+' || text[0] == '-') && text.find('-', 4) < 8;
}

}  // namespace

void TextLooks::merge(const TextLooks& other) noexcept {
  looked_at += other.looked_at, number += other.number, integer += other.integer;
  padded += other.padded;
  date += other.date, boolean += other.boolean, uuid += other.uuid;
  object_id += other.object_id, json += other.json;
  digits.merge(other.digits);
}

void TextProbe::look(std::string_view text, TextLooks& looks) {
  ++looks.looked_at;
  if (text.empty()) return;
  const char first = text.front();
  if (is_digit(first) || first == '-' || first == '+' || first == '.' || first == ' ')
    look_at_number(text, looks);
  if (may_be_date(text) && parse_timestamp(text)) ++looks.date;
  if ((text.size() == 4 || text.size() == 5) && is_bool(text)) ++looks.boolean;
  if (text.size() == 24 && is_hex(text)) ++looks.object_id;
  unsigned char uuid[16];
  if (((text.size() == 36 && text[8] == '-') || text.size() == 32) && parse_uuid(text, uuid))
    ++looks.uuid;
  if ((first == '{' && text.back() == '}') || (first == '[' && text.back() == ']'))
    looks.json += is_json(text) ? 1 : 0;
}

void TextProbe::look_at_number(std::string_view text, TextLooks& looks) {
  if (text.size() > kLongestNumber) return;
  if (parse_decimal(text, NumberFormat{}, digits_) != DecimalFault::kNone) return;
  if (digits_.kind != DecimalDigits::Kind::kFinite) return;
  ++looks.number;
  looks.integer += digits_.scale <= 0 ? 1 : 0;
  looks.padded += is_plainly_written(text, digits_) ? 0 : 1;
  looks.digits.add(static_cast<int>(digits_.digits.size()), digits_.scale);
}

bool TextProbe::is_json(std::string_view text) {
  if (text.size() > kMostJson) return false;
  simdjson::dom::element root;
  return parser_.parse(text.data(), text.size(), true).get(root) == simdjson::SUCCESS;
}

}  // namespace lugger
