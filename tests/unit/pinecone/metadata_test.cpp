#include "pinecone/metadata.hpp"

#include "catch.hpp"
#include "pinecone/id_text.hpp"
#include "pinecone/index.hpp"

namespace lugger::test {
namespace {

/// The members as metadata, or the reason why they are none.
std::string members(std::string_view json, MetadataPolicy policy = {}) {
  MetadataWriter writer(policy);
  ByteBuffer out;
  const Failure failure = writer.members(
      json, [](std::string_view name) { return name == "column"; }, out);
  return failure == Failure::kNone ? std::string(out.text()) : "! " + writer.words();
}

}  // namespace

TEST_CASE("metadata has strings, numbers, booleans and lists of strings") {
  CHECK(members(R"({"a":"x\"é","b":true,"c":["1",""],"d":[]})") ==
        R"("a":"x\"é","b":true,"c":["1",""],"d":[],)");
  CHECK(members(R"({"a":null,"b":1})") == R"("b":1,)");
  CHECK(members(R"({"a":null})", {.drop_nulls = false}).starts_with("! a is null"));
  CHECK(members(R"({"a":{"b":1}})").starts_with("! a is nested"));
  CHECK(members(R"({"a":["x",1]})").starts_with("! a is nested"));
  CHECK(members(R"({"a":{"b": [1]},"c":[1, null]})", {.nested_json = true}) ==
        R"("a":"{\"b\": [1]}","c":"[1, null]",)");
  CHECK(members(R"({"$a":1})").find("$") != std::string::npos);
  CHECK(members(R"({"column":1})").find("is a column, too") != std::string::npos);
  CHECK(members("[1]").starts_with("! metadata is an object"));
}

TEST_CASE("a number that a double says otherwise is refused, or kept as text") {
  for (const std::string_view number :
       {"0", "3", "-3", "0.1", "9007199254740992", "1e300", "1.5e-7", "123456789012345"}) {
    INFO(number);
    CHECK(members(fmt::format(R"({{"n":{}}})", number)).starts_with("\"n\":"));
  }
  CHECK(members(R"({"n":3.0})") == R"("n":3,)");
  CHECK(members(R"({"n":1.50e1})") == R"("n":15,)");
  for (const std::string_view number :
       {"9007199254740993", "1152921504606846976", "0.12345678901234567890", "1e400"}) {
    INFO(number);
    const std::string json = fmt::format(R"({{"n":{}}})", number);
    CHECK(members(json).find("would be rounded") != std::string::npos);
    CHECK(members(json, {.numbers_text = true}) == fmt::format("\"n\":\"{}\",", number));
  }
}

TEST_CASE("ids are encoded and decoded, and nothing else is an id") {
  const PineconeIds plain(false), percent(true);
  const std::string text = "d\u00e9j\u00e0 100% \x01/#?";
  CHECK(percent.decoded(percent.encoded(text)) == text);
  CHECK(percent.encoded("a/b#c?d&e+f") == "a/b#c?d&e+f");
  CHECK(percent.encoded("%") == "%25");
  CHECK(plain.encoded(text) == text);
  CHECK(why_no_id(plain.encoded(text)) != "");
  CHECK(why_no_id(percent.encoded(text)) == "");
  CHECK(why_no_id("") != "");
  CHECK(why_no_id(std::string(512, 'x')) == "");
  CHECK(why_no_id(std::string(513, 'x')) != "");
}

TEST_CASE("both shapes of the control plane describe the same index") {
  const PineconeIndex before = index_from_json(
      R"({"name":"docs","dimension":3,"metric":"euclidean","host":"docs-1.svc.pinecone.io",)"
      R"("spec":{"serverless":{"cloud":"aws","region":"us-east-1"}},)"
      R"("status":{"ready":true,"state":"Ready"}})");
  const PineconeIndex now = index_from_json(
      R"({"name":"docs","host":"docs-1.svc.pinecone.io","status":{"ready":true,"state":"Ready"},)"
      R"("schema":{"fields":{"_values":{"type":"dense_vector","dimension":3,"metric":"euclidean"}}},)"
      R"("deployment":{"deployment_type":"managed"}})");
  for (const PineconeIndex& one : {before, now}) {
    CHECK(one.dimension == 3);
    CHECK(one.metric == "euclidean");
    CHECK(one.dense);
    CHECK(one.ready);
    CHECK_FALSE(one.sparse);
    CHECK_FALSE(one.documents);
    CHECK_FALSE(one.pods);
  }
  const PineconeIndex sparse = index_from_json(
      R"({"name":"s","metric":"dotproduct","vector_type":"sparse","status":{"ready":false}})");
  CHECK_FALSE(sparse.dense);
  CHECK(sparse.sparse);
  CHECK_FALSE(sparse.ready);
  CHECK(index_from_json(R"({"name":"p","dimension":3,"spec":{"pod":{"pod_type":"p1.x1"}}})").pods);
  CHECK(index_from_json(
            R"({"name":"d","schema":{"fields":{"v":{"type":"dense_vector","dimension":3}}}})")
            .documents);
}

}  // namespace lugger::test
