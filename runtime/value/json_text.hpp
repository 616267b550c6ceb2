// Strings and numbers of JSON, written into any buffer with room(), advance() and append(). Shared
// by the JSON emitters.
#pragma once
#include <bit>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "base/text.hpp"
#include "value/json_writer.hpp"

namespace lugger::json {

/// What to do with text that a json column cannot store. kEscape writes NUL as \u0000, which is
/// valid in JSON but not in PostgreSQL. kTag also refuses it: the emitter then writes the string in
/// another form.
enum class TextRule : uint8_t { kReject, kStrip, kReplace, kTag, kEscape };
struct TextRules {
  TextRule nul = TextRule::kEscape;
  TextRule utf8 = TextRule::kReplace;
};

/// High bit set in every byte that cannot stand in a JSON string as it is; exact up to the first
/// such byte.
inline uint64_t unclean_bytes(uint64_t word) noexcept {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  const uint64_t quote = word ^ (kOnes * '"');
  const uint64_t slash = word ^ (kOnes * '\\');
  const uint64_t control = (word - kOnes * 0x20) & ~word;
  return (word | control | ((quote - kOnes) & ~quote) | ((slash - kOnes) & ~slash)) & kHigh;
}

/// Length of the UTF-8 character of two to four bytes at p; 0 when it is not valid.
inline size_t utf8_length(const uint8_t* p, size_t left) noexcept {
  const auto follows = [p](size_t i) { return (p[i] & 0xC0) == 0x80; };
  if (p[0] >= 0xC2 && p[0] <= 0xDF) return left >= 2 && follows(1) ? 2 : 0;
  if (p[0] >= 0xE0 && p[0] <= 0xEF) {
    if (left < 3 || !follows(1) || !follows(2)) return 0;
    const bool overlong = p[0] == 0xE0 && p[1] < 0xA0, surrogate = p[0] == 0xED && p[1] > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (p[0] >= 0xF0 && p[0] <= 0xF4) {
    if (left < 4 || !follows(1) || !follows(2) || !follows(3)) return 0;
    const bool overlong = p[0] == 0xF0 && p[1] < 0x90, beyond = p[0] == 0xF4 && p[1] > 0x8F;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

/// Writes the escape of one ASCII byte that needs one; returns the bytes written (at most 6).
inline size_t escape_ascii(uint8_t c, uint8_t* to) noexcept {
  to[0] = '\\';
  const char letter = c == '"'    ? '"'
                      : c == '\\' ? '\\'
                      : c == '\n' ? 'n'
                      : c == '\t' ? 't'
                      : c == '\r' ? 'r'
                      : c == '\b' ? 'b'
                      : c == '\f' ? 'f'
                                  : '\0';
  if (letter != '\0') {
    to[1] = static_cast<uint8_t>(letter);
    return 2;
  }
  std::memcpy(to + 1, "u00", 3);
  to[4] = static_cast<uint8_t>('0' + (c >> 4));
  to[5] = static_cast<uint8_t>("0123456789abcdef"[c & 15]);
  return 6;
}

/// Copies clean ASCII from `from` to `to`; returns how much. `to` has room for left + 8 bytes.
inline size_t copy_clean(const uint8_t* from, size_t left, uint8_t* to) noexcept {
  size_t done = 0;
  for (; left - done >= 8; done += 8) {
    const auto word = load_le<uint64_t>(from + done);
    store_le(to + done, word);
    const uint64_t unclean = unclean_bytes(word);
    if (unclean != 0) return done + static_cast<size_t>(std::countr_zero(unclean)) / 8;
  }
  // The zero bytes after the end count as unclean too, so there is always a first unclean byte.
  const uint64_t word = load_short(from + done, left - done);
  store_le(to + done, word);
  return done + static_cast<size_t>(std::countr_zero(unclean_bytes(word))) / 8;
}

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// The byte or character at `from` that copy_clean stopped at. `taken` is what it used up.
template <typename Out>
JsonFault write_unclean(Out& out, const uint8_t* from, size_t left, TextRules rules,
                        size_t& taken) {
  taken = 1;
  const uint8_t c = *from;
  TextRule rule = TextRule::kEscape;
  if (c >= 0x80) {
    taken = utf8_length(from, left);
    if (taken != 0) return out.append(from, taken), JsonFault::kNone;
    taken = 1;
    rule = rules.utf8;
    if (rule == TextRule::kReject || rule == TextRule::kTag) return JsonFault::kUtf8;
  } else if (c == 0) {
    rule = rules.nul;
    if (rule == TextRule::kReject || rule == TextRule::kTag) return JsonFault::kNul;
  }
  if (rule == TextRule::kReplace) {
    out.append(kReplacement);
  } else if (rule == TextRule::kEscape) {
    out.advance(escape_ascii(c, out.room(6)));
  }
  return JsonFault::kNone;
}

/// Text between the quotes of a JSON string, escaped and checked in one pass over it.
template <typename Out>
JsonFault write_text(Out& out, std::string_view text, TextRules rules) {
  const auto* from = reinterpret_cast<const uint8_t*>(text.data());
  size_t left = text.size();
  while (left != 0) {
    const size_t clean = copy_clean(from, left, out.room(left + 8));
    out.advance(clean);
    from += clean;
    left -= clean;
    if (left == 0) break;
    size_t taken = 0;
    const JsonFault fault = write_unclean(out, from, left, rules, taken);
    if (fault != JsonFault::kNone) return fault;
    from += taken;
    left -= taken;
  }
  return JsonFault::kNone;
}

/// A JSON string together with the text before and after it, quotes included: `,"name":` in a
/// single call.
template <size_t Before, size_t After, typename Out>
JsonFault write_quoted(Out& out, std::string_view text, TextRules rules,
                       const char (&before)[Before], const char (&after)[After]) {
  constexpr size_t kBefore = Before - 1, kAfter = After - 1;
  uint8_t* to = out.room(kBefore + text.size() + 8 + kAfter);
  std::memcpy(to, before, kBefore);
  to += kBefore;
  const auto* from = reinterpret_cast<const uint8_t*>(text.data());
  const size_t clean = copy_clean(from, text.size(), to);
  if (clean == text.size()) {
    std::memcpy(to + clean, after, kAfter);
    out.advance(kBefore + clean + kAfter);
    return JsonFault::kNone;
  }
  out.advance(kBefore + clean);
  const JsonFault fault = write_text(out, text.substr(clean), rules);
  out.append(after, kAfter);
  return fault;
}

template <typename Out>
JsonFault write_string(Out& out, std::string_view text, TextRules rules) {
  return write_quoted(out, text, rules, "\"", "\"");
}

template <typename Out>
void write_integer(Out& out, int64_t number) {
  char* to = reinterpret_cast<char*>(out.room(24));
  out.advance(static_cast<size_t>(std::to_chars(to, to + 24, number).ptr - to));
}

/// std::to_chars, with a faster path to the same digits for numbers with at most three decimals,
/// such as most prices, rates and scores. If a decimal of up to 15 digits reads back as the number,
/// no other of this length does; so without trailing zeros it is the shortest.
template <typename Float>
char* shortest_chars(Float number, char* out32) noexcept {
  const auto as_double = static_cast<double>(number);
  const double thousandths = std::nearbyint(as_double * 1000);
  if (!std::is_same_v<Float, double> || std::abs(thousandths) >= 1e15 ||
      thousandths / 1000 != as_double || thousandths == 0)
    return std::to_chars(out32, out32 + 32, number).ptr;
  const auto digits = static_cast<uint64_t>(std::abs(thousandths));
  char* to = out32;
  if (number < 0) *to++ = '-';
  to = std::to_chars(to, out32 + 32, digits / 1000).ptr;
  auto decimals = static_cast<unsigned>(digits % 1000);
  if (decimals == 0) return to;
  *to++ = '.';
  for (unsigned place = 100; decimals != 0; place /= 10) {
    *to++ = static_cast<char>('0' + decimals / place);
    decimals %= place;
  }
  return to;
}

/// Shortest text that reads back as the same number. Finite numbers only. Whole numbers below 10^15
/// have no exponent.
template <typename Out, typename Float>
void write_shortest(Out& out, Float number) {
  if (std::abs(number) < Float{1e15} && number == std::trunc(number) &&
      !(number == 0 && std::signbit(number))) {
    return write_integer(out, static_cast<int64_t>(number));
  }
  char* to = reinterpret_cast<char*>(out.room(32));
  out.advance(static_cast<size_t>(shortest_chars(number, to) - to));
}

/// As mongoexport prints doubles: shortest digits, an exponent below 10^-4 and from 10^6 on
/// ("1E+06"), else at least one decimal.
size_t format_extended_double(double number, char* out32) noexcept;

/// 2026-03-07T00:00:00.123Z, always three decimals. False outside years 0 to 9999; then nothing is
/// written.
bool format_iso_ms(int64_t unix_ms, char* out24) noexcept;

/// A uuid's 36 characters.
void format_uuid(const uint8_t* bytes16, char* out36) noexcept;

}  // namespace lugger::json
