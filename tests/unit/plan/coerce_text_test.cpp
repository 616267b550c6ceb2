#include "plan/coerce_support.hpp"

using namespace lugger;
using lugger::test::Bench;

namespace {
std::string_view with_nul() { return {"a\0b", 3}; }
}  // namespace

TEST_CASE("S0-32 every scalar has a canonical text") {
  Bench text("text");
  CHECK(text.json(R"({"$oid": "64f1c0a1b2c3d4e5f6071829"})") == "64f1c0a1b2c3d4e5f6071829");
  CHECK(text.json(R"({"$date": {"$numberLong": "1773221400123"}})") == "2026-03-11T09:30:00.123Z");
  CHECK(text.integer(INT64_MAX) == "9223372036854775807");
  CHECK(text.number(0.1) == "0.1");
  CHECK(text.number(100.0) == "100");
  CHECK(text.json(R"({"$numberDecimal": "1.10"})") == "1.10");
  CHECK(text.json("true") == "true");
  CHECK(text.json(R"({"$binary": {"base64": "AAH/", "subType": "00"}})") == "AAH/");
  CHECK(text.json(R"({"$binary": {"base64": "ABEiM0RVZneImaq7zN3u/w==", "subType": "04"}})") ==
        "00112233-4455-6677-8899-aabbccddeeff");
  CHECK(text.json(R"({"$regularExpression": {"pattern": "^a", "options": "i"}})") == "/^a/i");
  CHECK(text.json(R"({"$symbol": "red"})") == "red");
  CHECK(text.json(R"({"$code": "return 1"})") == "return 1");
  CHECK(text.json(R"({"a": {"$numberInt": "1"}})") == R"({"a":1})");
  CHECK(text.json("[]") == "[]");
  CHECK(text.json("null") == "NULL");
}

TEST_CASE("text that needs no change is not copied") {
  Bench text("text"), bounded("varchar(4)");
  for (const std::string_view source :
       {"plain ascii text longer than eight bytes", "Zo\xC3\xAB \xE2\x98\x95"}) {
    text.text(source);
    CHECK(text.value().data == reinterpret_cast<const uint8_t*>(source.data()));
  }
  CHECK(text.arena().used() == 0);
  const std::string_view source = "abc     ";
  CHECK(bounded.text(source) == "abc ");
  CHECK(bounded.value().data == reinterpret_cast<const uint8_t*>(source.data()));
}

TEST_CASE("NUL and bytes that are not UTF-8 follow their policies, at every place") {
  CHECK(Bench("text").text(with_nul()) == "<nul_in_text>");
  CHECK(Bench("text").text("a\xFFz") == "<bad_utf8>");
  CoercePolicy policy;
  policy.nul = JsonPolicy::Text::kStrip;
  policy.utf8 = JsonPolicy::Text::kReplace;
  Bench text("text", policy);
  CHECK(text.text(with_nul()) == "ab");
  CHECK(text.text("a\xFFz") == "a\xEF\xBF\xBDz");
  for (size_t at = 0; at < 20; ++at) {
    std::string broken(20, 'x');
    broken[at] = '\0';
    CHECK(Bench("text").text(broken) == "<nul_in_text>");
    CHECK(text.text(broken) == std::string(19, 'x'));
    broken[at] = '\xC3';
    CHECK(Bench("text").text(broken) == "<bad_utf8>");
    CHECK(text.text(broken).size() == 22);
  }
}

TEST_CASE("varchar and char count characters") {
  Bench bounded("varchar(3)");
  CHECK(bounded.text("\xC3\xA4\xC3\xB6\xC3\xBC") == "\xC3\xA4\xC3\xB6\xC3\xBC");
  CHECK(bounded.text("abcd") == "<too_long>");
  CHECK(bounded.integer(1234) == "<too_long>");
  CHECK(Bench("char(2)").text("ab  ") == "ab");
  CHECK(Bench("char").text("ab") == "<too_long>");
  CoercePolicy cut;
  cut.truncate = true;
  CHECK(Bench("varchar(3)", cut).text("\xC3\xA4\xC3\xB6\xC3\xBCx") == "\xC3\xA4\xC3\xB6\xC3\xBC");
}

TEST_CASE("bytea from binary, uuid, ObjectId and hex text") {
  Bench raw("bytea");
  CHECK(raw.json(R"({"$binary": {"base64": "AAH/", "subType": "00"}})") == "\\x0001ff");
  CHECK(raw.json(R"({"$binary": {"base64": "AAH/", "subType": "02"}})") == "\\x0001ff");
  CHECK(raw.json(R"({"$oid": "64f1c0a1b2c3d4e5f6071829"})") == "\\x64f1c0a1b2c3d4e5f6071829");
  CHECK(raw.text("\\x00FF") == "\\x00ff");
  CHECK(raw.text("\\x0") == "<bad_value>");
  CHECK(raw.text("\\x0g") == "<bad_value>");
  CHECK(raw.text("AAH/") == "<bad_value>");
  CHECK(raw.integer(1) == "<wrong_type>");
}

TEST_CASE("uuid from subtype 4, text, and subtype 3 once its byte order is told") {
  const std::string_view wanted = "00112233-4455-6677-8899-aabbccddeeff";
  Bench id("uuid");
  CHECK(id.json(R"({"$binary": {"base64": "ABEiM0RVZneImaq7zN3u/w==", "subType": "04"}})") ==
        wanted);
  CHECK(id.text("{00112233-4455-6677-8899-AABBCCDDEEFF}") == wanted);
  CHECK(id.text("00112233445566778899aabbccddeeff") == wanted);
  CHECK(id.text("00112233-4455") == "<bad_value>");
  CHECK(id.json(R"({"$binary": {"base64": "AAH/", "subType": "04"}})") == "<wrong_type>");
  const auto old = [](CoercePolicy::OldUuid order, std::string_view hex) {
    CoercePolicy policy;
    policy.old_uuid = order;
    const std::string bytes = from_hex(hex).value();
    return Bench("uuid", policy)(Value::of(ValueType::kBinary, as_bytes(bytes), 3));
  };
  CHECK(old(CoercePolicy::OldUuid::kReject, "00112233445566778899aabbccddeeff") == "<wrong_type>");
  CHECK(old(CoercePolicy::OldUuid::kPython, "00112233445566778899aabbccddeeff") == wanted);
  CHECK(old(CoercePolicy::OldUuid::kJava, "7766554433221100ffeeddccbbaa9988") == wanted);
  CHECK(old(CoercePolicy::OldUuid::kCSharp, "33221100554477668899aabbccddeeff") == wanted);
}

TEST_CASE("types of the server's own get text; enum labels are checked") {
  CoercePolicy policy;
  policy.labels = {"happy", "sad"};
  Bench mood("public.mood", policy);
  CHECK(mood.text("happy") == "happy");
  CHECK(mood.value().type == ValueType::kPgText);
  CHECK(mood.text("glad") == "<not_in_enum>");
  CHECK(mood.json("null") == "NULL");
  Bench moods("public.mood[]", policy);
  CHECK(moods.json(R"(["happy", null, "sad"])") == "{happy,NULL,sad}");
  CHECK(moods.json(R"(["glad"])") == "<not_in_enum>");
  Bench others("public.thing[]");
  CHECK(others.json(R"(["a b", "", "null", "q\"\\", "x"])") == R"({"a b","","null","q\"\\",x})");
  CHECK(others.json(R"([["a"]])") == "<bad_element>");
}
