// A source that goes on for ever: idle now and then, read in units that end by age, stopped and
// resumed. The feed is scripted, so that the test decides when something comes.
#include "feed.hpp"

#include <thread>

#include "engine/job_impl.hpp"
#include "engine_fixture.hpp"

namespace lugger::test {
namespace {

struct Following {
  Following(const Script& script, const std::string& url)
      : job(spec("-", url, {column("n", "int4")})) {
    job.impl().source = std::make_unique<Feed>(script);
    run = job.start(one_worker());
  }
  Job job;
  std::unique_ptr<Run> run;
};

/// Polls until the query gives it, or the test has failed.
bool comes(Database& database, const std::string& query, const std::string& wanted) {
  for (int i = 0; i < 600; ++i) {
    if (database.rows(query) == wanted) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

constexpr char kPosition[] = "select position from lugger.partitions";

}  // namespace

TEST_CASE("what a feed gave is committed while it idles, and so is how far it was read") {
  Database database;
  Script script;
  const std::vector<std::string> documents = numbered(5);
  script.add(documents[0]);
  Following feed(script, database.url());
  CHECK(comes(database, "select count(*) from docs", "1"));
  CHECK(comes(database, kPosition, "place:1"));
  script.add("");
  script.add("");
  CHECK(comes(database, kPosition, "place:3"));
  script.add(documents[1]);
  script.add(documents[2]);
  CHECK(comes(database, "select count(*) from docs", "3"));
  CHECK_FALSE(feed.run->ended());
  feed.run->stop(StopLevel::kFinish);
  const RunResult stopped = feed.run->result();
  CHECK(stopped.status == "stopped");
  CHECK(counts(stopped.tally) ==
        "read 3: inserted 3, updated 0, unchanged 0, skipped 0, rejected 0");

  script.add(documents[3]);
  script.add(documents[4]);
  script.end();
  Following resumed(script, database.url());
  const RunResult done = resumed.run->result();
  CHECK(done.status == "done");
  CHECK(done.run == stopped.run);
  CHECK(counts(done.tally) == "read 5: inserted 5, updated 0, unchanged 0, skipped 0, rejected 0");
  CHECK(database.rows("select count(*), sum(n) from docs") == "5|10");
}

TEST_CASE("a feed that waits can be stopped at once") {
  Database database;
  Script script;
  Following feed(script, database.url());
  feed.run->stop(StopLevel::kNow);
  CHECK(feed.run->result().status == "stopped");
}

}  // namespace lugger::test
