#include "value/json_text.hpp"

#include <chrono>

namespace lugger::json {
namespace {

std::string_view non_finite_name(double number) noexcept {
  if (std::isnan(number)) return "NaN";
  return number > 0 ? "Infinity" : "-Infinity";
}

void put_digits(char* to, unsigned number, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i, number /= 10) to[i] = static_cast<char>('0' + number % 10);
}

}  // namespace

size_t format_extended_double(double number, char* out32) noexcept {
  if (!std::isfinite(number)) {
    const std::string_view name = non_finite_name(number);
    std::memcpy(out32, name.data(), name.size());
    return name.size();
  }
  char* const limit = out32 + 32;
  const double magnitude = std::abs(number);
  if (magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e6)) {
    char* end = std::to_chars(out32, limit, number, std::chars_format::fixed).ptr;
    if (std::memchr(out32, '.', static_cast<size_t>(end - out32)) == nullptr) {
      *end++ = '.';
      *end++ = '0';
    }
    return static_cast<size_t>(end - out32);
  }
  char* const end = std::to_chars(out32, limit, number, std::chars_format::scientific).ptr;
  *static_cast<char*>(std::memchr(out32, 'e', static_cast<size_t>(end - out32))) = 'E';
  return static_cast<size_t>(end - out32);
}

bool format_iso_ms(int64_t unix_ms, char* out24) noexcept {
  constexpr int64_t kYear0 = -62167219200000, kYear10000 = 253402300800000;
  if (unix_ms < kYear0 || unix_ms >= kYear10000) return false;
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds{unix_ms}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  auto ms = static_cast<unsigned>((time - day).count());
  std::memcpy(out24, "0000-00-00T00:00:00.000Z", 24);
  put_digits(out24, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put_digits(out24 + 5, static_cast<unsigned>(date.month()), 2);
  put_digits(out24 + 8, static_cast<unsigned>(date.day()), 2);
  put_digits(out24 + 20, ms % 1000, 3);
  ms /= 1000;
  put_digits(out24 + 17, ms % 60, 2);
  put_digits(out24 + 14, ms / 60 % 60, 2);
  put_digits(out24 + 11, ms / 3600, 2);
  return true;
}

void format_uuid(const uint8_t* bytes16, char* out36) noexcept {
  constexpr int kGroups[] = {4, 2, 2, 2, 6};
  for (const int size : kGroups) {
    to_hex(Bytes{bytes16, static_cast<size_t>(size)}, out36);
    bytes16 += size;
    out36 += 2 * size;
    if (size != 6) *out36++ = '-';
  }
}

}  // namespace lugger::json
