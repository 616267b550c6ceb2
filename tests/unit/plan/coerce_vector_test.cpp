#include <cmath>
#include <random>

#include "plan/coerce_support.hpp"
#include "vector/elements.hpp"

using namespace lugger;
using lugger::test::Bench;

namespace {

std::string packed(Bench& bench, std::string_view hex) {
  const std::string bytes = from_hex(hex).value();
  return bench(Value::of(ValueType::kBinary, as_bytes(bytes), kVectorBinary));
}

}  // namespace

TEST_CASE("S2-14 vectors from arrays, packed vectors and text") {
  Bench vector("vector(3)");
  CHECK(vector.json("[1, -2.0, 0.5]") == "[1,-2,0.5]");
  CHECK(vector.value().size == 12);
  CHECK(vector.json(R"([{"$numberLong": "1"}, {"$numberDecimal": "2.5"}, 0.1])") == "[1,2.5,0.1]");
  CHECK(packed(vector, "27000000803f000000c00000003f") == "[1,-2,0.5]");
  CHECK(packed(vector, "030001ff02") == "[1,-1,2]");
  CHECK(vector.text(" [1, -2,0.5 ] ") == "[1,-2,0.5]");
  CHECK(packed(vector, "1005a0") == "[1,0,1]");
}

TEST_CASE("what is no vector of the column is refused by name") {
  Bench vector("vector(3)"), any("vector");
  CHECK(vector.json("[1, 2]") == "<wrong_dimensions>");
  CHECK(vector.json("[1, 2, 3, 4]") == "<wrong_dimensions>");
  CHECK(any.json("[]") == "<wrong_dimensions>");
  CHECK(vector.json("[1, null, 3]") == "<bad_element>");
  CHECK(vector.json("[1, \"2\", 3]") == "<bad_element>");
  CHECK(vector.json(R"([1, 2, {"$numberDouble": "NaN"}])") == "<non_finite>");
  CHECK(vector.json("[1, 2, 1e39]") == "<out_of_range>");
  CHECK(vector.json("1") == "<wrong_type>");
  CHECK(vector.json("{}") == "<wrong_type>");
  for (const std::string_view text : {"[]", "[1,2,]", "1,2,3", "[1,2,3", "[1,2,3]x", "[a]", "[,1]"})
    CHECK(vector.text(text) == "<bad_value>");
  CHECK(packed(vector, "27000000803f00") == "<malformed>");
  CHECK(packed(vector, "2701") == "<malformed>");
  CHECK(packed(vector, "99000000") == "<wrong_type>");
  CHECK(packed(vector, "27") == "<malformed>");
  CHECK(packed(vector, "1005") == "<malformed>");
  CoercePolicy policy;
  policy.non_finite = CoercePolicy::NonFinite::kNull;
  CHECK(Bench("vector(3)", policy).json(R"([1, 2, {"$numberDouble": "NaN"}])") == "NULL");
}

TEST_CASE("PGVecto.rs has wider limits, and NaN") {
  Bench vector("vectors.vector(3)"), half("vectors.vecf16"), sparse("vectors.svector"),
      bits("bvector");
  CHECK(vector.json("[1, 2]") == "<wrong_dimensions>");
  CHECK(vector.json(R"([1, 2, {"$numberDouble": "NaN"}])") == "<non_finite>");
  std::string ones = "[1";
  for (int i = 1; i < 65535; ++i) ones += ",1";
  half.text(ones + "]");
  CHECK(half.value().size == 2 * 65535);
  CHECK(half.text(ones + ",1]") == "<wrong_dimensions>");
  CHECK(Bench("halfvec").text(ones + "]") == "<wrong_dimensions>");
  CHECK(sparse.text("{1:2}/1048576") == "<wrong_dimensions>");
  CHECK(sparse.text("{1:2}/1048575") == "{1:2}/1048575");
  CHECK(bits.text("101") == "101");
  CHECK(bits.text("") == "<wrong_dimensions>");
  CoercePolicy keep;
  keep.non_finite = CoercePolicy::NonFinite::kKeep;
  CHECK(Bench("vectors.vector", keep).text("[NaN,Infinity,-inf]") == "[NaN,Infinity,-Infinity]");
  CHECK(Bench("vectors.vecf16", keep).text("[nan,1]") == "[NaN,1]");
  CHECK(Bench("vectors.vector", keep).text("[1e39]") == "<out_of_range>");
  CHECK(Bench("vector", keep).text("[NaN]") == "<non_finite>");
}

TEST_CASE("many vectors are one text, whatever they come from") {
  Bench many("vector(2)[]"), halves("halfvec[]");
  const std::string_view both = R"({"[1,-0]","[0.1,3.4e+38]"})";
  CHECK(many.json("[[1, -0.0], [0.1, 3.4e38]]") == many.text(both));
  CHECK(many.text(R"({"[1.0,-0]",NULL,[2,0.50]})") == R"({"[1,-0.0]",NULL,"[2,0.5]"})");
  CHECK(many.json(R"([[1, 2], null, "[3, 4]"])") == R"({"[1,2]",NULL,"[3,4]"})");
  CHECK(many.json("[]") == "{}");
  CHECK(many.json("[[1, 1e39]]") == "<bad_element>");
  CHECK(many.json("[[1, [2]]]") == "<bad_element>");
  CHECK(halves.json("[[0.1]]") == R"({"[0.099975586]"})");
  // What has another form is the server's to read.
  CHECK(many.text(R"({{"[1,2]"},{"[3,4]"}})") == R"({{"[1,2]"},{"[3,4]"}})");
}

TEST_CASE("one bad element among many is told as it is alone") {
  const auto many = [](std::string_view odd) {
    std::string out = "[";
    for (int i = 0; i < 40; ++i) out += std::to_string(i) + ".5, ";
    return out + std::string(odd) + ", 1.5, 7]";
  };
  Bench vector("vector(43)"), half("halfvec(43)");
  CHECK(vector.json(many("-3")).ends_with("39.5,-3,1.5,7]"));
  CHECK(vector.json(many(R"({"$numberLong": "5"})")).ends_with("39.5,5,1.5,7]"));
  CHECK(half.json(many("-3")).ends_with("39.5,-3,1.5,7]"));
  for (Bench* bench : {&vector, &half}) {
    CHECK(bench->json(many("null")) == "<bad_element>");
    CHECK(bench->json(many("1e39")) == "<out_of_range>");
    CHECK(bench->json(many(R"({"$numberDouble": "-Infinity"})")) == "<non_finite>");
    CHECK(bench->json(many("1, 2")) == "<wrong_dimensions>");
  }
  Bench two("vector(2)"), small("halfvec(2)"), out("vector(2)");
  CHECK(packed(two, "27000000c07f0000807f") == "<non_finite>");
  CHECK(packed(small, "27000000804f00000000") == "<out_of_range>");
  CHECK(packed(small, "27000000804f0000c07f") == "<out_of_range>");
  CHECK(packed(small, "27000000c07f0000804f") == "<non_finite>");
  CHECK(packed(small, "2700000000800000e0bf") == "[-0.0,-1.75]");
  CHECK(out(small.value()) == "[-0.0,-1.75]");
}

TEST_CASE("halfvec rounds to the nearest float16, overflow is told") {
  Bench half("halfvec(3)");
  CHECK(half.json("[1, -2, 0.5]") == "[1,-2,0.5]");
  CHECK(half.hex() == "003c00c00038");
  CHECK(half.json("[65504, 65519.9, 1e-9]") == "[65504,65504,0]");
  CHECK(half.json("[65520, 0, 0]") == "<out_of_range>");
}

TEST_CASE("sparsevec leaves zeros out, in pgvector's bytes") {
  Bench sparse("sparsevec(5)");
  const std::string_view wanted = "00000005000000020000000000000000000000043f80000040400000";
  CHECK(sparse.json("[1, 0, 0, -0.0, 3]") == "{1:1,5:3}/5");
  CHECK(sparse.hex() == wanted);
  CHECK(sparse.json(R"({"indices": [4, 0], "values": [3, 1], "dim": 5})") == "{1:1,5:3}/5");
  CHECK(sparse.hex() == wanted);
  CHECK(sparse.json(R"({"indices": [4, 0], "values": [3, 1]})") == "{1:1,5:3}/5");
  CHECK(sparse.text("{5:3, 1:1}/5") == "{1:1,5:3}/5");
  CHECK(sparse.text("{}/5") == "{}/5");
  CHECK(sparse.json(R"({"indices": [0, 0], "values": [3, 1]})") == "<bad_element>");
  CHECK(sparse.json(R"({"indices": [5], "values": [3]})") == "<wrong_dimensions>");
  CHECK(sparse.json(R"({"indices": [1.5], "values": [3]})") == "<bad_element>");
  CHECK(sparse.json(R"({"indices": [1, 2], "values": [3]})") == "<wrong_dimensions>");
  CHECK(sparse.json(R"({"indices": [1]})") == "<wrong_type>");
  CHECK(Bench("sparsevec").json(R"({"indices": [1], "values": [2]})") == "<wrong_dimensions>");
  CHECK(sparse.json("[1, 2]") == "<wrong_dimensions>");
  for (const std::string_view text : {"{1:1}", "{1}/5", "{1:1,}/5", "{1:1}/5x", "1:1/5"})
    CHECK(sparse.text(text) == "<bad_value>");
  CHECK(sparse.text("{0:1}/5") == "<bad_element>");
  CHECK(sparse.json("[1, 0, 0, 0, 3]") == "{1:1,5:3}/5");
  CHECK(Bench("vector(5)")(sparse.value()) == "[1,0,0,0,3]");
}

TEST_CASE("bits from packed vectors, arrays and text") {
  Bench bits("bit(5)"), varying("varbit(5)");
  CHECK(bits.text("10110") == "10110");
  CHECK(bits.hex() == "00000005b0");
  CHECK(bits.json("[1, 0, true, 1.0, false]") == "10110");
  CHECK(packed(bits, "1003b7") == "10110");
  CHECK(bits.text("1011") == "<wrong_dimensions>");
  CHECK(varying.text("1011") == "1011");
  CHECK(varying.text("101101") == "<too_long>");
  CHECK(bits.text("10112") == "<bad_value>");
  CHECK(bits.json("[1, 2, 0, 0, 0]") == "<bad_element>");
  CHECK(packed(bits, "03000101") == "<wrong_type>");
}

TEST_CASE("vectors of a table pass, and become other kinds of vectors") {
  const float floats[] = {1, 0, 3};
  const Value in =
      Value::of(ValueType::kVector, Bytes(reinterpret_cast<const uint8_t*>(floats), sizeof floats));
  Bench vector("vector"), half("halfvec"), sparse("sparsevec"), array("float8[]");
  vector(in);
  CHECK(vector.value().data == in.data);
  CHECK(half(in) == "[1,0,3]");
  CHECK(sparse(in) == "{1:1,3:3}/3");
  CHECK(vector(half.value()) == "[1,0,3]");
  CHECK(vector(sparse.value()) == "[1,0,3]");
  CHECK(array(in) == "{1,0,3}");
  CHECK(Bench("text")(in) == "[1,0,3]");
}

TEST_CASE("A16: elements of vectors from text, integers and decimals are rounded once") {
  Bench vector("vector"), half("halfvec"), sparse("sparsevec(9)");
  std::mt19937_64 random(16);
  for (int i = 0; i < 20000; ++i) {
    // Digits about the middle of two floats, or anywhere.
    const auto low = std::bit_cast<float>(static_cast<uint32_t>(random() % 0x7F000000));
    const auto high = std::nextafterf(low, INFINITY);
    const double middle = (static_cast<double>(low) + static_cast<double>(high)) / 2;
    const std::string digits = fmt::format(
        "{:.{}e}", i % 2 == 0 ? middle : static_cast<double>(low), static_cast<int>(random() % 60));
    CAPTURE(digits);
    const float expected = std::strtof(digits.c_str(), nullptr);
    REQUIRE(vector.text("[" + digits + ",1]")[0] == '[');
    REQUIRE(load_le<float>(vector.value().data) == expected);
    if (expected != 0) {
      REQUIRE(sparse.text("{2:" + digits + "}/9")[0] == '{');
      REQUIRE(std::bit_cast<float>(load_be<uint32_t>(sparse.value().data + 16)) == expected);
    }
    const uint16_t rounded = half_from_float(expected);
    const bool fits = (rounded & 0x7C00) != 0x7C00;
    const std::string halved = half.text("[" + digits + "]");
    REQUIRE((fits ? halved[0] == '[' : halved == "<out_of_range>"));
    if (fits) REQUIRE(load_le<uint16_t>(half.value().data) == rounded);
    const auto integer = static_cast<int64_t>(random() >> (random() % 60)) >> 1;
    vector.json(fmt::format(R"([{{"$numberLong": "{0}"}}, {{"$numberDecimal": "{0}"}}])", integer));
    REQUIRE(load_le<float>(vector.value().data) == static_cast<float>(integer));
    REQUIRE(load_le<float>(vector.value().data + 4) == static_cast<float>(integer));
  }
  CHECK(vector.text("[1e39]") == "<out_of_range>");
  CHECK(vector.text("[-1e400]") == "<out_of_range>");
  CHECK(vector.text("[1e-60,1e-400]") == "[0,0]");
  CHECK(vector.json(R"([{"$numberDecimal": "1E39"}])") == "<out_of_range>");
  CHECK(sparse.text("{1.5:1}/9") == "<bad_value>");
}

TEST_CASE("S1-13 the one float that its shortest text loses by way of a double") {
  CHECK(static_cast<float>(7.038531e-26) != 7.038531e-26F);
  Bench vector("vector(2)");
  CHECK(vector.json("[7.038531e-26, -7.038531e-26]") == "[7.03853069e-26,-7.03853069e-26]");
  CHECK(vector.hex() == "fd43ae15fd43ae95");
  CHECK(vector.json("[7.03853069e-26, 7.0385313e-26]") == "[7.03853069e-26,7.0385313e-26]");
  CHECK(vector.hex() == "fd43ae15fe43ae15");
  CHECK(vector.text("[7.038531e-26,0]") == "[7.03853069e-26,0]");
  CHECK(Bench("float4").json("7.038531e-26") == "7.038531e-26");
}

TEST_CASE("S1-13 the sign of a zero goes in and out") {
  Bench vector("vector(2)"), half("halfvec(2)");
  CHECK(vector.json("[-0, -0.0]") == "[-0.0,-0.0]");
  CHECK(vector.hex() == "0000008000000080");
  CHECK(vector.text("[-0,-1e-60]") == "[-0.0,-0.0]");
  CHECK(half.json("[-0, 1]") == "[-0.0,1]");
}

TEST_CASE("S1-14 zeros are vectors or not by policy") {
  CoercePolicy policy;
  policy.zero = CoercePolicy::Zero::kReject;
  for (const std::string_view type : {"vector(3)", "halfvec(3)", "sparsevec(3)"}) {
    Bench kept(type), refused(type, policy);
    CHECK(kept.json("[0, 0, -0.0]") != "<zero_vector>");
    CHECK(refused.json("[0, 0, -0.0]") == "<zero_vector>");
    CHECK(refused.json("[0, 1e-7, 0]") != "<zero_vector>");
    CHECK(refused.json("null") == "NULL");
    CHECK(refused.json("[0, 0]") == "<wrong_dimensions>");
  }
}

TEST_CASE("a vector that a script made is looked through like any other") {
  const float numbers[] = {1, NAN};
  const uint16_t halves[] = {0x3C00, 0x7C00};
  Bench vector("vector(2)"), half("halfvec(2)");
  const auto bytes = [](const auto& all) {
    return Bytes(reinterpret_cast<const uint8_t*>(all), sizeof all);
  };
  CHECK(vector(Value::of(ValueType::kVector, bytes(numbers))) == "<non_finite>");
  CHECK(half(Value::of(ValueType::kHalfVector, bytes(halves))) == "<non_finite>");
}
