#include "base/options.hpp"

#include "base/error.hpp"
#include "catch.hpp"

using namespace lugger;

namespace {
constexpr OptionSpec kSpecs[] = {
    {"table", OptionSpec::Type::kText, "the table"},
    {"on_conflict", OptionSpec::Type::kChoice, "what to do", "error", "error|skip|update|newer"},
    {"pooled", OptionSpec::Type::kFlag, "through a pooler"},
    {"key", OptionSpec::Type::kList, "key columns"},
};
}

TEST_CASE("unknown, mistyped and wrong options say what to write") {
  CHECK_THROWS_WITH(Options({{"on_conflct", std::string("skip")}}).check("target", kSpecs),
                    ContainsSubstring("target has no option \"on_conflct\"") &&
                        ContainsSubstring("did you mean on_conflict?"));
  CHECK_THROWS_WITH(Options({{"on_conflict", std::string("ignore")}}).check("target", kSpecs),
                    ContainsSubstring("error, skip, update, newer"));
  CHECK_THROWS_WITH(Options({{"pooled", std::string("yes")}}).check("target", kSpecs),
                    ContainsSubstring("true or false"));
  CHECK_THROWS_WITH(Options({{"key", std::string("id")}}).check("source", {}),
                    ContainsSubstring("source has no option \"key\"; it takes none"));
  CHECK_NOTHROW(
      Options({{"key", std::string("id")}, {"table", std::string("t")}}).check("target", kSpecs));
}

TEST_CASE("one text reads as a list of one") {
  CHECK(Options({{"key", std::string("id")}}).list("key") == std::vector<std::string>{"id"});
  CHECK(Options().list("key").empty());
}

TEST_CASE("the first note of a kind stays: it was nearest to the fault") {
  Error error(Code::kCoerce, "cannot read it", "set on_error");
  error.note("document", "64f1").note("column", "age").note("document", "other");
  CHECK(std::string(error.what()) == "cannot read it (document 64f1, column age); set on_error");
}
