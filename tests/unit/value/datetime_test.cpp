#include "value/datetime.hpp"

#include "base/text.hpp"
#include "catch.hpp"

using namespace lugger;

namespace {

std::string interval(std::string_view text) {
  unsigned char bytes[16];
  return parse_interval(text, bytes) ? interval_text(bytes) : "refused";
}

std::string timestamp(std::string_view text) {
  const auto micros = parse_timestamp(text);
  return micros ? timestamp_text(*micros) : "refused";
}

}  // namespace

TEST_CASE("every day of the years 1 to 9999 goes to text and back") {
  int64_t day = days_from_civil(1, 1, 1);
  const int64_t last = days_from_civil(9999, 12, 31);
  CivilDay expected{1, 1, 1};
  for (; day <= last; ++day) {
    const CivilDay civil = civil_from_days(day);
    if (civil.year != expected.year || civil.month != expected.month || civil.day != expected.day)
      FAIL("day " << day);
    if (days_from_civil(civil.year, civil.month, civil.day) != day) FAIL("day " << day);
    if (day % 17 == 0 || civil.day >= 28) {
      char text[kTimeChars];
      const std::string_view iso(text, day_chars(day - 10957, text));
      if (parse_day(iso) != day - 10957) FAIL(std::string(iso));
      const int64_t micros = (day - 10957) * kMicrosPerDay + day * 7919 % kMicrosPerDay;
      const std::string_view moment(text, timestamp_chars(micros, text));
      if (parse_timestamp(moment) != micros) FAIL(std::string(moment));
    }
    if (++expected.day > days_in_month(expected.year, expected.month)) {
      expected.day = 1;
      if (++expected.month > 12) expected = {expected.year + 1, 1, 1};
    }
  }
  CHECK(expected.year == 10000);
}

TEST_CASE("the usual spellings are read, zoneless text is UTC") {
  CHECK(timestamp("2026-03-11T09:30:00.123456+02:00") == "2026-03-11T07:30:00.123456Z");
  CHECK(timestamp("2026-03-11 09:30") == "2026-03-11T09:30:00Z");
  CHECK(timestamp("2026-03-11") == "2026-03-11T00:00:00Z");
  CHECK(timestamp("2026-03-11T09:30:00Z") == "2026-03-11T09:30:00Z");
  CHECK(timestamp("2026-03-11 09:30:00 UTC") == "2026-03-11T09:30:00Z");
  CHECK(timestamp("2026-03-11 09:30:00+0200") == "2026-03-11T07:30:00Z");
  CHECK(timestamp("2026-03-11 09:30:00-05") == "2026-03-11T14:30:00Z");
  CHECK(timestamp("2026-03-11 09:30:00.5") == "2026-03-11T09:30:00.500Z");
  CHECK(timestamp("+12026-01-01T00:00:00Z") == "+12026-01-01T00:00:00Z");
  CHECK(timestamp("0044-03-15 00:00:00 BC") == "-0043-03-15T00:00:00Z");
  CHECK(timestamp("-0043-03-15T00:00:00Z") == "-0043-03-15T00:00:00Z");
  CHECK(timestamp("infinity") == "infinity");
  CHECK(timestamp("-Infinity") == "-infinity");
  CHECK(timestamp("epoch") == "1970-01-01T00:00:00Z");
  CHECK(timestamp(" 2024-02-29 ") == "2024-02-29T00:00:00Z");
}

TEST_CASE("what is no date is not guessed at") {
  for (const std::string_view text : {"",
                                      "11.03.26",
                                      "03/11/2026",
                                      "2026-3-11",
                                      "2026-02-30",
                                      "2025-02-29",
                                      "2026-13-01",
                                      "2026-00-10",
                                      "2026-01-00",
                                      "2026-03-11T25:00",
                                      "2026-03-11T09:60",
                                      "2026-03-11T09:30:61",
                                      "2026-03-11T24:00:01",
                                      "2026-03-11x",
                                      "20260311",
                                      "now",
                                      "today",
                                      "2026-03-11T09:30:00+99",
                                      "1773221400",
                                      "2026-03-11T09:30:00.",
                                      "2026-03-11 09:30 PM"})
    CHECK(timestamp(text) == "refused");
  CHECK(timestamp("+294277-01-01") == "refused");
  CHECK(timestamp("-4714-01-01") == "refused");
}

TEST_CASE("digits finer than a microsecond are told") {
  Finer finer = Finer::kNone;
  CHECK(parse_timestamp("2000-01-01T00:00:00.1234567Z", &finer) == 123456);
  CHECK(finer == Finer::kUp);
  CHECK(parse_timestamp("2000-01-01T00:00:00.123456000Z", &finer) == 123456);
  CHECK(finer == Finer::kNone);
  CHECK(parse_timestamp("2000-01-01T00:00:00.123456001Z", &finer) == 123456);
  CHECK(finer == Finer::kDown);
}

TEST_CASE("unix times reach PostgreSQL's limits and no further") {
  CHECK(micros_from_unix_ms(0) == -kPgEpochUnixMicros);
  CHECK(micros_from_unix_ms(-1) == -kPgEpochUnixMicros - 1000);
  CHECK(micros_from_unix_ms(9224318016000000 - 1) == kEndMicros - 1000);
  CHECK_FALSE(micros_from_unix_ms(9224318016000000));
  CHECK(micros_from_unix_ms(-210866803200000) == kMinMicros);
  CHECK_FALSE(micros_from_unix_ms(-210866803200001));
  CHECK_FALSE(micros_from_unix_ms(INT64_MAX));
  CHECK_FALSE(micros_from_unix_ms(INT64_MIN));
  CHECK(unix_ms_from_micros(-1) == 946684799999);
  CHECK_FALSE(unix_ms_from_micros(kInfinityMicros));
  CHECK(timestamp_text(kMinMicros) == "-4713-11-24T00:00:00Z");
  CHECK(timestamp_text(kEndMicros - 1) == "+294276-12-31T23:59:59.999999Z");
  CHECK(iso_from_unix_ms(1356351330501) == "2012-12-24T12:15:30.501Z");
  CHECK(iso_from_unix_ms(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(iso_from_unix_ms(1000) == "1970-01-01T00:00:01Z");
  CHECK(iso_from_unix_ms(INT64_MIN).size() < kTimeChars);
}

TEST_CASE("days and times of day") {
  CHECK(parse_day("1970-01-01") == -10957);
  CHECK(parse_day("2000-01-02T00:00:00Z") == 1);
  CHECK(parse_day("2000-01-02T02:00:00+02:00") == 1);
  CHECK_FALSE(parse_day("2000-01-02T02:00:00Z"));
  CHECK(parse_day("+5874897-12-31") == kMaxDay);
  CHECK_FALSE(parse_day("+5874898-01-01"));
  CHECK(parse_time("09:30") == 34200000000);
  CHECK(parse_time("09:30:15.5") == 34215500000);
  CHECK(parse_time("24:00") == kMicrosPerDay);
  for (const std::string_view text : {"9:30", "24:01", "09:60", "09", "09:30Z", "0930"})
    CHECK_FALSE(parse_time(text));
  CHECK(time_text(34215500000) == "09:30:15.500");
}

TEST_CASE("the longest interval has room") {
  unsigned char bytes[16];
  store_be(bytes, INT64_MIN + 1);
  store_be(bytes + 8, INT32_MIN);
  store_be(bytes + 12, INT32_MIN + 5);
  const std::string text = interval_text(bytes);
  CHECK(text == "-178956970 years -3 mons -2147483648 days -2562047788:00:54.775807");
  CHECK(text.size() < kTimeChars);
  store_be(bytes, INT64_MIN);
  CHECK(interval_text(bytes).ends_with(" -2562047788:00:54.775808"));
}

TEST_CASE("A23: fractions of intervals go where PostgreSQL lets them go") {
  CHECK(interval("P0.5W") == "3 days 12:00:00");
  CHECK(interval("P0.33Y") == "4 mons");
  CHECK(interval("P1.5M") == "1 mon 15 days");
  CHECK(interval("1.3 months") == "1 mon 9 days");
  CHECK(interval("0.0000005 seconds") == "00:00:00");
  CHECK(interval("-0.5 days") == "-12:00:00");
  for (const std::string_view text :
       {"p1d", "P+1D", "1 day 2 days", "1 mss", "-.5 days", "00:00:61", "1.d", "P2147483648D", "5"})
    CHECK(interval(text) == "refused");
}

TEST_CASE("intervals keep months, days and time apart") {
  CHECK(interval("1 day 02:03:04.5") == "1 day 02:03:04.5");
  CHECK(interval("3 mons") == "3 mons");
  CHECK(interval("1 year 2 mons -3 days") == "1 year 2 mons -3 days");
  CHECK(interval("-1 day +02:03:00") == "-1 days +02:03:00");
  CHECK(interval("P1DT2H") == "1 day 02:00:00");
  CHECK(interval("P1Y2M3W4DT5H6M7.5S") == "1 year 2 mons 25 days 05:06:07.5");
  CHECK(interval("1.5 days") == "1 day 12:00:00");
  CHECK(interval("90 minutes") == "01:30:00");
  CHECK(interval("00:00:00") == "00:00:00");
  for (const std::string_view text :
       {"", "5", "P", "PT", "1 parsec", "1day2", "1 day 25", "P1H", "soon", "99999999999 years"})
    CHECK(interval(text) == "refused");
  unsigned char bytes[16];
  REQUIRE(parse_interval("1 year 2 days 00:00:01", bytes));
  CHECK(to_hex(Bytes(bytes, 16)) == "00000000000f4240000000020000000c");
}
