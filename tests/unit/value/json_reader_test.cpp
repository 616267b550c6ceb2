#include <cmath>

#include "base/error.hpp"
#include "value/support.hpp"

using namespace lugger;
using namespace lugger::test;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

/// The canonical form of one document of Extended JSON of any kind.
std::string canonical(std::string_view json) {
  const auto all = read_json(json);
  REQUIRE(all.size() == 1);
  REQUIRE(validate_bson(as_bytes(all[0])) == BsonFault::kNone);
  return as_json(all[0]);
}

std::string message_of(std::string_view json, size_t piece = 0) {
  try {
    read_json(json, piece);
  } catch (const Error& error) {
    CHECK(error.code() == Code::kParse);
    return error.message();
  }
  return "no error";
}

uint64_t tolerant_count(std::string_view json) {
  JsonReader reader;
  ByteBuffer out;
  reader.feed(as_bytes(json), true);
  while (reader.next(out)) {
  }
  return reader.tolerant();
}

}  // namespace

TEST_CASE("every form of export reads back as the dump, whatever the pieces") {
  for (const char* name : {"types", "ids", "users"}) {
    const auto dumped = documents("mongo/"s + name + ".bson");
    for (const char* form : {".canonical.json", ".canonical-array.json"}) {
      const std::string text = read_file("mongo/"s + name + form);
      for (const size_t piece : {0, 1, 7, 4096}) {
        if (piece == 1 && text.size() > 30000) continue;
        const auto read = read_json(text, piece);
        REQUIRE(read.size() == dumped.size());
        for (size_t i = 0; i < read.size(); ++i) CHECK(as_json(read[i]) == as_json(dumped[i]));
        CHECK(read == dumped);
      }
    }
  }
}

TEST_CASE("relaxed exports read back as the dump but for what relaxed loses") {
  for (const char* name : {"types", "ids", "users"}) {
    const auto dumped = documents("mongo/"s + name + ".bson");
    const auto lines = read_json(read_file("mongo/"s + name + ".relaxed.json"));
    const auto pretty = read_json(read_file("mongo/"s + name + ".relaxed-array-pretty.json"), 1000);
    REQUIRE(lines.size() == dumped.size());
    CHECK(lines == pretty);
    for (size_t i = 0; i < lines.size(); ++i) {
      CHECK(as_json(lines[i], JsonStyle::kRelaxed) == as_json(dumped[i], JsonStyle::kRelaxed));
    }
  }
}

TEST_CASE("bare numbers become the smallest type that holds them") {
  CHECK(
      canonical(R"({"a":2147483647,"b":2147483648,"c":9223372036854775807})") ==
      R"({"a":{"$numberInt":"2147483647"},"b":{"$numberLong":"2147483648"},"c":{"$numberLong":"9223372036854775807"}})");
  CHECK(canonical(R"({"c":1.0,"d":1e2})") ==
        R"({"c":{"$numberDouble":"1.0"},"d":{"$numberDouble":"100.0"}})");
}

TEST_CASE("A18: numbers that neither int64 nor a double holds keep every digit") {
  const std::string digits40(40, '7');
  for (const std::string& number :
       {"9223372036854775808"s, "-9223372036854775809"s, "18446744073709551615"s,
        "18446744073709551616"s, "9999999999999999999999999999999999"s, "1E+400"s, "-2E-400"s,
        digits40, "1"s + std::string(40, '0'), "-" + digits40,
        "0." + std::string(330, '0') + "1"}) {
    CAPTURE(number);
    const std::string text = "{\"v\":" + number + "}", nested = "{\"a\":[{\"v\":" + number + "}]}";
    CHECK(canonical(text) == canonical("{\"v\":{\"$numberDecimal\":\"" + number + "\"}}"));
    CHECK(canonical(nested).find("numberDouble") == std::string::npos);
    CHECK(tolerant_count(text) == 0);
  }
  CHECK(canonical("{\"v\":" + digits40 + "}").find(digits40) != std::string::npos);
  CHECK(canonical(R"({"v":18446744073709551615})") ==
        R"({"v":{"$numberDecimal":"18446744073709551615"}})");
  // What is a double stays one.
  CHECK(canonical(R"({"a":5e-324,"b":0.0,"c":0e-500,"d":"e-"})").find("Decimal") ==
        std::string::npos);
  CHECK_THAT(message_of(R"({"a":1e200000})"), ContainsSubstring("numeric can hold"));
}

TEST_CASE("A17: strings with escapes that JSON does not have are refused with their line") {
  for (const char* text : {R"("C:\apps")", R"("\v")", R"("\x41")", R"("\0")", R"("it\'s")",
                           R"("\U00000041")", R"('\x41')"}) {
    CAPTURE(text);
    CHECK_THAT(
        message_of("{\"a\":1}\n{\"p\":"s + text + "}"),
        ContainsSubstring("line 2, column") && ContainsSubstring("expected an escape of JSON"));
  }
}

TEST_CASE("wrappers in either key order, v2 and legacy") {
  struct Case {
    const char *in, *out;
  };
  const Case cases[] = {
      {R"({"$binary":{"subType":"4","base64":"AA=="}})",
       R"({"$binary":{"base64":"AA==","subType":"04"}})"},
      {R"({"$type":"80","$binary":"AA=="})", R"({"$binary":{"base64":"AA==","subType":"80"}})"},
      {R"({"$binary":"AA==","$type":"2"})", R"({"$binary":{"base64":"AA==","subType":"02"}})"},
      {R"({"$options":"i","$regex":"^a"})",
       R"({"$regularExpression":{"pattern":"^a","options":"i"}})"},
      {R"({"$scope":{"x":1},"$code":"f"})", R"({"$code":"f","$scope":{"x":{"$numberInt":"1"}}})"},
      {R"({"$date":1356351330501})", R"({"$date":{"$numberLong":"1356351330501"}})"},
      {R"({"$date":"2012-12-24T12:15:30.501Z"})", R"({"$date":{"$numberLong":"1356351330501"}})"},
      {R"({"$date":"2012-12-24T12:15:30.5Z"})", R"({"$date":{"$numberLong":"1356351330500"}})"},
      {R"({"$date":"2012-12-24T07:15:30-0500"})", R"({"$date":{"$numberLong":"1356351330000"}})"},
      {R"({"$date":"1969-12-31T23:59:59.999Z"})", R"({"$date":{"$numberLong":"-1"}})"},
      {R"({"$date":{"$numberLong":"-1"}})", R"({"$date":{"$numberLong":"-1"}})"},
      {R"({"$uuid":"00112233-4455-6677-8899-aabbccddeeff"})",
       R"({"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}})"},
      {R"({"$dbPointer":{"$id":{"$oid":"64f100000000000000000000"},"$ref":"c"}})",
       R"({"$dbPointer":{"$ref":"c","$id":{"$oid":"64f100000000000000000000"}}})"},
      {R"({"$numberDecimal":"-0E-8"})", R"({"$numberDecimal":"-0E-8"})"},
      {R"({"$numberDouble":"-Infinity"})", R"({"$numberDouble":"-Infinity"})"},
      // not wrappers
      {R"({"$regex":{"a":"b"}})", R"({"$regex":{"a":"b"}})"},
      {R"({"$type":"string"})", R"({"$type":"string"})"},
      {R"({"$gt":"x"})", R"({"$gt":"x"})"},
      {R"({"$ref":"c","$id":"x"})", R"({"$ref":"c","$id":"x"})"},
      {R"({"":"x","":"y"})", R"({"":"x","":"y"})"},
  };
  for (const Case& c : cases) {
    CHECK(canonical("{\"v\":"s + c.in + "}") == "{\"v\":"s + c.out + "}");
    CHECK(canonical("{\"v\":["s + c.in + "]}") == "{\"v\":["s + c.out + "]}");
  }
}

TEST_CASE("wrappers that are not what they claim are errors with a place") {
  for (const char* wrong : {R"({"$oid":"xyz"})",
                            R"({"$oid":5})",
                            R"({"$oid":"64f100000000000000000000","x":1})",
                            R"({"$numberInt":"2147483648"})",
                            R"({"$numberInt":5})",
                            R"({"$numberLong":"9223372036854775808"})",
                            R"({"$numberLong":""})",
                            R"({"$numberDouble":"1x"})",
                            R"({"$numberDouble":"inf"})",
                            R"({"$numberDecimal":"1E+200000"})",
                            R"({"$date":"yesterday"})",
                            R"({"$date":"2026-02-30T00:00:00Z"})",
                            R"({"$date":"infinity"})",
                            R"({"$date":1.5})",
                            R"({"$date":{"$numberLong":5}})",
                            R"({"$binary":"AA=="})",
                            R"({"$binary":{"base64":"A","subType":"00"}})",
                            R"({"$binary":{"base64":"","subType":"100"}})",
                            R"({"$binary":{"base64":"","subType":0}})",
                            R"({"$uuid":"0011"})",
                            R"({"$timestamp":{"t":-1,"i":1}})",
                            R"({"$timestamp":{"t":4294967296,"i":1}})",
                            R"({"$regularExpression":{"pattern":"a"}})",
                            R"({"$code":5})",
                            R"({"$code":"f","$scope":5})",
                            R"({"$minKey":2})",
                            R"({"$undefined":false})",
                            R"({"$dbPointer":{"$ref":"c","$id":"x"}})",
                            R"({"$regularExpression":{"pattern":"a\u0000","options":""}})",
                            R"({"$symbol":null})"}) {
    CAPTURE(wrong);
    const std::string message = message_of(
        "{\"ok\":{}}\n{\"date\":{\"$date\":{\"$numberLong\":\"1\"}},\n \"a\":"s + wrong + "}");
    CHECK_THAT(message, ContainsSubstring("line 3, column 6: expected"));
    CHECK_THAT(message, ContainsSubstring("found \"{"));
  }
}

TEST_CASE("layouts: lines, concatenated, pretty, array, with a byte order mark and blank lines") {
  const std::vector<std::string> three = read_json("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
  REQUIRE(three.size() == 3);
  for (const char* text :
       {"{\"a\":1}{\"a\":2}{\"a\":3}", "{\"a\":1} {\"a\":2}\r\n\r\n\t{\"a\":3}\r\n",
        "{\n  \"a\":\n 1\n}\n{\n\"a\": 2}{\"a\":3\n}",
        "\xEF\xBB\xBF{\"a\":1}\n{\"a\":2}\n{\"a\":3}", "[{\"a\":1},{\"a\":2},{\"a\":3}]",
        " [\n{\"a\":1},\n{\"a\":2},\n{\"a\":3}\n]\n",
        "\xEF\xBB\xBF\n[ {\"a\":1}\n,{\"a\":2}\n,{\"a\":3}]"}) {
    for (size_t piece : {0, 1, 2, 3, 5, 11}) CHECK(read_json(text, piece) == three);
  }
  for (const char* text : {"", "\n \n", "[]", " [ ] ", "\xEF\xBB\xBF"})
    CHECK(read_json(text).empty());
}

TEST_CASE("strings hold brackets, quotes and escapes without confusing where a document ends") {
  const std::string json = R"({"a":"}{][\"\\","b":"\\\"}","c'":"'{","d":"\ud83d\udc1f\u0000"})";
  const auto once = read_json(json);
  REQUIRE(once.size() == 1);
  CHECK(bson_field(as_bytes(once[0]), "a").text() == "}{][\"\\");
  CHECK(bson_field(as_bytes(once[0]), "d").text() == "🐟\0"sv);
  for (size_t piece = 1; piece < 9; ++piece) {
    CHECK(read_json(json + json, piece) == std::vector<std::string>{once[0], once[0]});
  }
}

TEST_CASE("positions: bytes consumed and the line a document ends in") {
  const std::string text = "\n{\"a\":1}\n\n{\n\"a\":2\n}\n  {\"a\":3}";
  JsonReader reader;
  ByteBuffer out;
  reader.feed(as_bytes(text), true);
  REQUIRE(reader.next(out));
  CHECK(reader.line() == 2);
  CHECK(reader.consumed() == 8);
  REQUIRE(reader.next(out));
  CHECK(reader.line() == 6);
  CHECK(text.substr(0, reader.consumed()).ends_with("2\n}"));
  const uint64_t consumed = reader.consumed();
  JsonReader resumed;
  resumed.resume(consumed, reader.line(), JsonLayout::kLines);
  resumed.feed(as_bytes(text).subspan(consumed), true);
  REQUIRE(resumed.next(out));
  CHECK(resumed.line() == 7);
  CHECK(resumed.consumed() == text.size());
  CHECK_FALSE(resumed.next(out));
}

TEST_CASE("text read where it lies gives the documents that pieces of it give") {
  std::string text =
      "{\"a\":1}\n{\"b\":[1,2]}\n\n{\n\"c\":{\"$oid\":\"64f1c0a2b3c4d5e6f7a8b901\"}\n}\n";
  for (int i = 0; i < 200; ++i)
    text += "{\"i\":" + std::to_string(i) + "}" + (i % 3 == 0 ? "" : "\n");
  text += "{\"long\":\"" + std::string(3 << 20, 'x') + "\"}";  // no line ends within a window
  const std::vector<std::string> pieces = read_json(text, 1000);
  const std::string padded = text + std::string(JsonReader::kPadding, '{');
  JsonReader reader;
  reader.feed_in_place(as_bytes(padded).first(text.size()));
  std::vector<std::string> whole;
  for (ByteBuffer out; reader.next(out); out.clear()) whole.emplace_back(out.text());
  CHECK(whole == pieces);
  CHECK(whole.size() == 204);
  CHECK(reader.consumed() == text.size());
}

TEST_CASE("a document that is not closed ends the text read where it lies") {
  const std::string text = "{\"a\":1}\n{\"b\":[1,2" + std::string(JsonReader::kPadding, ']');
  JsonReader reader;
  reader.feed_in_place(as_bytes(text).first(text.size() - JsonReader::kPadding));
  ByteBuffer out;
  CHECK(reader.next(out));
  CHECK_THROWS_WITH(reader.next(out), ContainsSubstring("line 2, column 1") &&
                                          ContainsSubstring("not closed before the input ends"));
}

TEST_CASE("an array is resumed between any two of its elements") {
  const std::string text = "[{\"a\":1}, {\"a\":2},\n{\"a\":3}]";
  const auto all = read_json(text);
  JsonReader reader;
  ByteBuffer out;
  reader.feed(as_bytes(text), true);
  for (size_t done = 1; done <= 3; ++done) {
    REQUIRE(reader.next(out));
    CHECK(reader.layout() == JsonLayout::kArray);
    JsonReader resumed;
    resumed.resume(reader.consumed(), reader.line(), JsonLayout::kArray);
    resumed.feed(as_bytes(text).subspan(reader.consumed()), true);
    ByteBuffer rest;
    size_t left = 0;
    while (resumed.next(rest)) ++left;
    CHECK(left == 3 - done);
  }
}

TEST_CASE("what legacy tools and the shell wrote takes the tolerant path and is counted") {
  struct Case {
    const char *in, *out;
  };
  const Case cases[] = {
      {"NaN", R"({"$numberDouble":"NaN"})"},
      {"Infinity", R"({"$numberDouble":"Infinity"})"},
      {"+Infinity", R"({"$numberDouble":"Infinity"})"},
      {"-Infinity", R"({"$numberDouble":"-Infinity"})"},
      {"undefined", R"({"$undefined":true})"},
      {R"({"$code":"\x00\a\v\x41\U0001F41F"})", R"({"$code":"\u0000\u0007\u000bA🐟"})"},
      {R"(ObjectId("64f100000000000000000000"))", R"({"$oid":"64f100000000000000000000"})"},
      {R"(ISODate("2012-12-24T12:15:30.501Z"))", R"({"$date":{"$numberLong":"1356351330501"}})"},
      {R"(new Date(5))", R"({"$date":{"$numberLong":"5"}})"},
      {"NumberLong(5)", R"({"$numberLong":"5"})"},
      {R"(NumberLong("-9223372036854775808"))", R"({"$numberLong":"-9223372036854775808"})"},
      {"NumberInt(5)", R"({"$numberInt":"5"})"},
      {R"(NumberDecimal("1.50"))", R"({"$numberDecimal":"1.50"})"},
      {"Timestamp(1, 2)", R"({"$timestamp":{"t":1,"i":2}})"},
      {R"(BinData(0,"AAEC/w=="))", R"({"$binary":{"base64":"AAEC/w==","subType":"00"}})"},
      {R"(UUID("00112233-4455-6677-8899-aabbccddeeff"))",
       R"({"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}})"},
      {"UUID('00112233445566778899aabbccddeeff')",
       R"({"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}})"},
      {"MinKey", R"({"$minKey":1})"},
      {"MaxKey()", R"({"$maxKey":1})"},
      {"'it\\'s \"x\"'", R"("it's \"x\"")"},
      {"[1, NaN]", R"([{"$numberInt":"1"},{"$numberDouble":"NaN"}])"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.in);
    const std::string text = "{\"v\":"s + c.in + ", w : null}";
    CHECK(canonical(text) == "{\"v\":"s + c.out + ",\"w\":null}");
    CHECK(tolerant_count("{\"a\":1}\n" + text + "\n{}") == 1);
    CHECK(read_json("[" + text + "," + text + "]", 3).size() == 2);
  }
  CHECK(tolerant_count("{\"a\":1}\n{\"a\":[]}") == 0);
}

TEST_CASE("broken JSON names the line, the column and what was found") {
  struct Case {
    const char *text, *message;
  };
  const Case cases[] = {
      {"{\"a\":1}\n{\"a\" 1}\n{\"a\":3}",
       "line 2, column 6: expected ':' after a field name, found \"1}\""},
      {"{\"a\":1}\n{\"a\":tru}\n{\"a\":3}", "line 2, column 6: expected a value, found \"tru}\""},
      {"{\"a\":1}\n{\"a\":1,}\n", "line 2, column 8: expected a field name"},
      {"{\"a\":1}\n{\"a\":01}\n", "line 2, column 6: expected a number"},
      {"{\"a\":1}\n{\"a\":[1}\n{\"a\":3}", "line 2, column 8: expected ',' or ']', found \"}\""},
      {"{\"a\":1}\n{\"a\":{\"b\":1}\n{\"a\":3}\n",
       "line 2, column 1: the document that begins here is not closed before line 3"},
      {"{\"a\":1}\n{\"a\":\"x}\n{\"a\":3}\n",
       "line 2, column 9: expected the string's closing quote"},
      {"{\"a\":1}}\n{\"a\":3}\n",
       "line 1, column 8: expected nothing behind the document in its line"},
      {"{\"a\":1}\nnull\n", "line 2, column 1: expected a document"},
      {"{\"a\":1}\n\n{\"a\":\n",
       "line 3, column 1: the document that begins here is not closed before the input ends"},
      {"{\"a\":\"\\q\"}", "line 1, column 7: expected an escape of JSON"},
      {"{\"a\":\"x\xFF\"}", "line 1, column 8: expected UTF-8"},
      {"{\"a\":ObjectId(\"64\")}", "expected {\"$oid\": \"24 hex digits\"}"},
      {"{\"a\":BinData(256,\"\")}", "line 1, column 14: expected a subtype from 0 to 255"},
      {"{\"a\\u0000\":1}", "expected field names without a NUL character"},
      {"[{\"a\":1} {\"a\":2}]", "line 1, column 10: expected ',' or ']' after an element"},
      {"[{\"a\":1},]", "expected a document, which begins with '{', found \"]\""},
      {"[{\"a\":1}]\nx", "line 2, column 1: expected nothing after the closing ']'"},
      {"[{\"a\":1},\n{\"a\":2}\n", "the input ends inside the array"},
      {"[{\"a\":1},\n{\"a\":2", "line 2, column 1: the document that begins here is not closed"},
      {"{\n\"a\": 1,\n\"b\": @\n}\n", "line 3, column 6: expected a value"},
      {"hello", "line 1, column 1: expected a document"},
  };
  for (const Case& c : cases) {
    for (const size_t piece : {0, 1, 5})
      CHECK_THAT(message_of(c.text, piece), ContainsSubstring(c.message));
  }
}

TEST_CASE("nesting: 200 levels are read, more and 10,000 are refused") {
  const auto nested = [](size_t levels) {
    std::string text;
    for (size_t i = 0; i < levels; ++i) text += "{\"a\":";
    text += "{\"$date\":{\"$numberLong\":\"1\"}}";
    return text + std::string(levels, '}');
  };
  const auto deepest = read_json(nested(200));
  REQUIRE(deepest.size() == 1);
  CHECK(validate_bson(as_bytes(deepest[0])) == BsonFault::kNone);
  CHECK_THAT(message_of(nested(201)), ContainsSubstring("200 levels"));
  CHECK_THAT(message_of(nested(10000)), ContainsSubstring("nested deeper"));
  CHECK_THAT(message_of("{\"a\":" + std::string(10000, '[')), ContainsSubstring("nested deeper"));
}

TEST_CASE("a document of 17 MiB is read in pieces") {
  const std::string text =
      "{\"a\":\"" + std::string(17 * 1024 * 1024, 'x') + "\",\"b\":[1,2]}\n{\"c\":1}";
  const auto read = read_json(text, 64 * 1024);
  REQUIRE(read.size() == 2);
  CHECK(bson_field(as_bytes(read[0]), "a").size == 17 * 1024 * 1024);
}

TEST_CASE("a value given as text becomes a document of one nameless field") {
  CHECK(as_json(bson_from_json("5")) == R"({"":{"$numberInt":"5"}})");
  CHECK(as_json(bson_from_json("[1]")) == R"({"":[{"$numberInt":"1"}]})");
  CHECK(as_json(bson_from_json(" {\"a\": NumberLong(1)} ")) == R"({"a":{"$numberLong":"1"}})");
  CHECK(as_json(bson_from_json(R"({"$oid":"64f100000000000000000000"})")) ==
        R"({"":{"$oid":"64f100000000000000000000"}})");
  CHECK(as_json(bson_from_json("{}")) == "{}");
  CHECK_THROWS_AS(bson_from_json("{\"a\":"), Error);
  CHECK_THROWS_AS(bson_from_json(""), Error);
}

TEST_CASE("-0 keeps its sign, as a double") {
  CHECK(canonical(R"({"a":-0,"b":[-0,0,1],"c":"-0","d":1e-0,"e":-0.0,"f":{"g":-0}})") ==
        R"({"a":{"$numberDouble":"-0.0"},"b":[{"$numberDouble":"-0.0"},{"$numberInt":"0"},)"
        R"({"$numberInt":"1"}],"c":"-0","d":{"$numberDouble":"1.0"},"e":{"$numberDouble":"-0.0"},)"
        R"("f":{"g":{"$numberDouble":"-0.0"}}})");
  CHECK(tolerant_count(R"({"a":-0})") == 0);
  CHECK(as_json(bson_from_json("[-0]")) == R"({"":[{"$numberDouble":"-0.0"}]})");
}
