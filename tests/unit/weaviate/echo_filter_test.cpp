#include "weaviate/echo_filter.hpp"

#include "catch.hpp"

namespace lugger::test {
namespace {

constexpr std::string_view kAnswer =
    R"([{"class":"Docs","id":"1","properties":{"a":"x\"}],{\"result\":1","result":{"status":"no"}},)"
    R"("result":{"errors":{"error":[{"message":"a \"b\", c}"}]},"status":"FAILED"},"vector":[1,-2e3]},)"
    R"( {"result" : {"status":"SUCCESS"}, "vectors":{"v":[[1,2],[3,4]]}}])"
    "\n";
constexpr std::string_view kResults =
    R"([{"errors":{"error":[{"message":"a \"b\", c}"}]},"status":"FAILED"}, {"status":"SUCCESS"}])";

}  // namespace

TEST_CASE("of a batch's answer the results are kept, however it is cut") {
  EchoFilter echo;
  for (size_t size = 1; size <= kAnswer.size(); size += size < 20 ? 1 : 37) {
    INFO(size);
    echo.begin();
    for (size_t at = 0; at < kAnswer.size(); at += size) echo.take(kAnswer.substr(at, size));
    CHECK(echo.whole());
    CHECK(echo.results() == kResults);
  }
}

TEST_CASE("a batch's answer that ends early is not whole") {
  for (size_t size = 0; size + 2 < kAnswer.size(); ++size) {
    INFO(size);
    EchoFilter echo;
    echo.begin();
    echo.take(kAnswer.substr(0, size));
    CHECK_FALSE(echo.whole());
  }
}

}  // namespace lugger::test
