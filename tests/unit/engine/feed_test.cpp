// A source that goes on for ever: idle now and then, read in units that end by age, stopped and
// resumed. The feed is scripted, so that the test decides when something comes.
#include "feed.hpp"

#include <thread>

#include "engine/job_impl.hpp"
#include "engine/task.hpp"
#include "engine_fixture.hpp"

namespace lugger::test {
namespace {

Position at(size_t place) { return fmt::format("place:{}", place); }

size_t place_of(const Position& position) {
  size_t place = 0;
  if (!position.empty()) {
    std::from_chars(position.data() + sizeof "place:" - 1, position.data() + position.size(),
                    place);
  }
  return place;
}

/// Two parts that are copied, and behind them a feed, from where it stood when the run began.
struct Move {
  Script parts[2], feed;
  size_t token = 0;  // where a split finds the feed
  bool feed_is_away = false;
  std::mutex mutex;                 // of what follows
  std::vector<std::string> opened;  // parts, each with the position it was opened at
  std::string log() {
    const std::lock_guard lock(mutex);
    return fmt::format("{}", fmt::join(opened, ", "));
  }
};

class MoveSource final : public Source {
 public:
  explicit MoveSource(Move& move) : move_(move) {}
  SourceInfo info() const override {
    SourceInfo out;
    out.kind = "feed", out.place = "move", out.identity = "move", out.live = true;
    return out;
  }
  std::vector<Partition> split(int) override {
    return {{"0", "copy", 0}, {"1", "copy", 0}, {"2", "feed", 0, at(move_.token), 1}};
  }
  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    const Position& from = after.empty() ? partition.start : after;
    const std::lock_guard lock(move_.mutex);
    if (partition.spec == "feed" && move_.feed_is_away) throw Error(Code::kRead, "it is away");
    move_.opened.push_back(partition.id + " " + from);
    const Script& script =
        partition.spec == "feed" ? move_.feed : move_.parts[partition.id[0] - '0'];
    return std::make_unique<FeedCursor>(script, place_of(from), false);
  }

 private:
  Move& move_;
};

struct Following {
  Following(const Script& script, const std::string& url)
      : Following(std::make_unique<Feed>(script), url, 1) {}
  Following(Move& move, const std::string& place)
      : Following(std::make_unique<MoveSource>(move), place, 2) {}
  Following(std::unique_ptr<Source> source, const std::string& place, int jobs)
      : job(spec("-", place, {column("n", "int4")})) {
    job.impl().source = std::move(source);
    RunSettings settings = one_worker();
    settings.jobs = jobs;
    run = job.start(settings);
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

/// Polls until the run has read so much, or the test has failed.
bool reads(Run& run, uint64_t documents) {
  for (int i = 0; i < 600; ++i) {
    if (run.poll(0).tally.read >= documents) return run.poll(0).tally.read == documents;
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
  CHECK(stopped.status == RunStatus::kStopped);
  CHECK(counts(stopped.tally) ==
        "read 3: inserted 3, updated 0, unchanged 0, skipped 0, rejected 0");

  script.add(documents[3]);
  script.add(documents[4]);
  script.end();
  Following resumed(script, database.url());
  const RunResult done = resumed.run->result();
  CHECK(done.status == RunStatus::kDone);
  CHECK(done.run == stopped.run);
  CHECK(counts(done.tally) == "read 5: inserted 5, updated 0, unchanged 0, skipped 0, rejected 0");
  CHECK(database.rows("select count(*), sum(n) from docs") == "5|10");
}

TEST_CASE("a feed that waits can be stopped at once") {
  Database database;
  Script script;
  Following feed(script, database.url());
  feed.run->stop(StopLevel::kNow);
  CHECK(feed.run->result().status == RunStatus::kStopped);
}

TEST_CASE("a later phase begins when the earlier one is done, where the split said") {
  Database database;
  const std::vector<std::string> documents = numbered(20);
  Move move;
  for (int i = 0; i < 5; ++i) {
    move.parts[0].add(documents[i]);
    move.parts[1].add(documents[5 + i]);
  }
  // What the feed had before the run began is in the copy.
  for (int i = 0; i < 3; ++i) move.feed.add(documents[i]);
  move.token = 3;
  move.parts[0].end();
  std::string run;
  {
    Following copy(move, database.url());
    CHECK(comes(database, "select done from lugger.partitions where partition = '0'", "t"));
    CHECK(comes(database, "select read from lugger.partitions where partition = '1'", "5"));
    move.feed.add(documents[10]);
    CHECK_FALSE(copy.run->ended());
    copy.run->stop(StopLevel::kFinish);
    const RunResult stopped = copy.run->result();
    CHECK(stopped.status == RunStatus::kStopped);
    CHECK(stopped.tally.read == 10);
    run = stopped.run;
  }
  CHECK_THAT(move.log(), !ContainsSubstring("2 "));
  CHECK(
      database.rows("select start, phase, position from lugger.partitions where partition = '2'") ==
      "place:3|1|");

  move.token = 4;  // a split would pass over what came meanwhile
  move.opened.clear();
  {
    Following rest(move, database.url());
    move.parts[1].add(documents[11]);
    move.parts[1].end();
    CHECK(
        comes(database, "select position from lugger.partitions where partition = '2'", "place:4"));
    CHECK(move.log() == "1 place:5, 2 place:3");
    rest.run->stop(StopLevel::kFinish);
    CHECK(rest.run->result().status == RunStatus::kStopped);
  }

  move.opened.clear();
  move.feed.add(documents[12]);
  move.feed.end();
  Following end(move, database.url());
  const RunResult done = end.run->result();
  CHECK(move.log() == "2 place:4");
  CHECK(done.status == RunStatus::kDone);
  CHECK(done.run == run);
  CHECK(counts(done.tally) ==
        "read 13: inserted 13, updated 0, unchanged 0, skipped 0, rejected 0");
  CHECK(database.rows("select count(*), sum(n) from docs") == "13|78");
}

TEST_CASE("a run that ended between two phases goes on with the second one") {
  const Scratch scratch;
  const std::vector<std::string> documents = numbered(6);
  Move move;
  for (int i = 0; i < 4; ++i) move.parts[i % 2].add(documents[i]);
  move.parts[0].end();
  move.parts[1].end();
  move.feed_is_away = true;
  move.token = 0;
  const std::string place = scratch.path("out.jsonl");
  Following copy(move, place);
  const RunResult failed = copy.run->result();
  CHECK(failed.status == RunStatus::kFailed);
  CHECK_THAT(failed.error, ContainsSubstring("it is away"));
  CHECK(failed.tally.read == 4);

  move.feed_is_away = false;
  move.opened.clear();
  move.feed.add(documents[4]);
  Following rest(move, place);
  CHECK(reads(*rest.run, 5));
  move.feed.add(documents[5]);
  move.feed.end();
  const RunResult done = rest.run->result();
  CHECK(done.status == RunStatus::kDone);
  CHECK(done.run == failed.run);
  CHECK(move.log() == "2 place:0");
  CHECK(done.tally.read == 6);
  CHECK(scratch.lines("out.jsonl").size() == 6);
}

TEST_CASE("a task's loop is told that there is nothing yet, and that there will be no more") {
  Script script;
  TaskSpec spec;
  spec.name = "follow";
  Task task(std::move(spec));
  const size_t cursor = task.add_cursor(std::make_unique<Feed>(script), 10);
  CHECK(task.next(cursor) == nullptr);
  CHECK_FALSE(task.exhausted(cursor));
  script.add(numbered(1)[0]);
  REQUIRE(task.next(cursor) != nullptr);
  CHECK(task.position(cursor) == "place:1");
  script.end();
  CHECK(task.next(cursor) == nullptr);
  CHECK(task.exhausted(cursor));
}

TEST_CASE("a limit that is reached in one phase begins no other") {
  const Scratch scratch;
  const std::vector<std::string> documents = numbered(4);
  Move move;
  for (int i = 0; i < 4; ++i) move.parts[i % 2].add(documents[i]);
  move.parts[0].end();
  move.parts[1].end();
  Job job(spec("-", scratch.path("out.jsonl"), {column("n", "int4")}));
  job.impl().source = std::make_unique<MoveSource>(move);
  RunSettings settings = one_worker();
  settings.jobs = 2;
  settings.limit = 3;
  CHECK(job.start(settings)->result().tally.read == 3);
  CHECK_THAT(move.log(), !ContainsSubstring("2 "));
}

}  // namespace lugger::test
