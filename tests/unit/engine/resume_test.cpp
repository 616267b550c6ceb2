// Runs that end early: where they go on, and who may not go on with them.
#include <set>

#include "engine_fixture.hpp"

namespace lugger::test {
namespace {

constexpr int kCount = 120000;   // more than two units
constexpr int kGateBatch = 121;  // in the second unit; batches hold 500 documents

/// Stopped in its second unit, with one worker.
RunResult stop_in_the_middle(JobSpec job_spec, StopLevel level) {
  Gate gate(kGateBatch);
  job_spec.hook = gate.hook();
  Job job(std::move(job_spec));
  const std::unique_ptr<Run> run = job.start(one_worker());
  gate.await();
  CHECK(run->poll(0).tally.rows == 50000);
  CHECK_FALSE(run->ended());
  run->stop(level);
  gate.open();
  return run->result();
}

JobSpec numbers(const Scratch& scratch, const std::string& place) {
  return spec(scratch.path("docs.bson"), place, {column("n", "int4")});
}

/// Lets some batches pass and fails then.
struct Failing final : RowHook {
  explicit Failing(int batches) : left(batches) {}
  void apply(Batch&) override {
    if (left-- == 0) throw Error(Code::kHook, "boom");
  }
  int left;
};

RunResult fail_behind(JobSpec job_spec, int batches) {
  job_spec.hook = [batches](const auto&...) { return std::make_unique<Failing>(batches); };
  return run(std::move(job_spec));
}

}  // namespace

TEST_CASE("a stopped run goes on where its last unit ended") {
  const Scratch scratch;
  Database database;
  scratch.write("docs.bson", numbered(kCount));
  for (const StopLevel level : {StopLevel::kFinish, StopLevel::kNow}) {
    const std::string file = fmt::format("out{}.jsonl", static_cast<int>(level));
    for (const std::string& place : {scratch.path(file), database.url()}) {
      INFO(place << " level " << static_cast<int>(level));
      if (place == database.url()) database.rows("drop table if exists docs");
      const RunResult stopped = stop_in_the_middle(numbers(scratch, place), level);
      CHECK(stopped.status == RunStatus::kStopped);
      CHECK(stopped.resume_command == "lugger run docs.lua");
      CHECK(stopped.tally.read == (level == StopLevel::kFinish ? 60500 : 50000));
      CHECK(stopped.tally.balanced());
      const RunResult done = run(numbers(scratch, place));
      CHECK(done.resumed);
      CHECK(done.run == stopped.run);
      CHECK(done.status == RunStatus::kDone);
      CHECK(counts(done.tally) ==
            "read 120000: inserted 120000, updated 0, unchanged 0, skipped 0, rejected 0");
    }
    const std::vector<std::string> lines = scratch.lines(file);
    CHECK(lines.size() == kCount);
    CHECK(std::set<std::string>(lines.begin(), lines.end()).size() == kCount);
    CHECK(database.rows("select count(*), count(distinct mongo_id), sum(n) from docs") ==
          "120000|120000|7199940000");
  }
}

TEST_CASE("a changed script or source is refused with a choice") {
  const Scratch scratch;
  const std::string place = scratch.path("out.jsonl");
  scratch.write("docs.bson", numbered(kCount));
  const RunResult failed = fail_behind(numbers(scratch, place), kGateBatch);
  CHECK(failed.status == RunStatus::kFailed);
  CHECK(failed.error_code == "hook");
  CHECK_THAT(failed.error, ContainsSubstring("boom"));
  CHECK(failed.resume_command == "lugger run docs.lua");
  CHECK(failed.tally.read == 50000);

  JobSpec changed = numbers(scratch, place);
  changed.script_hash = "second";
  const Error refused = error_of([&] { run(changed); });
  CHECK(refused.code() == Code::kConfig);
  CHECK_THAT(refused.message(), ContainsSubstring("the script has"));
  CHECK_THAT(refused.hint(),
             ContainsSubstring("--accept-changes") && ContainsSubstring("--restart"));
  RunSettings accept = one_worker();
  accept.accept_changes = true;
  const RunResult done = run(changed, accept);
  CHECK(done.run == failed.run);
  CHECK(counts(done.tally) ==
        "read 120000: inserted 120000, updated 0, unchanged 0, skipped 0, rejected 0");

  fail_behind(numbers(scratch, place), kGateBatch);
  scratch.write("docs.bson", numbered(kCount + 1));
  CHECK_THAT(error_of([&] { run(numbers(scratch, place), accept); }).message(),
             ContainsSubstring("the source has"));
}

TEST_CASE("a run that committed nothing gives way to a changed script") {
  const Scratch scratch;
  const std::string place = scratch.path("out.jsonl");
  scratch.write("docs.bson", numbered(1000));
  const RunResult failed = fail_behind(numbers(scratch, place), 0);
  CHECK(failed.status == RunStatus::kFailed);
  JobSpec changed = numbers(scratch, place);
  changed.script_hash = "second";
  const RunResult done = run(changed);
  CHECK(done.run != failed.run);
  CHECK_FALSE(done.resumed);
  CHECK(scratch.lines("out.jsonl").size() == 1000);
}

TEST_CASE("a restart begins again and takes back what the unfinished run wrote") {
  const Scratch scratch;
  Database database;
  scratch.write("docs.bson", numbered(kCount));
  const RunResult stopped =
      stop_in_the_middle(numbers(scratch, database.url()), StopLevel::kFinish);
  RunSettings restart = one_worker();
  restart.restart = true;
  const RunResult done = run(numbers(scratch, database.url()), restart);
  CHECK(done.run != stopped.run);
  CHECK_FALSE(done.resumed);
  CHECK(done.tally.read == kCount);
  CHECK(done.tally.balanced());
  CHECK(database.rows("select count(*), count(distinct mongo_id) from docs") == "120000|120000");
  CHECK(database.rows("select status from lugger.runs order by started_at") == "abandoned\ndone");
}

TEST_CASE("the same job cannot run twice at once") {
  const Scratch scratch;
  Database database;
  scratch.write("docs.bson", numbered(1000));
  for (const std::string& place : {scratch.path("out.jsonl"), database.url()}) {
    INFO(place);
    Gate gate(1);
    JobSpec slow = numbers(scratch, place);
    slow.hook = gate.hook();
    Job first(std::move(slow));
    const std::unique_ptr<Run> under_way = first.start(one_worker());
    gate.await();
    const Error refused = error_of([&] { run(numbers(scratch, place)); });
    CHECK(refused.code() == Code::kConflict);
    CHECK_THAT(refused.message(), ContainsSubstring("docs is already running"));
    gate.open();
    CHECK(under_way->result().status == RunStatus::kDone);
    CHECK(run(numbers(scratch, place)).status == RunStatus::kDone);
  }
}

}  // namespace lugger::test
