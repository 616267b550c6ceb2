#include "plan/coerce_support.hpp"
#include "value/datetime.hpp"

using namespace lugger;
using lugger::test::Bench;

namespace {
Value date(int64_t ms) { return Value::of(ValueType::kDate, ms); }
}  // namespace

TEST_CASE("S0-12 S0-70 dates are millisecond exact from the year 1 to 9999") {
  Bench column("timestamptz");
  const int64_t first = days_from_civil(1, 1, 1) * 86400000,
                last = days_from_civil(10000, 1, 1) * 86400000;
  for (int64_t ms = first; ms < last; ms += 86400000LL * 13 + 7919) {
    column(date(ms));
    REQUIRE(column.value().i64 == (ms - 946684800000) * 1000);
    REQUIRE(column.text(iso_from_unix_ms(ms)) == timestamp_text((ms - 946684800000) * 1000));
    REQUIRE(column.value().i64 == (ms - 946684800000) * 1000);
  }
  CHECK(column(date(-1)) == "1969-12-31T23:59:59.999Z");
  CHECK(column(date(days_from_civil(-43, 3, 15) * 86400000)) == "0044-03-15T00:00:00Z BC");
  CHECK(column(date(days_from_civil(12026, 3, 15) * 86400000)) == "12026-03-15T00:00:00Z");
}

TEST_CASE("S0-36 times come from dates, text, timestamps; from numbers only when told") {
  Bench column("timestamptz");
  CHECK(column.text("2026-03-11T09:30:00+02:00") == "2026-03-11T07:30:00Z");
  CHECK(column.text("not a date") == "<bad_value>");
  CHECK(column.text("11.03.26") == "<bad_value>");
  CHECK(column.json(R"({"$timestamp": {"t": 1773221400, "i": 5}})") == "2026-03-11T09:30:00Z");
  CHECK(column.json(R"({"$timestamp": {"t": 4294967295, "i": 0}})") == "2106-02-07T06:28:15Z");
  CHECK(column.json(R"({"$oid": "64f1c0a1b2c3d4e5f6071829"})") == "<wrong_type>");
  CHECK(column.integer(1773221400) == "<wrong_type>");
  CHECK(column.text("1773221400") == "<bad_value>");
  CoercePolicy policy;
  policy.epoch = CoercePolicy::Epoch::kSeconds;
  Bench seconds("timestamptz", policy);
  CHECK(seconds.integer(1773221400) == "2026-03-11T09:30:00Z");
  CHECK(seconds.number(1773221400.5) == "2026-03-11T09:30:00.500Z");
  CHECK(seconds.text("1773221400") == "2026-03-11T09:30:00Z");
  CHECK(seconds.text("2026-03-11") == "2026-03-11T00:00:00Z");
  CHECK(seconds.integer(INT64_MAX) == "<out_of_range>");
  policy.epoch = CoercePolicy::Epoch::kMilliseconds;
  CHECK(Bench("timestamptz", policy).integer(1773221400123) == "2026-03-11T09:30:00.123Z");
  policy.epoch = CoercePolicy::Epoch::kMicroseconds;
  CHECK(Bench("timestamp", policy).integer(1773221400123456) == "2026-03-11T09:30:00.123456");
}

TEST_CASE("times beyond PostgreSQL's years go by policy") {
  CHECK(Bench("timestamptz")(date(INT64_MAX)) == "<out_of_range>");
  CHECK(Bench("timestamptz")(date(INT64_MIN)) == "<out_of_range>");
  CoercePolicy policy;
  policy.out_of_range = CoercePolicy::Range::kNull;
  CHECK(Bench("timestamptz", policy)(date(INT64_MAX)) == "NULL");
  policy.out_of_range = CoercePolicy::Range::kInfinity;
  CHECK(Bench("timestamptz", policy)(date(INT64_MAX)) == "infinity");
  CHECK(Bench("timestamptz", policy)(date(INT64_MIN)) == "-infinity");
  CHECK(Bench("date", policy)(date(INT64_MIN)) == "-infinity");
  CHECK(Bench("timestamptz").text("infinity") == "infinity");
}

TEST_CASE("digits finer than a microsecond are not lost in silence") {
  CHECK(Bench("timestamptz").text("2026-03-11T09:30:00.1234567Z") == "<inexact>");
  CoercePolicy policy;
  policy.fraction = CoercePolicy::Fraction::kRound;
  CHECK(Bench("timestamptz", policy).text("2026-03-11T09:30:00.1234567Z") ==
        "2026-03-11T09:30:00.123457Z");
  policy.fraction = CoercePolicy::Fraction::kTruncate;
  CHECK(Bench("timestamptz", policy).text("2026-03-11T09:30:00.1234567Z") ==
        "2026-03-11T09:30:00.123456Z");
}

TEST_CASE("date takes midnight, other times only when told to cut") {
  Bench day("date");
  CHECK(day(date(0)) == "1970-01-01");
  CHECK(day(date(-86400000)) == "1969-12-31");
  CHECK(day(date(1)) == "<inexact>");
  CHECK(day.text("2026-03-11") == "2026-03-11");
  CHECK(day.text("2026-03-11T09:30:00Z") == "<inexact>");
  CHECK(day.text("soon") == "<bad_value>");
  CHECK(day(date(days_from_civil(500000, 1, 1) * 86400000)) == "500000-01-01");
  CoercePolicy policy;
  policy.fraction = CoercePolicy::Fraction::kTruncate;
  CHECK(Bench("date", policy)(date(-1)) == "1969-12-31");
  CHECK(Bench("date", policy).text("2026-03-11T23:59:59Z") == "2026-03-11");
}

TEST_CASE("time, interval, and values from a PostgreSQL table") {
  CHECK(Bench("time").text("09:30:15.5") == "09:30:15.500");
  CHECK(Bench("time")(date(0)) == "<wrong_type>");
  CHECK(Bench("interval").text("P1DT2H") == "1 day 02:00:00");
  CHECK(Bench("interval").integer(5) == "<wrong_type>");
  CHECK(Bench("timestamptz")(Value::of(ValueType::kDay, 1)) == "2000-01-02T00:00:00Z");
  CHECK(Bench("timestamptz")(Value::of(ValueType::kDay, INT32_MAX)) == "infinity");
  CHECK(Bench("timestamptz")(Value::of(ValueType::kDay, kMaxDay)) == "<out_of_range>");
  CHECK(Bench("date")(Value::of(ValueType::kMicros, kMicrosPerDay)) == "2000-01-02");
  CHECK(Bench("date")(Value::of(ValueType::kMicros, kInfinityMicros)) == "infinity");
  CHECK(Bench("text")(Value::of(ValueType::kMicros, 0)) == "2000-01-01T00:00:00Z");
}
