#include <cmath>
#include <limits>

#include "value/support.hpp"

using namespace lugger;
using namespace lugger::test;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

std::string plain(const Value& value, JsonStyle style = JsonStyle::kPlain) {
  ByteBuffer out;
  REQUIRE(write_json(value, style, {}, out) == JsonFault::kNone);
  return std::string(out.text());
}

std::string typed(const Value& value) { return plain(value, JsonStyle::kTyped); }

Value document_value(std::string_view bson) { return Value::of(ValueType::kDocument, bson); }

JsonFault fault_of(const Value& value, const JsonPolicy& policy, std::string& written) {
  ByteBuffer out;
  out.append("kept"sv);
  const JsonFault fault = write_json(value, JsonStyle::kPlain, policy, out);
  written = out.text().substr(4);
  return fault;
}

Value text_value(std::string_view text) { return Value::of(ValueType::kString, text); }

}  // namespace

TEST_CASE("canonical rendering equals mongoexport's, byte for byte") {
  for (const char* name : {"types", "ids", "users"}) {
    const auto dumped = documents("mongo/"s + name + ".bson");
    const auto exported = lines(read_file("mongo/"s + name + ".canonical.json"));
    REQUIRE(dumped.size() == exported.size());
    for (size_t i = 0; i < dumped.size(); ++i) CHECK(as_json(dumped[i]) == exported[i]);
  }
}

TEST_CASE("relaxed rendering equals mongoexport's where dates have no shortened fraction") {
  for (const char* name : {"types", "ids", "users"}) {
    const auto dumped = documents("mongo/"s + name + ".bson");
    const auto exported = lines(read_file("mongo/"s + name + ".relaxed.json"));
    REQUIRE(dumped.size() == exported.size());
    for (size_t i = 0; i < dumped.size(); ++i) {
      CHECK(as_json(dumped[i], JsonStyle::kRelaxed) == exported[i]);
    }
  }
}

TEST_CASE("typed rendering reads back byte for byte") {
  for (const char* name : {"types", "ids", "users"}) {
    for (const std::string& document : documents("mongo/"s + name + ".bson")) {
      ByteBuffer out;
      JsonPolicy lenient;
      lenient.nul = lenient.utf8 = JsonPolicy::Text::kReplace;
      const bool nul = bson_field(as_bytes(document), "_id").text() == "string";  // holds a NUL
      REQUIRE(write_json(document_value(document), JsonStyle::kTyped, lenient, out) ==
              JsonFault::kNone);
      CAPTURE(out.text());
      if (!nul) CHECK(bson_from_json(out.text()) == document);
    }
  }
}

TEST_CASE("every recorded document renders in every style, into an arena and into a buffer alike") {
  JsonPolicy lenient;
  lenient.nul = lenient.utf8 = JsonPolicy::Text::kStrip;
  lenient.non_finite = JsonPolicy::NonFinite::kNull;
  Arena arena(64);
  for (const char* name : {"types", "ids", "users", "raw"}) {
    for (const std::string& document : documents("mongo/"s + name + ".bson")) {
      for (const JsonStyle style :
           {JsonStyle::kCanonical, JsonStyle::kRelaxed, JsonStyle::kPlain, JsonStyle::kTyped}) {
        ByteBuffer buffer;
        ArenaWriter writer(arena, 8);
        CHECK(write_json(document_value(document), style, lenient, buffer) == JsonFault::kNone);
        CHECK(write_json(document_value(document), style, lenient, writer) == JsonFault::kNone);
        CHECK(as_text(writer.finish()) == buffer.text());
        const bool beyond_double =
            style == JsonStyle::kPlain && document.find("decimal") != document.npos;
        if (!beyond_double) CHECK_NOTHROW(bson_from_json(buffer.text()));
      }
    }
  }
}

TEST_CASE("plain: numbers") {
  CHECK(plain(Value::of(ValueType::kInt32, -5)) == "-5");
  CHECK(plain(Value::of(ValueType::kInt64, INT64_MIN)) == "-9223372036854775808");
  CHECK(plain(Value::of_double(3.0)) == "3");
  CHECK(plain(Value::of_double(100000.0)) == "100000");
  CHECK(plain(Value::of_double(0.1)) == "0.1");
  CHECK(plain(Value::of_double(1e300)) == "1e+300");
  CHECK(plain(Value::of_double(5e-324)) == "5e-324");
  CHECK(plain(Value::of_double(-0.0)) == "-0");
  CHECK(plain(bson_field(as_bytes(bson_from_json(R"({"a":{"$numberDecimal":"1.500"}})")), "a")) ==
        "1.500");
}

TEST_CASE("extended doubles have the form mongoexport gives them") {
  const auto canonical = [](double number) {
    return value_json(Value::of_double(number), JsonStyle::kRelaxed);
  };
  CHECK(canonical(3) == "3.0");
  CHECK(canonical(999999) == "999999.0");
  CHECK(canonical(1000000) == "1E+06");
  CHECK(canonical(1234567.5) == "1.2345675E+06");
  CHECK(canonical(0.0001) == "0.0001");
  CHECK(canonical(0.00001) == "1E-05");
  CHECK(canonical(1.2345678921232e18) == "1.2345678921232E+18");
  CHECK(canonical(-0.0) == "-0.0");
}

TEST_CASE("plain: the types JSON does not have") {
  const auto field = [](const std::string& bson) { return plain(bson_field(as_bytes(bson), "a")); };
  CHECK(field(bson_from_json(R"({"a":{"$oid":"64f1000000000000000000Ab"}})")) ==
        "\"64f1000000000000000000ab\"");
  CHECK(field(bson_from_json(R"({"a":{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}})")) ==
        "\"00112233-4455-6677-8899-aabbccddeeff\"");
  CHECK(field(bson_from_json(R"({"a":{"$binary":{"base64":"AAEC/w==","subType":"0"}}})")) ==
        "\"AAEC/w==\"");
  CHECK(
      field(bson_from_json(R"({"a":{"$regularExpression":{"pattern":"a\"/b","options":"i"}}})")) ==
      R"("/a\"/b/i")");
  CHECK(field(bson_from_json(R"({"a":{"$timestamp":{"t":5,"i":4294967295}}})")) ==
        R"({"t":5,"i":4294967295})");
  CHECK(field(bson_from_json(R"({"a":{"$code":"f(1);"}})")) == "\"f(1);\"");
  CHECK(field(bson_from_json(R"({"a":{"$symbol":"s"}})")) == "\"s\"");
  CHECK(field(bson_from_json(R"({"a":{"$minKey":1}})")) == R"({"$minKey":1})");
  CHECK(field(bson_from_json(R"({"a":{"$undefined":true}})")) == "null");
}

TEST_CASE("plain: dates have milliseconds and Z, signs beyond four digits") {
  const auto date = [](int64_t ms) { return plain(Value::of(ValueType::kDate, ms)); };
  CHECK(date(0) == "\"1970-01-01T00:00:00.000Z\"");
  CHECK(date(1772841600123) == "\"2026-03-07T00:00:00.123Z\"");
  CHECK(date(-1) == "\"1969-12-31T23:59:59.999Z\"");
  CHECK(date(-62135596800000) == "\"0001-01-01T00:00:00.000Z\"");
  CHECK(date(253402300799999) == "\"9999-12-31T23:59:59.999Z\"");
  CHECK_THAT(date(253402300800000), ContainsSubstring("+10000-01-01T00:00:00"));
  CHECK_NOTHROW(date(INT64_MIN));
  CHECK_NOTHROW(date(INT64_MAX));
}

TEST_CASE("typed: what JSON says by itself stays bare") {
  CHECK(typed(Value::of(ValueType::kInt32, 7)) == "7");
  CHECK(typed(Value::of(ValueType::kInt64, 7)) == R"({"$numberLong":"7"})");
  CHECK(typed(Value::of(ValueType::kInt64, 1LL << 31)) == "2147483648");
  CHECK(typed(Value::of_double(0.5)) == "0.5");
  CHECK(typed(Value::of_double(2)) == R"({"$numberDouble":"2.0"})");
  CHECK(typed(Value::of_double(-0.0)) == R"({"$numberDouble":"-0.0"})");
  CHECK(typed(Value::of_double(std::nan(""))) == R"({"$numberDouble":"NaN"})");
  CHECK(typed(Value::of(ValueType::kDate, 5)) == R"({"$date":{"$numberLong":"5"}})");
  CHECK(typed(text_value("x")) == "\"x\"");
}

TEST_CASE("strings are escaped at every position of a word") {
  for (size_t size = 0; size < 20; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (const auto& [raw, escaped] : {std::pair{"\""s, "\\\""s},
                                         {"\\", "\\\\"},
                                         {"\n", "\\n"},
                                         {"\x1F", "\\u001f"},
                                         {"\x7F", "\x7F"},
                                         {" ", " "},
                                         {"é", "é"},
                                         {"日", "日"},
                                         {"🐟", "🐟"}}) {
        std::string text(size, 'x'), wanted = text;
        text.replace(at, 1, raw);
        wanted.replace(at, 1, escaped);
        CHECK(plain(text_value(text)) == '"' + wanted + '"');
      }
    }
  }
}

TEST_CASE(
    "NUL, bad UTF-8 and non-finite numbers follow the policy, and a refusal leaves nothing "
    "behind") {
  std::string written;
  JsonPolicy policy;
  const auto nul = text_value("a\0b"sv);
  const auto bad = text_value("a\xFF\xE2\x82|\xED\xA0\x80|\xC0\x80|\xF4\x90\x80\x80");
  CHECK(fault_of(nul, policy, written) == JsonFault::kNul);
  CHECK(written.empty());
  CHECK(fault_of(bad, policy, written) == JsonFault::kUtf8);
  CHECK(written.empty());
  CHECK(fault_of(Value::of_double(std::nan("")), policy, written) == JsonFault::kNonFinite);
  policy.nul = policy.utf8 = JsonPolicy::Text::kStrip;
  policy.non_finite = JsonPolicy::NonFinite::kNull;
  CHECK(fault_of(nul, policy, written) == JsonFault::kNone);
  CHECK(written == "\"ab\"");
  CHECK(fault_of(bad, policy, written) == JsonFault::kNone);
  CHECK(written == "\"a|||\"");
  CHECK(fault_of(Value::of_double(-INFINITY), policy, written) == JsonFault::kNone);
  CHECK(written == "null");
  policy.nul = policy.utf8 = JsonPolicy::Text::kReplace;
  policy.non_finite = JsonPolicy::NonFinite::kText;
  CHECK(fault_of(nul, policy, written) == JsonFault::kNone);
  CHECK(written ==
        "\"a\xEF\xBF\xBD"
        "b\"");
  CHECK(fault_of(text_value("\xFFz"), policy, written) == JsonFault::kNone);
  CHECK(written == "\"\xEF\xBF\xBDz\"");
  CHECK(fault_of(Value::of_double(-INFINITY), policy, written) == JsonFault::kNone);
  CHECK(written == "\"-Infinity\"");
  CHECK(bson_from_json(R"({"":"\u0000"})") == bson_of("", text_value("\0"sv)));
  CHECK(value_json(nul) == R"("a\u0000b")");
}

TEST_CASE("names obey the text policy too") {
  std::string written;
  CHECK(fault_of(document_value(bson_of("\xFF", Value::null())), {}, written) == JsonFault::kUtf8);
  CHECK(as_json(bson_of("a\"b", Value::null())) == R"({"a\"b":null})");
}

TEST_CASE("malformed and too deep documents are faults, and rejects still show their bytes") {
  std::string written;
  CHECK(fault_of(document_value("\7\0\0\0\x21\0\0"sv), {}, written) == JsonFault::kMalformed);
  CHECK(fault_of(document_value("\6\0\0\0\0"sv), {}, written) == JsonFault::kMalformed);
  CHECK(written.empty());
  std::string deep = "\5\0\0\0\0"s;
  for (int i = 0; i < 10000; ++i) {
    std::string outer = "\0\0\0\0\3a\0"s + deep + '\0';
    store_le(outer.data(), static_cast<int32_t>(outer.size()));
    deep = std::move(outer);
  }
  CHECK(fault_of(document_value(deep), {}, written) == JsonFault::kTooDeep);
  CHECK(as_json("\5\0\0\0\1"sv) ==
        R"({"$malformed":"0500000001","error":"a document without its final zero byte"})");
}

TEST_CASE("duplicate and empty names are written as they are") {
  const std::string json = R"({"a":1,"":2,"a":3})";
  CHECK(as_json(bson_from_json(json), JsonStyle::kRelaxed) == json);
  CHECK(as_json(bson_from_json("{}")) == "{}");
}

TEST_CASE("values that BSON does not have") {
  const float numbers[] = {0.1F, 2, -0.5F};
  const Value vector = Value::of(ValueType::kVector,
                                 Bytes(reinterpret_cast<const uint8_t*>(numbers), sizeof numbers));
  CHECK(plain(vector) == "[0.1,2,-0.5]");
  CHECK(plain(vector, JsonStyle::kRelaxed) == "[0.1,2.0,-0.5]");
  CHECK(plain(vector, JsonStyle::kTyped) == R"([0.1,{"$numberDouble":"2.0"},-0.5])");
  const uint16_t halves[] = {0x3C00, 0xC000, 0x3555, 0x0001};
  const Value half = Value::of(ValueType::kHalfVector,
                               Bytes(reinterpret_cast<const uint8_t*>(halves), sizeof halves));
  CHECK(plain(half) == "[1,-2,0.33325195,5.9604645e-08]");
  CHECK(plain(Value::of(ValueType::kJson, R"({"raw": true})")) == R"({"raw": true})");
  CHECK(plain(Value::of(ValueType::kBits, "\0\0\0\x0A\xA0\x40"sv)) == "\"1010000001\"");
  CHECK(plain(Value::of(ValueType::kPgText, "(1,2)")) == "\"(1,2)\"");
  CHECK(plain(Value::of(ValueType::kDay, 0)) == "\"2000-01-01\"");
  CHECK(plain(Value::of(ValueType::kDay, 0), JsonStyle::kCanonical) ==
        R"({"$date":{"$numberLong":"946684800000"}})");
  CHECK(plain(Value::of(ValueType::kMicros, 1), JsonStyle::kCanonical) ==
        R"({"$date":"2000-01-01T00:00:00.000001Z"})");
  CHECK(plain(Value::of(ValueType::kMicros, INT64_MAX), JsonStyle::kCanonical) == "\"infinity\"");
  const auto sparse = "\0\0\0\5\0\0\0\1\0\0\0\0\0\0\0\2\x3F\0\0\0"sv;
  CHECK(plain(Value::of(ValueType::kSparseVector, sparse)) == "\"{3:0.5}/5\"");
  const auto numeric = "\0\2\0\0\0\0\0\2\0\x0C\x13\x88"sv;  // 12.50
  CHECK(plain(Value::of(ValueType::kNumeric, numeric)) == "12.50");
  CHECK(plain(Value::of(ValueType::kNumeric, numeric), JsonStyle::kTyped) ==
        R"({"$numberDecimal":"12.50"})");
  const auto array = "\0\0\0\1\0\0\0\1\0\0\0\x17\0\0\0\2\0\0\0\1\0\0\0\4\0\0\0\7\xFF\xFF\xFF\xFF"sv;
  CHECK(plain(Value::of(ValueType::kPgArray, array)) == "[7,null]");
}
