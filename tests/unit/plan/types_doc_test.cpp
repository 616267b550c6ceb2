#include <fstream>
#include <iterator>

#include "catch.hpp"
#include "plan/coercer.hpp"
#include "test_data.hpp"

using namespace lugger;

// LUGGER_UPDATE_DOCS=1 writes the table instead of comparing it.
TEST_CASE("docs/types.md shows what the coercers do") {
  const std::string path = test_data() + "/../../docs/types.md";
  std::ifstream file(path);
  REQUIRE(file);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string begin = "<!-- types:begin -->\n", end = "<!-- types:end -->";
  const size_t from = text.find(begin), to = text.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  const std::string expected =
      text.substr(0, from) + begin + types_table_markdown() + text.substr(to);
  if (std::getenv("LUGGER_UPDATE_DOCS") != nullptr)
    std::ofstream(path) << expected;
  else
    CHECK(text == expected);
}
