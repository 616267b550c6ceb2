#include "postgres/session.hpp"

#include <libpq-fe.h>
#include <signal.h>

#include <thread>

#include "catch.hpp"
#include "postgres/server_fixture.hpp"

using namespace lugger;

namespace {

Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no error was raised");
  throw std::logic_error("unreachable");
}

}  // namespace

TEST_CASE("a session reads rows, NULLs and counts") {
  PgSession session(test_server(), "test");
  REQUIRE(session.server_version() >= 130000);
  const PgRows rows = session.query("select $1::text as a, $2::int as b, null as c", {"x'y", "7"});
  REQUIRE(rows.size() == 1);
  CHECK(rows.names() == std::vector<std::string>{"a", "b", "c"});
  CHECK(rows.text(0, 0) == "x'y");
  CHECK(rows.text(0, 1) == "7");
  CHECK_FALSE(rows[0][2].has_value());
  CHECK(session.query("select $1::text is null", {std::nullopt}).text(0, 0) == "t");
  CHECK(session.query("create temp table t(a int); insert into t select generate_series(1, 5)")
            .affected() == 5);
  CHECK(session.query("delete from t where a > $1", {"3"}).affected() == 2);
}

TEST_CASE("a session sets UTC, ISO, UTF8 and its name") {
  PgSession session(test_server(), "worker 3");
  CHECK(session.query("show timezone").text(0, 0) == "UTC");
  CHECK(session.query("show client_encoding").text(0, 0) == "UTF8");
  CHECK(session.query("show statement_timeout").text(0, 0) == "0");
  CHECK(session.query("show application_name").text(0, 0) == "lugger worker 3");
  CHECK(session.query("select '2020-01-02 03:04:05+00'::timestamptz").text(0, 0) ==
        "2020-01-02 03:04:05+00");
}

TEST_CASE("a pooled session sets nothing outside its transactions") {
  PgSession session(test_server() + "&options=-c%20timezone%3DAsia/Tokyo", "test", true);
  CHECK(session.run("show timezone").text(0, 0) == "Asia/Tokyo");
  CHECK(session.query("show timezone").text(0, 0) == "UTC");
  session.begin();
  CHECK(session.query("show timezone").text(0, 0) == "UTC");
  session.commit();
  CHECK(session.run("show timezone").text(0, 0) == "Asia/Tokyo");
}

TEST_CASE("begin, commit and rollback share one connection with COPY") {
  PgSession session(test_server(), "test");
  session.execute("create temp table t(a int4, b text)");
  session.begin();
  CHECK(session.in_transaction());
  session.copy_in_start("copy t from stdin (format csv)");
  session.copy_in_put(as_bytes("1,one\n2,two\n"));
  CHECK(session.copy_in_end() == 2);
  session.query("insert into t values ($1, $2)", {"3", "three"});
  session.rollback();
  CHECK_FALSE(session.in_transaction());
  CHECK(session.query("select count(*) from t").text(0, 0) == "0");
  session.begin();
  CHECK_THROWS_AS(session.execute("select 1/0"), Error);
  CHECK_THROWS_AS(session.commit(), Error);
  CHECK_FALSE(session.in_transaction());
}

TEST_CASE("errors carry SQLSTATE, words and advice") {
  PgSession session(test_server(), "test");
  const Error missing = error_of([&] { session.query("select * from nowhere"); });
  CHECK(missing.sqlstate() == "42P01");
  CHECK(missing.code() == Code::kConfig);
  CHECK_THAT(missing.what(), ContainsSubstring("relation \"nowhere\" does not exist"));
  CHECK_THAT(missing.hint(), ContainsSubstring("--create"));
  session.execute("create temp table t(a int constraint a_key unique)");
  const Error twice = error_of([&] { session.query("insert into t values ($1), ($1)", {"4"}); });
  CHECK(twice.sqlstate() == "23505");
  CHECK(twice.code() == Code::kConstraint);
  CHECK_THAT(twice.what(), ContainsSubstring("Key (a)=(4) already exists"));
  CHECK_THAT(twice.what(), ContainsSubstring("constraint a_key"));
  const Error nul = error_of([&] { session.query("select $1", {std::string("a\0b", 3)}); });
  CHECK(nul.code() == Code::kCoerce);
  CHECK(session.query("select 1").text(0, 0) == "1");
}

TEST_CASE("names and literals are quoted whatever they hold") {
  PgSession session(test_server(), "test");
  CHECK(PgSession::quote_name("a\"; drop table x; --") == "\"a\"\"; drop table x; --\"");
  CHECK(PgSession::quote_table("s.a.b") == "\"s\".\"a.b\"");
  for (const std::string text : {"it's", "back\\slash", "\\'; drop", "", "ü"}) {
    CHECK(session.query("select " + PgSession::quote_literal(text)).text(0, 0) == text);
  }
  session.execute("set standard_conforming_strings = off");
  CHECK(session.query("select " + PgSession::quote_literal("\\'x")).text(0, 0) == "\\'x");
}

TEST_CASE("a refused COPY names row, column and constraint") {
  PgSession session(test_server(), "test");
  session.execute("create temp table t(a int4 constraint few check (a < 100), b jsonb)");
  const auto refusal = [&](std::string_view rows) {
    session.copy_in_start("copy t from stdin (format csv)");
    session.copy_in_put(as_bytes(rows));
    try {
      session.copy_in_end();
    } catch (const CopyRefused& error) {
      return error.where();
    }
    FAIL("the COPY was not refused");
    return CopyRefusal{};
  };
  const CopyRefusal value = refusal("1,{}\n2,{}\nx,{}\n");
  CHECK(value.row == 3);
  CHECK(value.column == "a");
  CHECK(value.sqlstate == "22P02");
  const CopyRefusal json = refusal("1,{}\n2,{broken\n");
  CHECK(json.row == 2);
  CHECK(json.column == "b");
  const CopyRefusal check = refusal("1,{}\n2,{}\n3,{}\n500,{}\n");
  CHECK(check.row == 4);
  CHECK(check.constraint == "few");
  CHECK(check.sqlstate == "23514");
  CHECK(session.query("select count(*) from t").text(0, 0) == "0");
}

TEST_CASE("a COPY refused in its first row is not sent to the end") {
  PgSession session(test_server(), "test");
  session.execute("create temp table t(a int4)");
  session.copy_in_start("copy t from stdin (format csv)");
  session.copy_in_put(as_bytes("no number\n"));
  const std::string many(1 << 20, '1');
  for (int i = 0; i < 64; ++i) session.copy_in_put(as_bytes(many));
  CHECK_THROWS_AS(session.copy_in_end(), CopyRefused);
  CHECK(session.query("select 1").text(0, 0) == "1");
}

TEST_CASE("an aborted COPY leaves the session usable") {
  PgSession session(test_server(), "test");
  session.execute("create temp table t(a int4)");
  session.copy_in_start("copy t from stdin (format csv)");
  session.copy_in_put(as_bytes("1\n"));
  session.copy_in_abort("enough");
  CHECK(session.query("select count(*) from t").text(0, 0) == "0");
}

TEST_CASE("COPY out hands over messages until the end") {
  PgSession session(test_server(), "test");
  session.copy_out_start(
      "copy (select g, 'row ' || g from generate_series(1, 3) g) to stdout (format csv)");
  std::string all;
  for (Bytes message; session.copy_out_get(message);) all += as_text(message);
  CHECK(all == "1,row 1\n2,row 2\n3,row 3\n");
  session.copy_out_start("copy (select 1 / (5 - g) from generate_series(1, 9) g) to stdout");
  const Error error = error_of([&] {
    for (Bytes message; session.copy_out_get(message);) continue;
  });
  CHECK(error.sqlstate() == "22012");
  CHECK(session.query("select 1").text(0, 0) == "1");
}

TEST_CASE("a backend that dies is a lost connection, never a silent reconnect") {
  PgSession killer(test_server(), "killer");
  for (const bool params : {false, true}) {
    PgSession session(test_server(), "victim");
    const std::string pid = session.query("select pg_backend_pid()").text(0, 0);
    killer.query("select pg_terminate_backend($1::int, 10000)", {pid});
    const Error error =
        error_of([&] { session.query("select 1", params ? PgParams{} : PgParams{}); });
    CHECK(error.code() == Code::kConnect);
    CHECK_FALSE(session.alive());
    CHECK(error_of([&] { session.query("select $1::int", {"1"}); }).code() == Code::kConnect);
  }
}

TEST_CASE("a backend that dies in the middle of a COPY is a lost connection") {
  PgSession killer(test_server(), "killer"), session(test_server(), "victim");
  session.execute("create temp table t(a text)");
  const std::string pid = session.query("select pg_backend_pid()").text(0, 0);
  session.begin();
  session.copy_in_start("copy t from stdin");
  const std::string rows(1 << 20, 'x');
  session.copy_in_put(as_bytes(rows));
  killer.query("select pg_terminate_backend($1::int, 10000)", {pid});
  for (int i = 0; i < 8; ++i) session.copy_in_put(as_bytes(rows));
  CHECK(error_of([&] { session.copy_in_end(); }).code() == Code::kConnect);
  session.rollback();
  CHECK_FALSE(session.alive());
}

TEST_CASE("cancel stops the statement under way") {
  PgSession killer(test_server(), "killer"), session(test_server(), "sleeper");
  const std::string pid = session.query("select pg_backend_pid()").text(0, 0);
  std::thread canceller([&] {
    const std::string asleep =
        "select count(*) from pg_stat_activity where pid = $1::int and wait_event = 'PgSleep'";
    while (killer.query(asleep, {pid}).text(0, 0) != "1") std::this_thread::yield();
    session.cancel();
  });
  const Error error = error_of([&] { session.query("select pg_sleep(600)"); });
  canceller.join();
  CHECK(error.sqlstate() == "57014");
  CHECK(error.code() == Code::kInterrupted);
}

TEST_CASE("notices stay silent") {
  PgSession session(test_server(), "test");
  session.execute("set client_min_messages = notice");
  session.execute("do $$ begin raise notice 'not for the terminal'; end $$");
  CHECK(session.alive());
}

TEST_CASE("a place that cannot be reached says why and keeps its secrets") {
  const Error database = error_of([] {
    std::string url = test_server();
    url.replace(url.find("/postgres?"), 10, "/nowhere?");
    PgSession session(url, "test");
  });
  CHECK(database.sqlstate() == "3D000");
  CHECK_THAT(database.hint(), ContainsSubstring("createdb"));
  const Error refused =
      error_of([] { PgSession session("postgresql://u:geheim@127.0.0.1:1/db", "test"); });
  CHECK(refused.code() == Code::kConnect);
  CHECK_THAT(refused.what(), ContainsSubstring("127.0.0.1"));
  CHECK_THAT(refused.what(), !ContainsSubstring("geheim"));
}
