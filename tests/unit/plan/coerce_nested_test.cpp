#include <cmath>

#include "plan/coerce_support.hpp"
#include "value/pgrow_reader.hpp"

using namespace lugger;
using lugger::test::Bench;

TEST_CASE("S0-35 S0-71 SQL NULL and JSON null are kept apart") {
  Bench json("jsonb");
  CHECK(json({}) == "NULL");
  CHECK(json.json("null") == "NULL");
  CHECK(json.json("\"null\"") == "\"null\"");
  CHECK(json.value().type == ValueType::kJson);
  CoercePolicy policy;
  policy.json_null = true;
  Bench keeps("jsonb", policy);
  CHECK(keeps({}) == "NULL");
  CHECK(keeps.json("null") == "null");
  CHECK(keeps.value().type == ValueType::kJson);
}

TEST_CASE("json policies reach into documents") {
  Bench json("jsonb");
  CHECK(json.json(R"({"a": [{"$numberInt": "1"}, "x"], "b": {}})") == R"({"a":[1,"x"],"b":{}})");
  CHECK(json.json(R"({"a": {"$numberDouble": "NaN"}})") == "<non_finite>");
  CHECK(json.json("\"a\\u0000b\"") == "<nul_in_text>");
  CHECK(json.json("{}") == "{}");
  CHECK(json.json("0") == "0");
  CoercePolicy policy;
  policy.non_finite = CoercePolicy::NonFinite::kNull;
  CHECK(Bench("jsonb", policy).json(R"({"a": {"$numberDouble": "NaN"}})") == R"({"a":null})");
  const std::string_view text = "{\"kept\":  1}";
  CHECK(json(Value::of(ValueType::kJson, text)) == text);
  CHECK(json(Value::of(ValueType::kDocument, std::string_view("\x05\0\0", 3))) == "<malformed>");
}

TEST_CASE("arrays are the server's binary form") {
  Bench ints("int4[]");
  CHECK(ints.json("[1, null, 2]") == "{1,NULL,2}");
  CHECK(ints.hex() ==
        "00000001"
        "00000001"
        "00000017"
        "00000003"
        "00000001"
        "0000000400000001"
        "ffffffff"
        "0000000400000002");
  CHECK(ints.json("[]") == "{}");
  CHECK(ints.hex() == "000000000000000000000017");
  CHECK(ints.json(R"([{"$undefined": true}])") == "{NULL}");
  CHECK(ints.json("null") == "NULL");
  CHECK(ints.json("[1, \"x\"]") == "<bad_element>");
  CHECK(ints.json("[[1]]") == "<bad_element>");
  CHECK(ints.json("1") == "<wrong_type>");
  CHECK(ints.text("{1}") == "<wrong_type>");
  Bench texts("text[]");
  CHECK(texts.json(R"(["a", "b c", "", "NULL", "\"", null])") ==
        R"({a,"b c","","NULL","\"",NULL})");
  std::string out;
  write_coerced_json(texts.value(), texts.coercer().type(), out);
  CHECK(out == R"(["a","b c","","NULL","\"",null])");
}

TEST_CASE("every scalar kind can be an element") {
  const auto element = [](std::string_view type, std::string_view json, uint32_t oid) {
    Bench bench(std::string(type) + "[]");
    const std::string text = bench.json("[" + std::string(json) + "]");
    INFO(type);
    REQUIRE(bench.value().type == ValueType::kPgArray);
    CHECK(PgArrayReader(bench.value().bytes()).element_oid() == oid);
    return text;
  };
  CHECK(element("bool", "true", 16) == "{true}");
  CHECK(element("int2", "1", 21) == "{1}");
  CHECK(element("int8", "5000000000", 20) == "{5000000000}");
  CHECK(element("float4", "0.1", 700) == "{0.1}");
  CHECK(element("float8", "0.1", 701) == "{0.1}");
  CHECK(element("numeric(5,2)", "9.9", 1700) == "{9.90}");
  CHECK(element("varchar(3)", "\"abc\"", 1043) == "{abc}");
  CHECK(element("char(3)", "\"abc\"", 1042) == "{abc}");
  CHECK(element("bytea", R"("\\x00ff")", 17) == R"({"\\x00ff"})");
  CHECK(element("uuid", "\"00112233-4455-6677-8899-aabbccddeeff\"", 2950) ==
        "{00112233-4455-6677-8899-aabbccddeeff}");
  CHECK(element("date", "\"2026-03-11\"", 1082) == "{2026-03-11}");
  CHECK(element("time", "\"09:30\"", 1083) == "{09:30:00}");
  CHECK(element("timestamp", "\"2026-03-11\"", 1114) == "{2026-03-11T00:00:00Z}");
  CHECK(element("timestamptz", "\"2026-03-11\"", 1184) == "{2026-03-11T00:00:00Z}");
  CHECK(element("interval", "\"1 day\"", 1186) == "{\"1 day\"}");
  CHECK(element("json", "{\"a\": 1}", 114) == R"({"{\"a\":1}"})");
  CHECK(element("jsonb", "[1, 2]", 3802) == "{\"[1,2]\"}");
  CHECK(element("bit(2)", "\"01\"", 1560) == "{01}");
}

TEST_CASE("a table's arrays pass unchanged to the same type and are converted to others") {
  const std::string int4s =
      from_hex("00000001000000000000001700000001000000010000000400000007").value();
  const Value in = Value::of(ValueType::kPgArray, int4s);
  Bench same("int4[]"), wider("int8[]"), texts("text[]"), text("text");
  same(in);
  CHECK(same.value().data == in.data);
  CHECK(wider(in) == "{7}");
  CHECK(wider.hex() ==
        "00000001000000000000001400000001000000010000000800000000"
        "00000007");
  CHECK(texts(in) == "{7}");
  CHECK(text(in) == "{7}");
}

TEST_CASE("values of a table keep their bytes in their own type") {
  const std::string numeric = from_hex(
                                  "0001000000000002"
                                  "0001")
                                  .value();
  Bench column("numeric");
  const Value in = Value::of(ValueType::kNumeric, numeric);
  CHECK(column(in) == "1.00");
  CHECK(column.value().data == in.data);
  CHECK(Bench("int4")(in) == "1");
  CHECK(Bench("text")(in) == "1.00");
  CHECK(Bench("numeric(5,1)")(in) == "1.0");
  Value single = Value::of_double(static_cast<double>(0.1F));
  single.aux = kSingle;
  CHECK(Bench("text")(single) == "0.1");
  CHECK(Bench("numeric")(single) == "0.1");
}

TEST_CASE("the table of types is what the coercers do") {
  const std::string table = types_table_markdown();
  CHECK_THAT(table, ContainsSubstring("| from \\ to | bool | int4 |"));
  for (const std::string_view row : {"| objectId |", "| uuid (subtype 3) |", "| maxKey |"})
    CHECK_THAT(table, ContainsSubstring(std::string(row)));
  const auto cell = [&](std::string_view from, int column) {
    size_t at = table.find("\n| " + std::string(from) + " |") + 2;
    REQUIRE(at != std::string::npos + 2);
    for (int i = 0; i < column; ++i) at = table.find("| ", at) + 2;
    return table.substr(at, table.find(" |", at) - at);
  };
  CHECK(cell("int64", 4) == "exact");     // numeric
  CHECK(cell("double", 2) == "checked");  // int4
  CHECK(cell("objectId", 6) == "canonical text");
  CHECK(cell("objectId", 2) == "reject");
  CHECK(cell("int32", 10) == "by policy");  // timestamptz
  CHECK(cell("null", 6) == "NULL");
}
