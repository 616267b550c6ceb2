// Dates and times: ISO 8601 and its relatives in, PostgreSQL's integers out. Zoneless text is UTC.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lugger {

inline constexpr int64_t kPgEpochUnixMicros = 946684800000000;  // 2000-01-01 00:00:00 UTC
inline constexpr int64_t kMicrosPerDay = 86400000000;
inline constexpr int64_t kMinMicros =
    -211813488000000000;  // timestamp range of PostgreSQL: 4714-11-24 BC ..
inline constexpr int64_t kEndMicros = 9223371331200000000;  // .. 294276-12-31, exclusive
inline constexpr int64_t kMinDay = -2451545, kMaxDay = 2145031948;
inline constexpr int64_t kInfinityMicros = INT64_MAX, kMinusInfinityMicros = INT64_MIN;

/// Unix milliseconds to microseconds since 2000. nullopt: outside PostgreSQL's range.
std::optional<int64_t> micros_from_unix_ms(int64_t ms) noexcept;
std::optional<int64_t> micros_from_unix_us(int64_t us) noexcept;
/// Rounds down. nullopt for the infinities.
std::optional<int64_t> unix_ms_from_micros(int64_t micros) noexcept;

/// Digits beyond microseconds: none, or whether PostgreSQL would round them down or up.
enum class Finer : uint8_t { kNone, kDown, kUp };

/// "2026-03-11T09:30:00.123456+02:00", "2026-03-11 09:30", "2026-03-11", with "Z", "+0200", " UTC";
/// "infinity", "-infinity", "epoch"; years beyond 9999 as "+12026-..". Day and month are checked.
/// Anything else is nullopt: no guessing of "11.03.26". Digits finer than a microsecond are
/// dropped, and told in *finer when it is given.
std::optional<int64_t> parse_timestamp(std::string_view text, Finer* finer = nullptr) noexcept;
std::optional<int64_t> parse_day(
    std::string_view text) noexcept;  // days since 2000-01-01; a time of day must be midnight UTC
/// "09:30[:15[.5]]", microseconds; finer digits as above.
std::optional<int64_t> parse_time(std::string_view text, Finer* finer = nullptr) noexcept;
/// PostgreSQL's verbose form ("1 day 02:03:04.5", "3 mons") and ISO 8601 durations ("P1DT2H").
/// Writes 16 bytes of binary interval.
bool parse_interval(std::string_view text, unsigned char* out16) noexcept;

/// "2026-03-11T09:30:00.123456Z", no fraction when zero, "infinity"; years beyond 9999 with a sign,
/// BC as ISO's year 0 and below.
std::string timestamp_text(int64_t micros);
std::string day_text(int64_t days);
std::string time_text(int64_t micros);
std::string interval_text(const unsigned char* bytes16);
/// Extended JSON's form of a Unix millisecond time: 0 or 3 fraction digits.
std::string iso_from_unix_ms(int64_t ms);

/// The same texts written to `out`, which has room for kTimeChars; the length is returned.
/// The longest is an interval with all its parts at their limits: 67.
inline constexpr size_t kTimeChars = 96;
size_t timestamp_chars(int64_t micros, char* out) noexcept;
size_t day_chars(int64_t days, char* out) noexcept;
size_t time_chars(int64_t micros, char* out) noexcept;
size_t interval_chars(const unsigned char* bytes16, char* out) noexcept;
size_t iso_chars(int64_t unix_ms, char* out) noexcept;

/// Proleptic Gregorian calendar, days since 1970-01-01.
struct CivilDay {
  int64_t year;
  int month, day;
};
int64_t days_from_civil(int64_t year, int month, int day) noexcept;
CivilDay civil_from_days(int64_t unix_days) noexcept;
int days_in_month(int64_t year, int month) noexcept;

}  // namespace lugger
