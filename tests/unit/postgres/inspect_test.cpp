// What plan and run are told before anything is written.
#include "registry/registry.hpp"
#include "sink_fixture.hpp"

namespace lugger::test {
namespace {

std::string problems(const TargetReport& report) {
  std::string out;
  for (const std::string& problem : report.problems) out += problem + "\n";
  return out;
}

}  // namespace

TEST_CASE("inspect tells what cannot work") {
  Database db;
  SECTION("no table") {
    Load load(db, users({}));
    CHECK_THAT(problems(load.inspect(false)), ContainsSubstring("add --create"));
    const TargetReport report = load.inspect(true);
    CHECK(report.problems.empty());
    REQUIRE(report.create.size() == 2);
    CHECK(report.create[0] == "CREATE TABLE \"users\" (\n  \"mongo_id\" text NOT NULL\n)");
    REQUIRE(report.after_load.size() == 1);
    CHECK(report.after_load[0] ==
          "ALTER TABLE \"users\" ADD CONSTRAINT \"users_pkey\" PRIMARY KEY (\"mongo_id\")");
  }
  SECTION("columns") {
    db.sql().execute(
        "CREATE TABLE users (mongo_id text, emial text, must int4 NOT NULL, two int4 GENERATED "
        "ALWAYS AS (1)"
        " STORED, d date)");
    Load load(db, users({column("email", "text"), column("two", "int4"), column("d", "bool")}));
    const std::string told = problems(load.inspect());
    CHECK_THAT(told, ContainsSubstring("table users has no column email; did you mean emial?"));
    CHECK_THAT(told, ContainsSubstring("users.must is NOT NULL without a default"));
    CHECK_THAT(told, ContainsSubstring("users.two is a generated column"));
    CHECK_THAT(told, ContainsSubstring("users.d is date in the database, and bool in the mapping"));
    const std::string change = "ALTER TABLE \"users\" ALTER COLUMN \"d\" TYPE bool USING ";
    CHECK_THAT(told, ContainsSubstring("the table is empty: " + change + "NULL"));
    db.sql().execute("INSERT INTO users (must) VALUES (1)");
    CHECK_THAT(problems(load.inspect()),
               ContainsSubstring("correct the mapping, or " + change + "an expression"));
  }
  SECTION("types and extensions") {
    Load load(db, users({column("e", "vector(3)"), column("x", "public.no_such_type")}));
    const std::string told = problems(load.inspect());
    CHECK_THAT(told, ContainsSubstring("CREATE EXTENSION vector"));
    CHECK_THAT(told, ContainsSubstring("no type public.no_such_type"));
  }
  SECTION("rights") {
    db.sql().execute(
        "CREATE TABLE users (mongo_id text PRIMARY KEY); CREATE ROLE sink_nobody LOGIN;");
    Load load(db, users({}, OnConflict::kUpdate));
    db.sql().execute("ALTER DATABASE " + db.value("SELECT current_database()") +
                     " SET role = sink_nobody");
    CHECK_THAT(problems(load.inspect()), ContainsSubstring("permission denied: INSERT on users"));
    db.sql().execute("DROP ROLE sink_nobody");
  }
  SECTION("conflicts need a unique key") {
    db.sql().execute("CREATE TABLE users (mongo_id text)");
    CHECK_THAT(problems(Load(db, users({}, OnConflict::kSkip)).inspect()),
               ContainsSubstring("CREATE UNIQUE INDEX ON \"users\" (\"mongo_id\")"));
    CHECK(Load(db, users({})).inspect().problems.empty());
  }
}

TEST_CASE("encodings and standbys are told") {
  Database db;
  db.sql().execute(
      "CREATE DATABASE sink_latin1 ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE "
      "'C'");
  std::string url = db.url();
  url.replace(url.find("/sink_test"), url.find('?') - url.find("/sink_test"), "/sink_latin1");
  const auto shape = std::make_shared<const PlanShape>(users({}));
  const TargetReport report = open_target(url, {})->inspect(*shape, true, true);
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings[0], ContainsSubstring("LATIN1"));
  db.sql().execute("DROP DATABASE sink_latin1 WITH (FORCE)");
}

TEST_CASE("an unfinished table is ours to continue, and to throw away") {
  Database db;
  Load load(db, users({column("v", "int4")}, OnConflict::kUpdate));
  load.open();
  load.unit({R"({"_id": "a", "v": 1})"});
  CHECK(load.inspect().problems.empty());
  CHECK(load.inspect().mode == "direct");
  load.target().discard(load.shape(), "");
  CHECK(db.value("SELECT count(*) FROM users") == "0");
  load.unit({R"({"_id": "a", "v": 1})"});
  Tally tally;
  load.finish(tally);
  load.target().discard(load.shape(), "");  // loaded over: on_conflict = update
  CHECK(db.value("SELECT count(*) FROM users") == "1");
  const auto strict = std::make_shared<const PlanShape>(users({column("v", "int4")}));
  CHECK_THROWS_WITH(load.target().discard(*strict, ""), ContainsSubstring("nothing tells which"));
}

TEST_CASE("unknown options and places are refused") {
  Options options;
  options.set("on_conflit", std::string("skip"));
  CHECK_THROWS_WITH(open_target("postgresql://nowhere/x", options),
                    ContainsSubstring("on_conflict"));
  CHECK_THROWS_WITH(open_target("ftp://nowhere/x", {}), ContainsSubstring(".jsonl"));
}

}  // namespace lugger::test
