// Staging and statements: every on_conflict policy, counted per document, children replaced as one.
#include "sink_fixture.hpp"

namespace lugger::test {
namespace {

std::string user(const std::string& id, int v, const std::string& fields = "") {
  return fmt::format("{{\"_id\": \"{}\", \"v\": {}{}{}}}", id, v, fields.empty() ? "" : ", ",
                     fields);
}

Mapping with_tags(OnConflict on_conflict) {
  Mapping mapping = users({column("v", "int4")}, on_conflict);
  ChildMapping tags;
  tags.table = "tags";
  tags.from = "tags[]";
  tags.columns = {column("tag", "text", "name")};
  ChildMapping marks;
  marks.table = "marks";
  marks.from = "marks[]";
  marks.columns = {column("mark", "int4", ".")};
  tags.children.push_back(marks);
  mapping.children.push_back(tags);
  return mapping;
}

/// users with a key and three rows: a 1, b 2, c 3.
void fill(Database& db) {
  db.sql().execute(
      "CREATE TABLE users (mongo_id text PRIMARY KEY, v int4, js json);"
      "INSERT INTO users VALUES ('a', 1, '{\"x\":1}'), ('b', 2, NULL), ('c', 3, NULL)");
}

std::string writer() { return GENERATE("copy", "statement"); }

Options with_writer(const std::string& chosen) {
  Options options;
  options.set("writer", chosen);
  return options;
}

}  // namespace

TEST_CASE("policies and their counts") {
  const std::string chosen = writer();
  CAPTURE(chosen);
  Database db;
  fill(db);
  const std::vector<std::string> documents = {user("a", 1, "\"js\": {\"x\": 1}"), user("b", 20),
                                              user("n", 5), user("n", 5), user("n", 6)};
  Tally tally;
  auto run = [&](OnConflict policy) {
    Load load(db, users({column("v", "int4"), column("js", "json")}, policy), with_writer(chosen));
    load.open();
    CHECK(load.report().mode == (chosen == "copy" ? "staged" : "statement"));
    tally = load.unit(documents).tally;
    CHECK(tally.balanced());
  };
  SECTION("skip keeps what is there, and the first of a key") {
    run(OnConflict::kSkip);
    CHECK(counts(tally) == "inserted 1, updated 0, unchanged 2, skipped 2, rejected 0");
    CHECK(tally.rows == 1);
    CHECK(db.rows("SELECT mongo_id, v FROM users ORDER BY 1") == "a|1\nb|2\nc|3\nn|5");
  }
  SECTION("update overwrites, the last of a key wins") {
    run(OnConflict::kUpdate);
    CHECK(counts(tally) == "inserted 1, updated 2, unchanged 2, skipped 0, rejected 0");
    CHECK(tally.rows == 3);
    CHECK(db.rows("SELECT mongo_id, v FROM users ORDER BY 1") == "a|1\nb|20\nc|3\nn|6");
    run(OnConflict::kUpdate);
    CHECK(counts(tally) == "inserted 0, updated 2, unchanged 3, skipped 0, rejected 0");
    CHECK(tally.rows == 2);
  }
  SECTION("error names the taken key") {
    Load load(db, users({column("v", "int4"), column("js", "json")}), with_writer(chosen));
    load.open(chosen == "copy" ? "staged" : "statement");
    CHECK_THROWS_WITH(load.unit({user("x", 1), user("c", 1)}),
                      ContainsSubstring("key c is taken already"));
    CHECK(db.value("SELECT count(*) FROM users") == "3");
  }
}

TEST_CASE("newer wins, older is skipped") {
  const std::string chosen = writer();
  CAPTURE(chosen);
  Database db;
  fill(db);
  Mapping mapping = users({column("v", "int4"), column("js", "json")}, OnConflict::kNewer);
  mapping.newer = "v";
  Load load(db, mapping, with_writer(chosen));
  load.open();
  const Tally tally = load.unit({user("a", 0), user("b", 9), user("c", 3), user("d", 7),
                                 user("d", 8), user("d", 1)})
                          .tally;
  CHECK(counts(tally) == "inserted 1, updated 2, unchanged 1, skipped 2, rejected 0");
  CHECK(db.rows("SELECT mongo_id, v FROM users ORDER BY 1") == "a|1\nb|9\nc|3\nd|8");
}

TEST_CASE("F8: newer, equal versions and none: what came first stays") {
  const std::string chosen = writer();
  CAPTURE(chosen);
  Database db;
  fill(db);
  Mapping mapping = users({column("v", "int4"), column("js", "json")}, OnConflict::kNewer);
  mapping.newer = "v";
  Load load(db, mapping, with_writer(chosen));
  load.open();
  const std::string n = R"("js": 1)", m = R"("js": 2)";
  const std::vector<std::string> documents = {user("c", 3, m), user("d", 7, n), user("d", 7, m),
                                              R"({"_id": "e", "js": 1})",
                                              R"({"_id": "e", "js": 2})"};
  const std::string expected = "a|1|{\"x\":1}\nb|2|NULL\nc|3|NULL\nd|7|1\ne|NULL|1";
  CHECK(counts(load.unit(documents).tally) ==
        "inserted 2, updated 0, unchanged 0, skipped 3, rejected 0");
  CHECK(db.rows("SELECT * FROM users ORDER BY 1") == expected);
  load.unit({documents[2]});
  load.unit({documents[4]});
  CHECK(db.rows("SELECT * FROM users ORDER BY 1") == expected);
}

TEST_CASE("children are replaced as one") {
  const std::string chosen = writer();
  CAPTURE(chosen);
  Database db;
  auto load = [&](OnConflict policy, const std::vector<std::string>& documents,
                  bool finish = false) {
    Load one(db, with_tags(policy), with_writer(chosen));
    one.open();
    Tally tally = one.unit(documents).tally;
    CHECK(tally.balanced());
    if (finish) one.finish(tally);
    return tally;
  };
  load(OnConflict::kError,
       {user("a", 1, R"("tags": [{"name": "x", "marks": [1, 2]}, {"name": "y"}])"),
        user("b", 2, R"("tags": [{"name": "z"}])"),
        user("c", 3, R"("tags": [{"name": "w", "marks": [9]}])")},
       true);
  CHECK(
      db.rows("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN "
              "('tags'::regclass, "
              "'marks'::regclass) AND contype = 'p' ORDER BY conrelid::regclass::text") ==
      "PRIMARY KEY (parent_mongo_id, ordinal_1, ordinal)\nPRIMARY KEY (parent_mongo_id, ordinal)");
  const std::vector<std::string> second = {
      user("a", 1, R"("tags": [{"name": "x", "marks": [1]}])"),  // children differ
      user("b", 2, R"("tags": [{"name": "z"}])"),                // nothing differs
      user("c", 4, R"("tags": [{"name": "w", "marks": [9]}])"),  // own row differs
      user("d", 5, R"("tags": [{"name": "n", "marks": [7, 8]}])")};
  SECTION("update") {
    const Tally tally = load(OnConflict::kUpdate, second);
    CHECK(counts(tally) == "inserted 1, updated 2, unchanged 1, skipped 0, rejected 0");
    CHECK(db.rows("SELECT parent_mongo_id, ordinal, tag FROM tags ORDER BY 1, 2") ==
          "a|1|x\nb|1|z\nc|1|w\nd|1|n");
    CHECK(db.rows("SELECT parent_mongo_id, mark FROM marks ORDER BY 1, 2") == "a|1\nc|9\nd|7\nd|8");
    CHECK(counts(load(OnConflict::kUpdate, second)) ==
          "inserted 0, updated 0, unchanged 4, skipped 0, rejected 0");
  }
  SECTION("skip") {
    const Tally tally = load(OnConflict::kSkip, second);
    // Of a, the child rows differ and stay; of c, its own row.
    CHECK(counts(tally) == "inserted 1, updated 0, unchanged 1, skipped 2, rejected 0");
    CHECK(tally.child_rows == 3);
    CHECK(db.rows("SELECT parent_mongo_id, mark FROM marks ORDER BY 1, 2") ==
          "a|1\na|2\nc|9\nd|7\nd|8");
  }
}

TEST_CASE("types without an encoder are cast by the server") {
  const std::string chosen = writer();
  CAPTURE(chosen);
  Database db;
  db.sql().execute(
      "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN age AS int4 CHECK (VALUE > 0);"
      "CREATE TABLE users (mongo_id varchar(20) PRIMARY KEY, m mood, ip inet, years age, r "
      "int4range, w text)");
  Load load(db,
            users({column("m", "public.mood"), column("ip", "inet"), column("years", "int4"),
                   column("r", "int4range"), column("w", "int4")}),
            with_writer(chosen));
  load.open();
  CHECK(load.report().mode == (chosen == "copy" ? "staged" : "statement"));
  if (chosen == "copy") CHECK_THAT(load.report().mode_reason, ContainsSubstring("server casts"));
  const UnitRecord unit = load.unit(
      {R"j({"_id": "1", "m": "ok", "ip": "10.0.0.1", "years": 4, "r": "[1,5)", "w": 12})j",
       R"({"_id": "2", "m": "glad"})", R"({"_id": "3", "years": -1})",
       R"({"_id": "4", "ip": "10.0.0.256"})", R"({"_id": "5", "m": "sad"})"});
  CHECK(counts(unit.tally) == "inserted 2, updated 0, unchanged 0, skipped 0, rejected 3");
  CHECK(db.rows("SELECT mongo_id, m, ip, years, r, w FROM users ORDER BY 1") ==
        "1|ok|10.0.0.1|4|[1,5)|12\n5|sad|NULL|NULL|NULL|NULL");
  REQUIRE(unit.rejects.size() == 3);
  CHECK_THAT(unit.rejects[0].message, ContainsSubstring("glad"));
}

TEST_CASE("triggers, row-level security and keys in use force staging, and say so") {
  Database db;
  fill(db);
  Load used(db, users({column("v", "int4")}, OnConflict::kSkip));
  CHECK(used.inspect().mode == "staged");
  CHECK_THAT(used.inspect().mode_reason, ContainsSubstring("holds rows already"));
  db.sql().execute("TRUNCATE users");
  CHECK(used.inspect().mode == "direct");
  db.sql().execute(
      "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v = NEW.v + 1; RETURN "
      "NEW; END';"
      "CREATE TRIGGER up BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()");
  CHECK_THAT(used.inspect().mode_reason, ContainsSubstring("triggers on INSERT (up)"));
  used.open();
  CHECK(counts(used.unit({user("a", 1)}).tally) ==
        "inserted 1, updated 0, unchanged 0, skipped 0, rejected 0");
  CHECK(db.value("SELECT v FROM users") == "2");
}

TEST_CASE("row-level security is honoured, and what it forbids becomes rejects") {
  const std::string chosen = writer();
  CAPTURE(chosen);
  Database db;
  fill(db);
  db.sql().execute(
      "ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY small ON users USING (v < 100);"
      "CREATE ROLE sink_tenant; GRANT ALL ON users TO sink_tenant; GRANT ALL ON SCHEMA public TO "
      "sink_tenant");
  const std::string name = db.value("SELECT current_database()");
  db.sql().execute("GRANT ALL ON DATABASE " + name + " TO sink_tenant; ALTER DATABASE " + name +
                   " SET role = sink_tenant");
  Load load(db, users({column("v", "int4")}, OnConflict::kUpdate), with_writer(chosen));
  load.open();
  if (chosen == "copy")
    CHECK_THAT(load.report().mode_reason, ContainsSubstring("row-level security"));
  const UnitRecord unit = load.unit({user("a", 5), user("x", 50), user("y", 500), user("z", 60)});
  CHECK(counts(unit.tally) == "inserted 2, updated 1, unchanged 0, skipped 0, rejected 1");
  REQUIRE(unit.rejects.size() == 1);
  CHECK(unit.rejects[0].document_id == "y");
  db.sql().execute("ALTER DATABASE " + name + " RESET role; REVOKE ALL ON DATABASE " + name +
                   " FROM sink_tenant;"
                   "DROP OWNED BY sink_tenant CASCADE; DROP ROLE sink_tenant");
}

TEST_CASE("partitioned tables and routes are merged too") {
  const std::string chosen = writer();
  CAPTURE(chosen);
  Database db;
  db.sql().execute(
      "CREATE TABLE users (mongo_id text, v int4, PRIMARY KEY (mongo_id)) PARTITION BY HASH "
      "(mongo_id);"
      "CREATE TABLE users_0 PARTITION OF users FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE users_1 PARTITION OF users FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
      "INSERT INTO users VALUES ('a', 1), ('b', 1), ('c', 1);"
      "CREATE TABLE staff (mongo_id text PRIMARY KEY, v int4); INSERT INTO staff VALUES ('s', 1)");
  Mapping mapping = users({column("v", "int4")}, OnConflict::kUpdate);
  mapping.route.from = "kind";
  mapping.route.tables = {{"staff", "staff"}, {"user", "users"}};
  Load load(db, mapping, with_writer(chosen));
  load.open();
  const Tally tally =
      load.unit({user("a", 1, R"("kind": "user")"), user("b", 2, R"("kind": "user")"),
                 user("n", 3, R"("kind": "user")"), user("s", 4, R"("kind": "staff")"),
                 user("t", 5, R"("kind": "staff")"), user("z", 6, R"("kind": "other")")})
          .tally;
  CHECK(counts(tally) == "inserted 2, updated 2, unchanged 1, skipped 0, rejected 1");
  CHECK(db.rows("SELECT mongo_id, v FROM users ORDER BY 1") == "a|1\nb|2\nc|1\nn|3");
  CHECK(db.rows("SELECT mongo_id, v FROM staff ORDER BY 1") == "s|4\nt|5");
}

TEST_CASE("a pooled session makes its staging anew in each transaction") {
  Database db;
  fill(db);
  Options options;
  options.set("pooled", true);
  Load load(db, users({column("v", "int4"), column("js", "json")}, OnConflict::kUpdate), options);
  load.open();
  CHECK(counts(load.unit({user("a", 5)}).tally) ==
        "inserted 0, updated 1, unchanged 0, skipped 0, rejected 0");
  CHECK(counts(load.unit({user("a", 5), user("q", 1)}).tally) ==
        "inserted 1, updated 0, unchanged 1, skipped 0, rejected 0");
}

TEST_CASE("a direct unit that meets a taken key is redone through staging") {
  Database db;
  fill(db);
  const OnConflict policy = GENERATE(OnConflict::kSkip, OnConflict::kUpdate);
  Load load(db, users({column("v", "int4"), column("js", "json")}, policy));
  load.open("direct");
  const UnitRecord unit = load.unit({user("x", 1), user("b", 20), user("y", 1)});
  const bool skip = policy == OnConflict::kSkip;
  CHECK(counts(unit.tally) == (skip ? "inserted 2, updated 0, unchanged 0, skipped 1, rejected 0"
                                    : "inserted 2, updated 1, unchanged 0, skipped 0, rejected 0"));
  CHECK(db.value("SELECT v FROM users WHERE mongo_id = 'b'") == (skip ? "2" : "20"));
}

TEST_CASE("duplicates of a direct load are settled when the key is made") {
  const std::vector<std::string> first = {
      user("a", 1, R"("tags": [{"name": "a1"}, {"name": "a2"}])"), user("b", 1), user("b", 1),
      user("c", 1)};
  const std::vector<std::string> second = {user("a", 2, R"("tags": [{"name": "a3"}])"),
                                           user("c", 1), user("d", 1)};
  Database db;
  Tally tally;
  auto run = [&](OnConflict policy) {
    Mapping mapping = with_tags(policy);
    mapping.newer = "v";
    Load load(db, mapping);
    load.open();
    CHECK(load.report().mode == "direct");
    tally = load.unit(first).tally;
    tally += load.unit(second).tally;
    load.finish(tally);
    CHECK(tally.balanced());
    return tally;
  };
  SECTION("skip") {
    CHECK(counts(run(OnConflict::kSkip)) ==
          "inserted 4, updated 0, unchanged 2, skipped 1, rejected 0");
    CHECK(tally.rows == 6);
    CHECK(db.rows("SELECT mongo_id, v FROM users ORDER BY 1") == "a|1\nb|1\nc|1\nd|1");
    CHECK(db.rows("SELECT parent_mongo_id, tag FROM tags ORDER BY 1, 2") == "a|a1\na|a2");
  }
  SECTION("update") {
    CHECK(counts(run(OnConflict::kUpdate)) ==
          "inserted 4, updated 1, unchanged 2, skipped 0, rejected 0");
    CHECK(tally.rows == 8);  // those of the first a were written, too
    CHECK(db.rows("SELECT mongo_id, v FROM users ORDER BY 1") == "a|2\nb|1\nc|1\nd|1");
    CHECK(db.rows("SELECT parent_mongo_id, tag FROM tags ORDER BY 1, 2") == "a|a3");
  }
  SECTION("error") {
    Load load(db, with_tags(OnConflict::kError));
    load.open();
    tally = load.unit(first).tally;
    CHECK_THROWS_WITH(load.finish(tally), ContainsSubstring("b (2 times)"));
  }
}

}  // namespace lugger::test
