#include "sql/sql_text.hpp"

#include "base/error.hpp"
#include "catch.hpp"
#include "sql/sql_number.hpp"
#include "sql/sql_source.hpp"

using namespace lugger;

namespace {

std::vector<std::string> statements(const std::string& sql) {
  std::vector<std::string> out;
  for (const SqlStatement& one : split_sql(sql))
    out.push_back(sql.substr(one.span.offset, one.span.length));
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

TEST_CASE("c15 numbers of PostgreSQL 16 are read by an older grammar, trailing junk is not") {
  for (const std::string number :
       {"1_000", "1_0.0_1", ".5_0", "0x1F", "0X_ff", "0o17", "0b101", "1_0e1_0", "1..2", "1.5"}) {
    CHECK(number_length(number) == (number == "1..2" ? 1 : number.size()));
  }
  for (const std::string junk : {"123abc", "1__0", "1_000_", "0x", "0xG", "0b12x", "1_a", "1e"})
    CHECK(number_length(junk) == 0);
  CHECK(plain_number("1_000") == "01000");
  CHECK(plain_number("0x1F") == "0031");
  CHECK(plain_number("0o17") == "0015");
  CHECK(plain_number("0b101") == "00005");
  CHECK(plain_number("0xFFFFFFFFFFFFFFFFFF") == std::string(20, '9'));
  CHECK(sql_tree("select 1_000, 0x1F").find("\"ival\":1000") != std::string::npos);
  CHECK(statements("select 0x1F + 1_000; select '1_000', a1_0, $1") ==
        Texts{"select 0x1F + 1_000", "select '1_000', a1_0, $1"});
  CHECK_THROWS_AS(split_sql("select 123abc"), Error);
}

TEST_CASE("c13 a text is read as psql reads it: data of COPY, restrict, and no other command") {
  const std::string dump =
      "\\restrict abc\nset x = 1;\nCOPY t (a) FROM stdin;\n1\tSP;HR\nit's $$ -- down\n\\\\.\n\\.\n"
      "\nselect 1;\n\\unrestrict abc\n";
  const auto found = split_sql(dump);
  REQUIRE(found.size() == 3);
  CHECK(dump.substr(found[1].span.offset, found[1].span.length) == "COPY t (a) FROM stdin");
  REQUIRE(found[1].data);
  CHECK(dump.substr(found[1].data->offset, found[1].data->length) ==
        "1\tSP;HR\nit's $$ -- down\n\\\\.\n");
  CHECK(!found[0].data);
  CHECK(!found[2].data);
  CHECK_THROWS_AS(split_sql("select 1;\n\\connect app\n"), Error);
  CHECK_THROWS_AS(split_sql("copy t from stdin;\n1\nselect 1;"), Error);
  CHECK(split_sql("copy t from stdin").size() == 1);
}

TEST_CASE("c14 what has no tokens does not hide the rest") {
  const auto found = read_statements("truncate t;\nselect 123abc;\ntruncate u;\nselect 'open");
  REQUIRE(found.size() == 4);
  CHECK(found[0].problem.empty());
  CHECK(found[1].problem.find("trailing junk") != std::string::npos);
  CHECK(found[2].problem.empty());
  CHECK(found[3].problem.find("not closed") != std::string::npos);
}

TEST_CASE("c13 rows of constants cost the grammar nothing, others it reads") {
  const std::string sql =
      "INSERT INTO t (a, b) VALUES (1, 'x;y'), (-2, NULL), (3, set_config('a', 'b', false)),\n"
      "(4, -- down\n 'z'), (1_0, 'last') ON CONFLICT DO NOTHING; SELECT 1";
  REQUIRE(split_sql(sql).size() == 2);
  const std::string text = read_sql_source(sql).text;
  CHECK(text.size() == sql.size());
  CHECK(text.find("x;y") == std::string::npos);
  CHECK(text.find("NULL") == std::string::npos);
  CHECK(text.find("set_config") != std::string::npos);
  CHECK(text.find("'last') ON CONFLICT") != std::string::npos);
  CHECK(sql_comments(sql) == std::vector<size_t>{sql.find("--")});
  for (const std::string other : {"insert into t select * from (values (1), (2)) v",
                                  "select 1 where a in ((1), (2))", "insert into t values (1)"})
    CHECK(read_sql_source(other).text == other);
}
