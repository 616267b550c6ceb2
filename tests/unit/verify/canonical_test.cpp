// One form for a value, whichever side it comes from.
#include "verify/canonical.hpp"

#include <cmath>
#include <limits>

#include "catch.hpp"
#include "plan/coercer.hpp"
#include "postgres/encode.hpp"
#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"
#include "value/pgrow_reader.hpp"

using namespace lugger;

namespace {

std::string form(const Value& value, CompareAs as) {
  Canonical canonical(7);
  ByteBuffer out;
  canonical.append(value, as, out);
  return std::string(out.text());
}

/// Arrays are given as JSON, everything else as text.
Value source_value(const ColumnType& type, std::string_view text, std::string& holder) {
  if (!type.is_array()) return Value::of(ValueType::kString, text);
  holder = bson_from_json(text);
  return bson_field(as_bytes(holder), "");
}

/// A text as a column of that type would hold it, in its canonical form.
std::string of(const char* type, std::string_view text, const CoercePolicy& policy = {}) {
  const ColumnType parsed = parse_column_type(type);
  Coercer coercer(parsed, policy);
  Arena arena;
  Value out;
  std::string holder;
  REQUIRE(coercer(source_value(parsed, text, holder), out, arena) == Failure::kNone);
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
  CHECK(form(Value::of_double(1.0), as) != form(Value::of_double(std::nextafter(1.0, 2.0)), as));
  const CompareAs single{Kind::kFloat4, Kind::kText};
  CHECK(form(Value::of_double(0.1), single) ==
        form(Value::of_double(static_cast<double>(0.1F)), single));
  CHECK(form(Value::of_double(0.1), as) != form(Value::of_double(static_cast<double>(0.1F)), as));
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
  CHECK(of("timestamptz", "2026-03-11T09:30:00+02:00") ==
        of("timestamptz", "2026-03-11T07:30:00Z"));
  CHECK(of("timestamptz", "2026-03-11T09:30:00Z") !=
        of("timestamptz", "2026-03-11T09:30:00.000001Z"));
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

TEST_CASE("S0-61 what is written and what is read back have one form, in every type") {
  struct Case {
    const char* type;
    uint32_t oid;
    const char* text;
    const char* other;
  };
  const Case cases[] = {
      {"bool", 16, "true", "false"},
      {"int2", 21, "-7", "7"},
      {"int4", 23, "123456", "123457"},
      {"int8", 20, "9007199254740993", "9007199254740992"},
      {"float4", 700, "0.1", "0.10000001"},
      {"float8", 701, "0.1", "0.10000000000000002"},
      {"numeric", 1700, "12345.678", "12345.6780001"},
      {"text", 25, "a\xC3\xA5", "a\xC3\xA6"},
      {"varchar(9)", 1043, "abc", "abd"},
      {"char(9)", 1042, "abc", "ab"},
      {"uuid", 2950, "00112233-4455-6677-8899-aabbccddeeff",
       "00112233-4455-6677-8899-aabbccddeefe"},
      {"date", 1082, "2026-03-11", "2026-03-10"},
      {"time", 1083, "09:30:00.5", "09:30:00.500001"},
      {"timestamp", 1114, "2026-03-11T09:30:00Z", "2026-03-11T09:30:00.000001Z"},
      {"timestamptz", 1184, "2026-03-11T09:30:00Z", "2026-03-11T10:30:00Z"},
      {"interval", 1186, "1 day 02:00:00", "26:00:00"},
      {"json", 114, R"({"a":1})", R"({"a": 1})"},
      {"jsonb", 3802, R"({"a":1})", R"({"a":2})"},
      {"int4[]", 1007, "[1,2]", "[2,1]"},
      {"text[]", 1009, "[\"a\",null]", "[\"a\",\"NULL\"]"},
      {"numeric[]", 1231, "[1.0]", "[1.1]"},
      {"vector(3)", 70001, "[1,2,3]", "[1,2,3.0000002]"},
      {"halfvec(3)", 70002, "[1,2,3]", "[1,2,3.002]"},
      {"sparsevec(5)", 70003, "{1:1,5:2}/5", "{1:1,4:2}/5"},
      {"bit(5)", 1560, "10101", "10100"},
      {"varbit", 1562, "10101", "101010"},
  };
  for (const Case& one : cases) {
    INFO(one.type);
    const ColumnType type = parse_column_type(one.type);
    const CompareAs as{type.kind, type.is_array() ? type.element : Kind::kText};
    Coercer coercer(type, {});
    Arena arena;
    Value coerced, read;
    std::string holder;
    REQUIRE(coercer(source_value(type, one.text, holder), coerced, arena) == Failure::kNone);
    ByteBuffer wire;
    field_encoder(type.kind)(coerced, wire);
    REQUIRE(read_pg_field(pg_reads_as(one.oid, one.type), one.oid, wire.view().subspan(4), arena,
                          read));
    CHECK(form(read, as) == form(coerced, as));
    CHECK(form(read, as) != of(one.type, one.other));
  }
}
