// One form for a value, whichever side it comes from.
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "plan/coercer.hpp"
#include "verify/canonical.hpp"

using namespace lugger;

namespace {

std::string form(const Value& value, CompareAs as) {
  Canonical canonical(7);
  ByteBuffer out;
  canonical.append(value, as, out);
  return std::string(out.text());
}

/// A text as a column of that type would hold it, in its canonical form.
std::string of(const char* type, std::string_view text, const CoercePolicy& policy = {}) {
  const ColumnType parsed = parse_column_type(type);
  Coercer coercer(parsed, policy);
  Arena arena;
  Value out;
  REQUIRE(coercer(Value::of(ValueType::kString, text), out, arena) == Failure::kNone);
  return form(out, {parsed.kind, parsed.is_array() ? parsed.element : Kind::kText});
}

}  // namespace

TEST_CASE("S0-61 numeric is compared by value, not by its scale") {
  CHECK(of("numeric", "1.0") == of("numeric", "1.00"));
  CHECK(of("numeric", "1200") == of("numeric", "1.2E3"));
  CHECK(of("numeric", "0") == of("numeric", "0.000"));
  CHECK(of("numeric(12,2)", "9.50") == of("numeric", "9.5"));
  CHECK(of("numeric", "10000") != of("numeric", "1"));
  CHECK(of("numeric", "0.0001") != of("numeric", "1"));
  CHECK(of("numeric", "-1") != of("numeric", "1"));
  CHECK(of("numeric", "1.00000000000000000001") != of("numeric", "1"));
  CHECK(of("numeric", "123456789.123456788") != of("numeric", "123456789.123456789"));
}

TEST_CASE("S0-61 numeric: NaN and the infinities are themselves") {
  CoercePolicy keep;
  keep.non_finite = CoercePolicy::NonFinite::kKeep;
  CHECK(of("numeric", "NaN", keep) == of("numeric", "NaN", keep));
  CHECK(of("numeric", "Infinity", keep) != of("numeric", "-Infinity", keep));
  CHECK(of("numeric", "NaN", keep) != of("numeric", "0"));
}

TEST_CASE("S0-61 floats are compared bit by bit, and NaN is NaN") {
  const CompareAs as{Kind::kFloat8, Kind::kText};
  const double quiet = std::numeric_limits<double>::quiet_NaN();
  CHECK(form(Value::of_double(quiet), as) == form(Value::of_double(-quiet), as));
  CHECK(form(Value::of_double(0.0), as) != form(Value::of_double(-0.0), as));
  CHECK(form(Value::of_double(1.0), as) !=
        form(Value::of_double(std::nextafter(1.0, 2.0)), as));
  const CompareAs single{Kind::kFloat4, Kind::kText};
  CHECK(form(Value::of_double(0.1), single) ==
        form(Value::of_double(static_cast<double>(0.1F)), single));
  CHECK(form(Value::of_double(0.1), as) !=
        form(Value::of_double(static_cast<double>(0.1F)), as));
}

TEST_CASE("S0-61 text by bytes, char(n) without trailing blanks") {
  CHECK(of("text", "a") != of("text", "A"));
  CHECK(of("text", "a ") != of("text", "a"));
  CHECK(of("text", "e\xCC\x81") != of("text", "\xC3\xA9"));
  CHECK(of("char(4)", "ab") == of("char(4)", "ab  "));
  CHECK(of("char(4)", "ab") != of("char(4)", " ab"));
}

TEST_CASE("S0-61 NULL, empty and zero are three things") {
  for (const char* type : {"text", "bytea", "jsonb", "numeric", "int4", "text[]"}) {
    const ColumnType parsed = parse_column_type(type);
    const CompareAs as{parsed.kind, parsed.is_array() ? parsed.element : Kind::kText};
    const std::string null = form(Value::null(), as);
    CHECK(null == form(Value{}, as));
    if (parsed.kind == Kind::kText) CHECK(null != of(type, ""));
    if (parsed.kind == Kind::kNumeric || parsed.kind == Kind::kInt4) CHECK(null != of(type, "0"));
  }
}

TEST_CASE("S0-61 times by instant") {
  CHECK(of("timestamptz", "2026-03-11T09:30:00+02:00") == of("timestamptz", "2026-03-11T07:30:00Z"));
  CHECK(of("timestamptz", "2026-03-11T09:30:00Z") != of("timestamptz", "2026-03-11T09:30:00.000001Z"));
  CHECK(of("date", "2026-03-11") != of("date", "2026-03-12"));
  CHECK(of("time", "09:30") != of("time", "09:30:01"));
  CHECK(of("interval", "1 day") != of("interval", "24:00:00"));
}

TEST_CASE("S0-61 two columns never run into one another") {
  Canonical canonical(7);
  ByteBuffer left, right;
  const CompareAs text{Kind::kText, Kind::kText};
  for (const std::string_view part : {"ab", "c"})
    canonical.append(Value::of(ValueType::kString, part), text, left);
  for (const std::string_view part : {"a", "bc"})
    canonical.append(Value::of(ValueType::kString, part), text, right);
  CHECK(left.text() != right.text());
}
