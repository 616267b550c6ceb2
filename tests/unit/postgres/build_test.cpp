// Indexes that are built on tables which others build on, too.
#include "place/stage.hpp"
#include "sink_fixture.hpp"

namespace lugger::test {

TEST_CASE("A9: without a ledger an INVALID index is another session's") {
  Database db;
  db.sql().execute(
      "CREATE TABLE users (mongo_id text, n int4); INSERT INTO users VALUES ('a', 1), ('b', 1)");
  CHECK_THROWS_AS(db.sql().execute("CREATE UNIQUE INDEX CONCURRENTLY by_n ON users (n)"), Error);
  Mapping mapping = users({column("n", "int4")});
  IndexMapping index;
  index.columns = {"n"};
  index.name = "by_n";
  mapping.indexes.push_back(index);
  Load load(db, std::move(mapping));
  const StopFlag stop;
  StageWork work;
  work.stop = &stop;
  work.settings.connections = 1;
  work.tell = [](const auto&...) {};
  CHECK_THROWS_WITH(load.target().stages()->build(Stage::kIndex, load.shape(), work),
                    ContainsSubstring("that this job did not begin"));
  CHECK(db.value("SELECT indisunique AND NOT indisvalid FROM pg_index WHERE indexrelid = "
                 "'by_n'::regclass") == "t");
}

}  // namespace lugger::test
