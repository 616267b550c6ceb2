#include "sql/sql_text.hpp"

#include "base/error.hpp"
#include "catch.hpp"

using namespace lugger;

namespace {

std::vector<std::string> statements(const std::string& sql) {
  std::vector<std::string> out;
  for (const SqlSpan& span : split_sql(sql)) out.push_back(sql.substr(span.offset, span.length));
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("statements are split without what stands around them") {
  CHECK(statements("") == Texts{});
  CHECK(statements(" -- nothing\n;;\n") == Texts{});
  CHECK(statements("select 1; /* x */ select 2 -- c\n;\n-- only\n") ==
        Texts{"select 1", "select 2"});
  CHECK(statements("select ';' , $$;$$;select 2") == Texts{"select ';' , $$;$$", "select 2"});
  CHECK(statements("select 1 -- ; \n + 1") == Texts{"select 1 -- ; \n + 1"});
}

TEST_CASE("what the grammar does not know is split by its tokens, and none is lost") {
  CHECK(statements("create table t (); bogus;") == Texts{"create table t ()", "bogus"});
  CHECK(statements("bogus ';' (a; b); x") == Texts{"bogus ';' (a; b)", "x"});
  const std::string function =
      "create function f() returns int begin atomic select case when true then 1 end; end";
  CHECK(statements(function + "; frobnicate all") == Texts{function, "frobnicate all"});
}

TEST_CASE("text that has no tokens is an error with a position") {
  try {
    split_sql("select 1;\nselect 'open");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == Code::kParse);
    CHECK(error.notes().front().first == "position");
  }
  CHECK_THROWS_AS(split_sql(std::string("select 1\0; drop table t", 22)), Error);
  CHECK_THROWS_AS(sql_tree("selec 1"), Error);
}

TEST_CASE("trees are JSON") {
  CHECK(sql_tree("alter table t add column c int").find("\"AT_AddColumn\"") != std::string::npos);
}

TEST_CASE("tokens tell names from keywords and texts") {
  const std::string sql = "SELECT userId, \"Other\", 'x', $1, 1.5 -- c\nFROM tä";
  std::string found;
  for (const SqlToken& token : sql_tokens(sql))
    found += std::string(token_kind_name(token.kind)) + " ";
  CHECK(found ==
        "keyword name other quoted other text other other other other comment keyword name ");
}

TEST_CASE("a statement of a megabyte") {
  std::string sql = "insert into t values (1)";
  for (int i = 0; i < 100000; ++i) sql += ", (1234567)";
  CHECK(split_sql(sql + "; select 1").size() == 2);
  std::string deep(50000, '(');
  CHECK_THROWS_AS(sql_tree("select " + deep), Error);
}
