// Jobs worked by hand: what a script's loop asks of the engine.
#include "engine/task.hpp"

#include <thread>

#include "engine_fixture.hpp"
#include "registry/registry.hpp"
#include "value/json_reader.hpp"

namespace lugger::test {
namespace {

constexpr uint32_t kRows = 50;

TaskOutput output(const JobSpec& job) {
  return {job.target, job.target_options, job.mapping, job.throttle};
}

RunResult finish(Task& task, RunStatus status = RunStatus::kDone, const Error* error = nullptr) {
  task.end(status, error);
  return task.result();
}

/// As a script's loop does it.
void commit(Task& task, const Position& position) {
  while (!task.commit(position)) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

/// A task over the orders of the shop, with its cursor and its writer.
struct Orders {
  explicit Orders(const std::string& place, RunSettings settings = one_worker(),
                  std::vector<IndexMapping> indexes = {})
      : task(made(std::move(settings))) {
    JobSpec job = spec(dump("orders.bson"), place, {column("total", "numeric")});
    job.mapping.indexes = std::move(indexes);
    cursor = task.add_cursor(open_source(job.source, job.source_options), kRows);
    writer = task.add_writer(output(job));
  }
  static TaskSpec made(RunSettings settings) {
    TaskSpec out;
    out.name = "orders";
    out.script_hash = "first";
    out.resume_command = "lugger run task.lua";
    out.settings = std::move(settings);
    return out;
  }
  /// One batch through the mapping and committed; false at the end.
  bool step() {
    Batch* batch = task.next(cursor);
    if (batch == nullptr) return false;
    task.write(writer, *batch);
    commit(task, task.position(cursor));
    return true;
  }

  void add(const char* json, GivenDocument of = {}) {
    task.add(writer, as_bytes(bson_from_json(json)), "", of);
  }

  Task task;
  size_t cursor = 0, writer = 0;
};

}  // namespace

TEST_CASE("a task writes batches and commits them") {
  Database database;
  Orders orders(database.url());
  int batches = 0;
  while (orders.step()) ++batches;
  CHECK(batches == 3);
  const RunResult result = finish(orders.task);
  CHECK(result.status == RunStatus::kDone);
  CHECK(counts(result.tally) ==
        "read 120: inserted 110, updated 0, unchanged 0, skipped 0, rejected 10");
  CHECK(database.rows("select count(*) from docs") == "110");
  CHECK(database.rows("select count(*) from lugger.rejects") == "10");
}

TEST_CASE("a task outlasts connections that are cut, wherever it stands") {
  const char* cut =
      "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = "
      "current_database() and pid <> pg_backend_pid()";
  std::map<std::string, uint64_t> unmapped;
  for (int place = 0; place < 4; ++place) {
    INFO(place);
    Database database;
    Orders orders(database.url());
    if (place == 1) database.rows(cut);
    Batch* batch = orders.task.next(orders.cursor);
    REQUIRE(batch != nullptr);
    if (place == 2) database.rows(cut);
    orders.task.write(orders.writer, *batch);
    orders.add(R"({"mongo_id":"by hand","total":"1"})");
    if (place == 3) database.rows(cut);
    const Position position = orders.task.position(orders.cursor);
    commit(orders.task, position);
    while (orders.step()) continue;
    const RunResult done = finish(orders.task);
    CHECK(done.status == RunStatus::kDone);
    CHECK(done.tally.balanced());
    CHECK(done.tally.inserted == 111);
    CHECK(done.tally.rejected == 10);
    if (place == 0) unmapped = done.unmapped;
    CHECK((done.unmapped == unmapped));
    CHECK(database.rows("select count(*), count(distinct mongo_id) from docs") == "111|111");
    CHECK(database.rows("select count(*) from lugger.rejects") == "10");
    CHECK(
        database.rows("select read, status from lugger.runs join lugger.partitions using (run)") ==
        "121|done");
  }
}

TEST_CASE("what a task could not finish is recorded as failed") {
  Database database;
  IndexMapping index;
  index.columns = {"total"};
  Orders orders(database.url(), one_worker(), {index});
  while (orders.step()) continue;
  database.rows("drop table lugger.stage_steps");
  const RunResult failed = finish(orders.task);
  CHECK(failed.status == RunStatus::kFailed);
  CHECK_THAT(failed.error, ContainsSubstring("stage_steps"));
  CHECK(database.rows("select status from lugger.runs") == "failed");
}

TEST_CASE("a task that nobody brought to an end is resumable, and its job is free") {
  Database database;
  {
    Orders orders(database.url());
    REQUIRE(orders.step());
  }
  CHECK(database.rows("select status from lugger.runs") == "stopped");
  Orders again(database.url());
  while (again.step()) continue;
  CHECK(finish(again.task).resumed);
}

TEST_CASE("behind a commit that was refused nothing is committed") {
  Database database;
  Orders orders(database.url());
  Batch* batch = orders.task.next(orders.cursor);
  REQUIRE(batch != nullptr);
  orders.task.write(orders.writer, *batch);
  database.rows("drop table docs");
  const Position position = orders.task.position(orders.cursor);
  CHECK_THROWS(commit(orders.task, position));
  CHECK_THROWS(orders.step());
  CHECK(database.rows("select read from lugger.partitions") == "0");
}

TEST_CASE("a task that stopped goes on behind its last commit") {
  Database database;
  const Scratch scratch;
  for (const std::string& place : {database.url(), scratch.path("out.jsonl")}) {
    INFO(place);
    std::string first_run;
    {
      Orders orders(place);
      REQUIRE(orders.step());
      Batch* lost = orders.task.next(orders.cursor);
      REQUIRE(lost != nullptr);
      orders.task.write(orders.writer, *lost);
      const RunResult stopped = finish(orders.task, RunStatus::kStopped);
      CHECK(stopped.tally.read == kRows);
      CHECK(stopped.resume_command == "lugger run task.lua");
      first_run = stopped.run;
    }
    Orders again(place);
    while (again.step()) continue;
    const RunResult done = finish(again.task);
    CHECK(done.resumed);
    CHECK(done.run == first_run);
    CHECK(counts(done.tally) ==
          "read 120: inserted 110, updated 0, unchanged 0, skipped 0, rejected 10");
  }
  CHECK(database.rows("select count(*), count(distinct mongo_id) from docs") == "110|110");
  CHECK(scratch.lines("out.jsonl").size() == 110);
}

TEST_CASE("what was rolled back is not there, and can be written after all") {
  Database database;
  Orders orders(database.url());
  Batch* batch = orders.task.next(orders.cursor);
  REQUIRE(batch != nullptr);
  orders.task.write(orders.writer, *batch);
  orders.task.rollback();
  CHECK(database.rows("select count(*) from docs") == "0");
  CHECK(orders.task.tally().read == 0);
  orders.add(R"({"mongo_id":"by hand","total":{"$numberDecimal":"9.90"}})");
  orders.task.commit(orders.task.position(orders.cursor));
  CHECK(database.rows("select mongo_id, total from docs") == "by hand|9.90");
  CHECK(counts(finish(orders.task).tally) ==
        "read 1: inserted 1, updated 0, unchanged 0, skipped 0, rejected 0");
}

TEST_CASE("a task refuses documents and rows with a reason") {
  Database database;
  Orders orders(database.url());
  Batch* batch = orders.task.next(orders.cursor);
  REQUIRE(batch != nullptr);
  orders.task.reject(orders.writer, {batch, 0}, "total", "not today");
  orders.add(R"({"mongo_id":"bad","total":"12abc"})");
  orders.add(R"({"mongo_id":"good","total":"12"})");
  orders.task.commit(orders.task.position(orders.cursor));
  CHECK(
      database.rows("select document_id, code, message from lugger.rejects where code = 'hook'") ==
      "$n:0|hook|not today");
  CHECK(database.rows("select count(*) from lugger.rejects where message like '%12abc%'") == "1");
  CHECK(database.rows("select mongo_id, total from docs") == "good|12");
  const Tally tally = orders.task.tally();
  CHECK(counts(tally) == "read 52: inserted 1, updated 0, unchanged 0, skipped 49, rejected 2");
  CHECK(tally.balanced());
}

TEST_CASE("a task's books are by document, whatever rows a document gave") {
  Database database;
  Orders orders(database.url());
  Batch* batch = orders.task.next(orders.cursor);
  REQUIRE(batch != nullptr);
  orders.add(R"({"mongo_id":"a","total":"1"})", {batch, 0});
  orders.add(R"({"mongo_id":"b","total":"2"})", {batch, 1});
  orders.add(R"({"mongo_id":"c","total":"3"})", {batch, 0});
  orders.add(R"({"mongo_id":"d","total":"4"})", {batch, 2});
  orders.add(R"({"mongo_id":"e","total":"12abc"})", {batch, 2});
  orders.add(R"({"mongo_id":"f","total":"6"})", {batch, 3});
  orders.task.skip({batch, 3}, "a whim");
  orders.add(R"({"mongo_id":"g","total":"7"})", {batch, 4});
  orders.task.reject(orders.writer, {batch, 4}, "", "another");
  orders.task.skip({batch, 4}, "too late");
  orders.task.commit(orders.task.position(orders.cursor));
  CHECK(database.rows("select string_agg(mongo_id, ',' order by mongo_id) from docs") == "a,b,c");
  CHECK(database.rows("select document_id from lugger.rejects order by 1") == "$n:2\n$n:4");
  const RunResult result = finish(orders.task);
  CHECK(counts(result.tally) ==
        "read 50: inserted 2, updated 0, unchanged 0, skipped 46, rejected 2");
  CHECK(result.tally.rows == 3);
  CHECK(result.skip_reasons.at("a whim") == 1);
  CHECK(result.skip_reasons.at(std::string(kLeftOut)) == 45);
}

TEST_CASE("a task commits no position but that behind its last batch") {
  Database database;
  Orders orders(database.url());
  REQUIRE(orders.step());
  const Position before = orders.task.position(orders.cursor);
  REQUIRE(orders.task.next(orders.cursor) != nullptr);
  for (const Position& wrong : {Position("junk"), before, Position("")}) {
    const Error refused = error_of([&] { orders.task.commit(wrong); });
    CHECK_THAT(refused.message(), ContainsSubstring("is not the position behind the last batch"));
  }
  commit(orders.task, orders.task.position(orders.cursor));
  CHECK(database.rows("select read from lugger.partitions") == "100");
}

TEST_CASE("a task of another script does not go on with this one") {
  Database database;
  {
    Orders orders(database.url());
    REQUIRE(orders.step());
    const Error cause(Code::kHook, "boom");
    CHECK_THAT(finish(orders.task, RunStatus::kFailed, &cause).error, ContainsSubstring("boom"));
  }
  CHECK(database.rows("select status from lugger.runs") == "failed");
  TaskSpec changed = Orders::made(one_worker());
  changed.script_hash = "second";
  Task task(std::move(changed));
  JobSpec job = spec(dump("orders.bson"), database.url(), {column("total", "numeric")});
  task.add_cursor(open_source(job.source, job.source_options), kRows);
  const Error refused = error_of([&] { task.add_writer(output(job)); });
  CHECK_THAT(refused.hint(), ContainsSubstring("--accept-changes"));
}

TEST_CASE("a task keeps its limit, and a dry one writes nothing") {
  Database database;
  RunSettings settings = one_worker();
  settings.limit = 70;
  settings.dry_run = true;
  Orders orders(database.url(), settings);
  while (orders.step()) continue;
  const RunResult result = finish(orders.task);
  CHECK(result.tally.read == 70);
  CHECK(result.tally.balanced());
  CHECK(database.rows("select count(*) from pg_class where relname in ('docs', 'runs')") == "0");
}

TEST_CASE("writing without a writer says what to do") {
  Task task(Orders::made(one_worker()));
  const Error refused = error_of([&] { task.commit(""); });
  CHECK_THAT(refused.message(), ContainsSubstring("has no writer"));
  CHECK_THAT(refused.hint(), ContainsSubstring("task:writer"));
}

}  // namespace lugger::test
