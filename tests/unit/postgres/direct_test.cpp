// Direct COPY: rows as they are, refusals found to the document, duplicates settled after the load.
#include "sink_fixture.hpp"

namespace lugger::test {
namespace {

std::string user(int id, const std::string& fields = "") {
  return fmt::format("{{\"_id\": \"u{:04}\"{}{}}}", id, fields.empty() ? "" : ", ", fields);
}

}  // namespace

TEST_CASE("a new table takes every type by COPY") {
  Database db;
  Load load(db, users({column("b", "bool"), column("i2", "int2"), column("i4", "int4"),
                       column("i8", "int8"), column("f4", "float4"), column("f8", "float8"),
                       column("n", "numeric(12,2)"), column("v", "varchar(10)"),
                       column("c", "char(4)"), column("u", "uuid"), column("d", "date"),
                       column("t", "time"), column("ts", "timestamp"), column("tz", "timestamptz"),
                       column("iv", "interval"), column("js", "json"), column("jb", "jsonb"),
                       column("a", "int4[]"), column("ta", "text[]")}));
  load.open();
  CHECK(load.report().mode == "direct");
  const UnitRecord unit =
      load.unit({R"({"_id": "x", "b": true, "i2": -2, "i4": 70000, "i8": {"$numberLong":
    "9007199254740993"}, "f4": 0.5, "f8": -1.25, "n": "9.99", "v": "näme", "c": "ab",
    "u": "c0ffee00-0000-4000-8000-000000000001", "d": "2026-03-11", "t": "09:30:00.5", "ts": "2026-03-11T09:30:00Z",
    "tz": {"$date": "1969-12-31T23:59:59.999Z"}, "iv": "1 day 02:00:00", "js": {"k": [1, 2]}, "jb": {"k": null},
    "a": [1, null, 3], "ta": ["x", "y\"z"]})",
                 R"({"_id": "nothing"})"});
  CHECK(counts(unit.tally) == "inserted 2, updated 0, unchanged 0, skipped 0, rejected 0");
  CHECK(unit.tally.rows == 2);
  CHECK(db.rows("SELECT b, i2, i4, i8, f4, f8, n, v, c, u, d, t, ts, tz, iv, js, jb, a, ta FROM "
                "users WHERE mongo_id = 'x'") ==
        "t|-2|70000|9007199254740993|0.5|-1.25|9.99|näme|ab  "
        "|c0ffee00-0000-4000-8000-000000000001|2026-03-11|09:30:00.5"
        "|2026-03-11 09:30:00|1969-12-31 23:59:59.999+00|1 day 02:00:00|{\"k\":[1,2]}|{\"k\": "
        "null}|{1,NULL,3}|{x,\"y\\\"z\"}");
  CHECK(db.value("SELECT count(*) FROM users WHERE num_nulls(b, i2, i4, i8, f4, f8, n, v, c, u, d, "
                 "t, ts, tz, iv, js, "
                 "jb, a, ta) = 19") == "1");
}

TEST_CASE("a refused unit is loaded without exactly the guilty documents") {
  Database db;
  db.sql().execute(
      "CREATE TABLE users (mongo_id text NOT NULL, age int4 CONSTRAINT grown_up CHECK (age >= "
      "18))");
  Load load(db, users({column("age", "int4")}));
  load.open();
  REQUIRE(load.report().mode == "direct");
  std::vector<std::string> documents;
  for (int i = 0; i < 500; ++i) {
    const bool bad = i == 0 || i == 77 || i == 78 || i == 333 || i == 499;
    documents.push_back(user(i, fmt::format("\"age\": {}", bad ? 3 : 40)));
  }
  const UnitRecord unit = load.unit(documents, 50);
  CHECK(counts(unit.tally) == "inserted 495, updated 0, unchanged 0, skipped 0, rejected 5");
  CHECK(unit.tally.balanced());
  CHECK(db.value("SELECT count(*) FROM users") == "495");
  CHECK(db.value("SELECT count(*) FROM users WHERE age < 18") == "0");
  REQUIRE(unit.rejects.size() == 5);
  CHECK(unit.rejects[0].document_id == "u0000");
  CHECK(unit.rejects[1].document_id == "u0077");
  CHECK(unit.rejects[2].document_id == "u0078");
  CHECK(unit.rejects[3].document_id == "u0333");
  CHECK(unit.rejects[4].document_id == "u0499");
  CHECK(unit.rejects[1].code == "server");
  CHECK_THAT(unit.rejects[1].message, ContainsSubstring("grown_up"));
  CHECK_THAT(unit.rejects[1].document, ContainsSubstring("\"u0077\""));
  CHECK(unit.rejects[1].raw == bson_from_json(documents[77]));
  CHECK(db.rows("SELECT document_id, code FROM lugger.rejects ORDER BY document_id") ==
        "u0000|server\nu0077|server\nu0078|server\nu0333|server\nu0499|server");
}

TEST_CASE("units that are mostly bad are loaded all the same") {
  Database db;
  db.sql().execute("CREATE TABLE users (mongo_id text, age int4 CHECK (age % 3 = 0))");
  Load load(db, users({column("age", "int4")}));
  load.open();
  std::vector<std::string> documents;
  for (int i = 0; i < 600; ++i) documents.push_back(user(i, fmt::format("\"age\": {}", i)));
  const UnitRecord unit = load.unit(documents, 100);
  CHECK(counts(unit.tally) == "inserted 200, updated 0, unchanged 0, skipped 0, rejected 400");
  CHECK(db.value("SELECT count(*) FROM users") == "200");
  CHECK(counts(load.unit({user(1, "\"age\": 3")}).tally) ==
        "inserted 1, updated 0, unchanged 0, skipped 0, rejected 0");
}

TEST_CASE("refusals that name no row are found by halves") {
  Database db;
  db.sql().execute(
      "CREATE TABLE teams (id int4 PRIMARY KEY); INSERT INTO teams VALUES (1);"
      "CREATE TABLE users (mongo_id text, team int4 REFERENCES teams DEFERRABLE INITIALLY "
      "DEFERRED)");
  Load load(db, users({column("team", "int4")}));
  load.open();
  std::vector<std::string> documents;
  for (int i = 0; i < 200; ++i)
    documents.push_back(user(i, fmt::format("\"team\": {}", i == 50 || i == 120 ? 9 : 1)));
  const UnitRecord unit = load.unit(documents, 64);
  CHECK(counts(unit.tally) == "inserted 198, updated 0, unchanged 0, skipped 0, rejected 2");
  REQUIRE(unit.rejects.size() == 2);
  CHECK(unit.rejects[0].document_id == "u0050");
  CHECK(unit.rejects[1].document_id == "u0120");
}

TEST_CASE("a refused child takes its parent along") {
  Database db;
  Mapping mapping = users({column("name", "text")});
  ChildMapping tags;
  tags.table = "user_tags";
  tags.from = "tags[]";
  tags.columns = {column("tag", "text", ".")};
  mapping.children.push_back(tags);
  db.sql().execute(
      "CREATE TABLE user_tags (parent_mongo_id text, ordinal int4, tag text CHECK (tag <> 'bad'))");
  Load load(db, mapping);
  load.open();
  const UnitRecord unit =
      load.unit({user(1, R"("tags": ["a", "b"])"), user(2, R"("tags": ["c", "bad"])"),
                 user(3, R"("tags": [])"), user(4, R"("tags": ["d"])")},
                2);
  CHECK(counts(unit.tally) == "inserted 3, updated 0, unchanged 0, skipped 0, rejected 1");
  CHECK(unit.tally.child_rows == 3);
  CHECK(unit.tally.rows == 6);
  REQUIRE(unit.rejects.size() == 1);
  CHECK(unit.rejects[0].document_id == "u0002");
  CHECK(db.rows("SELECT mongo_id FROM users ORDER BY 1") == "u0001\nu0003\nu0004");
  CHECK(db.rows("SELECT parent_mongo_id, ordinal, tag FROM user_tags ORDER BY 1, 2") ==
        "u0001|1|a\nu0001|2|b\nu0004|1|d");
}

TEST_CASE("on_conflict = error names key, document and choices") {
  Database db;
  db.sql().execute(
      "CREATE TABLE users (mongo_id text PRIMARY KEY); INSERT INTO users VALUES ('u0003')");
  Load load(db, users({}));
  load.open();
  CHECK(load.report().mode == "direct");
  try {
    load.unit({user(1), user(2), user(3), user(4)});
    FAIL("the conflict was not told");
  } catch (const Error& error) {
    CHECK(error.code() == Code::kConflict);
    CHECK_THAT(error.what(), ContainsSubstring("u0003"));
    CHECK_THAT(error.what(), ContainsSubstring("document u0003"));
    CHECK_THAT(error.hint(), ContainsSubstring("\"skip\""));
    CHECK_THAT(error.hint(), ContainsSubstring("\"update\""));
    CHECK_THAT(error.hint(), ContainsSubstring("\"newer\""));
  }
  CHECK(db.value("SELECT count(*) FROM users") == "1");
}

TEST_CASE("hostile names stay names") {
  Database db;
  Mapping mapping = users(
      {column("say \"hi\"; DROP TABLE users; --", "text", "a"), column("select", "int4", "b")});
  mapping.table = "we\"ird; drop table x";
  IndexMapping index;
  index.columns = {"select"};
  mapping.indexes.push_back(index);
  Load load(db, mapping);
  load.open();
  Tally tally = load.unit({R"({"_id": 1, "a": "x'); DROP TABLE y; --", "b": 5})"}).tally;
  CHECK(counts(tally) == "inserted 1, updated 0, unchanged 0, skipped 0, rejected 0");
  load.finish(tally);
  CHECK(db.rows("SELECT * FROM \"we\"\"ird; drop table x\"") == "$n:1|x'); DROP TABLE y; --|5");
}

TEST_CASE("identity and generated columns are honoured, sequences advance") {
  Database db;
  db.sql().execute(
      "CREATE TABLE users (mongo_id text, n int4 GENERATED ALWAYS AS IDENTITY, twice int4 "
      "GENERATED ALWAYS AS (n * 2)"
      " STORED, s bigserial)");
  Load load(db, users({column("n", "int4"), column("s", "int8")}));
  load.open();
  CHECK(load.report().mode == "direct");
  Tally tally = load.unit({user(1, "\"n\": 41, \"s\": 7"), user(2, "\"n\": 7, \"s\": 99")}).tally;
  const std::vector<std::string> done = load.finish(tally);
  db.sql().execute("INSERT INTO users (mongo_id) VALUES ('later')");
  CHECK(db.rows("SELECT mongo_id, n, twice, s FROM users ORDER BY 1") ==
        "later|42|84|100\nu0001|41|82|7\nu0002|7|14|99");
}

TEST_CASE("the S0 shape: uuid primary key, unique mongo_id, built after the load") {
  Database db;
  Mapping mapping = users({column("email", "text")});
  Column id = column("id", "uuid");
  id.generate = Column::Generate::kServer;
  mapping.columns.insert(mapping.columns.begin(), id);
  Load load(db, mapping);
  load.open();
  Tally tally = load.unit({user(1, "\"email\": \"a@b\""), user(2)}).tally;
  CHECK(db.value("SELECT count(*) FROM pg_index WHERE indrelid = 'users'::regclass") == "0");
  load.finish(tally);
  CHECK(db.rows("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = "
                "'users'::regclass ORDER BY 1") == "PRIMARY KEY (id)\nUNIQUE (mongo_id)");
  CHECK(db.value("SELECT obj_description('users'::regclass)") == "NULL");
  CHECK(db.value("SELECT count(DISTINCT id) FROM users") == "2");
  CHECK(load.finish(tally) == std::vector<std::string>{"ANALYZE \"users\""});
}

TEST_CASE("a finish that was cut between index and constraint is gone on with") {
  Database db;
  Mapping mapping = users({column("email", "text")});
  Column id = column("id", "uuid");
  id.generate = Column::Generate::kServer;
  mapping.columns.insert(mapping.columns.begin(), id);
  Load load(db, mapping);
  load.open();
  Tally tally = load.unit({user(1), user(2)}).tally;
  db.sql().execute("CREATE UNIQUE INDEX users_pkey ON users (id)");
  load.finish(tally);
  CHECK(db.rows("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = "
                "'users'::regclass ORDER BY 1") == "PRIMARY KEY (id)\nUNIQUE (mongo_id)");
}

}  // namespace lugger::test
