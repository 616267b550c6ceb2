// Whole runs: the books, limits, dry runs, rejects tried again.
#include <filesystem>
#include <set>
#include <thread>

#include "engine/allowance.hpp"
#include "engine_fixture.hpp"
#include "value/json_reader.hpp"

namespace lugger::test {
namespace {

std::vector<Column> totals(OnError on_error = OnError::kReject) {
  std::vector<Column> out = {column("total", "numeric"), column("status", "text")};
  out[0].on_error = on_error;
  return out;
}

}  // namespace

TEST_CASE("a run into JSON lines accounts for every document") {
  const Scratch scratch;
  const RunResult result = run(spec(dump("orders.bson"), scratch.path("out.jsonl"), totals()));
  CHECK(result.status == RunStatus::kDone);
  CHECK(counts(result.tally) ==
        "read 120: inserted 110, updated 0, unchanged 0, skipped 0, rejected 10");
  CHECK(result.tally.bytes == std::filesystem::file_size(dump("orders.bson")));
  CHECK(result.reject_codes == std::map<std::string, uint64_t>{{"bad_value", 10}});
  CHECK(scratch.lines("out.jsonl").size() == 110);
  CHECK(result.resume_command.empty());
}

TEST_CASE("a run into PostgreSQL accounts for every document, and a second one inserts none") {
  Database database;
  const RunResult first = run(spec(dump("orders.bson"), database.url(), totals()));
  CHECK(counts(first.tally) ==
        "read 120: inserted 110, updated 0, unchanged 0, skipped 0, rejected 10");
  CHECK(database.rows("select count(*), count(distinct mongo_id) from docs") == "110|110");
  CHECK(database.rows("select count(*), min(code), max(code) from lugger.rejects") ==
        "10|bad_value|bad_value");
  const RunResult second = run(spec(dump("orders.bson"), database.url(), totals()));
  CHECK(counts(second.tally) ==
        "read 120: inserted 0, updated 0, unchanged 110, skipped 0, rejected 10");
  CHECK(second.run != first.run);
  CHECK(database.rows("select status, count(*) from lugger.runs group by 1") == "done|2");
  CHECK(database.rows("select count(*) from lugger.rejects") == "10");
}

TEST_CASE("several workers read every document once") {
  const Scratch scratch;
  Database database;
  const std::string source = scratch.write("docs.bson", numbered(60000, 200));
  RunSettings settings = one_worker();
  settings.jobs = 3;
  const RunResult result = run(spec(source, database.url(), {column("n", "int4")}), settings);
  CHECK(counts(result.tally) ==
        "read 60000: inserted 60000, updated 0, unchanged 0, skipped 0, rejected 0");
  CHECK(database.rows("select count(*), sum(n) from docs") == "60000|1799970000");
  CHECK(database.rows("select count(*) from lugger.partitions where read > 0") == "3");
}

TEST_CASE("a limit holds for all workers together") {
  const Scratch scratch;
  const std::string source = scratch.write("docs.bson", numbered(60000));
  for (const uint64_t limit : {1, 777, 59999}) {
    RunSettings settings = one_worker();
    settings.jobs = 3;
    settings.limit = limit;
    const std::string out = fmt::format("out{}.jsonl", limit);
    const RunResult result = run(spec(source, scratch.path(out), {column("n", "int4")}), settings);
    CHECK(result.tally.read == limit);
    CHECK(scratch.lines(out).size() == limit);
  }
}

TEST_CASE("A6: a limit is exact however wide the documents are") {
  const Scratch scratch;
  std::vector<std::string> wide;
  for (int i = 0; i < 3000; ++i) {
    wide.push_back(
        bson_from_json(fmt::format(R"({{"_id": {}, "n": {}, "pad": "{}"}})", i, i,
                                   std::string(static_cast<size_t>(i * 7919 % 20000), 'x'))));
  }
  const std::string source = scratch.write("docs.bson", wide);
  for (const int jobs : {1, 3}) {
    for (const uint64_t limit : {1, 499, 1000, 2999, 3000, 5000}) {
      RunSettings settings = one_worker();
      settings.jobs = jobs;
      settings.limit = limit;
      const std::string out = fmt::format("out{}-{}.jsonl", jobs, limit);
      const RunResult result =
          run(spec(source, scratch.path(out), {column("n", "int4")}), settings);
      const uint64_t expected = std::min<uint64_t>(limit, 3000);
      CHECK(result.tally.read == expected);
      CHECK(scratch.lines(out).size() == expected);
    }
  }
}

TEST_CASE("A6: workers that wait for a claim get what others could not use") {
  Allowance allowance;
  StopFlag stop;
  allowance.set_limit(1000, 0);
  CHECK(allowance.claim(600, stop) == 600);
  CHECK(allowance.claim(600, stop) == 400);
  std::thread reader([&] { allowance.settle(600, 100); });
  CHECK(allowance.claim(600, stop) == 500);  // waits for the reader
  reader.join();
  allowance.settle(400, 400);
  allowance.settle(500, 500);
  CHECK(allowance.claim(600, stop) == 0);
  allowance.give_back(3);
  CHECK(allowance.claim(600, stop) == 3);
  Allowance resumed;
  resumed.set_limit(1000, 997);
  CHECK(resumed.claim(600, stop) == 3);
}

TEST_CASE("a dry run counts as a run does and leaves nothing behind") {
  Database database;
  RunSettings settings = one_worker();
  settings.dry_run = true;
  const RunResult result = run(spec(dump("orders.bson"), database.url(), totals()), settings);
  CHECK(result.dry_run);
  CHECK(counts(result.tally) ==
        "read 120: inserted 110, updated 0, unchanged 0, skipped 0, rejected 10");
  CHECK(database.rows("select count(*) from pg_namespace where nspname = 'lugger'") == "0");
  CHECK(database.rows("select count(*) from pg_class where relname = 'docs'") == "0");

  const Scratch scratch;
  run(spec(dump("orders.bson"), scratch.path("out.jsonl"), totals()), settings);
  CHECK_FALSE(std::filesystem::exists(scratch.path("out.jsonl")));
  CHECK_FALSE(std::filesystem::exists(scratch.path("out.jsonl.state")));
}

TEST_CASE("rejects are loaded after the mapping was mended") {
  Database database;
  const Scratch scratch;
  for (const std::string& place : {database.url(), scratch.path("out.jsonl")}) {
    INFO(place);
    CHECK(run(spec(dump("orders.bson"), place, totals())).tally.rejected == 10);
    RunSettings again = one_worker();
    again.retry_rejects = true;
    const RunResult unmended = run(spec(dump("orders.bson"), place, totals()), again);
    CHECK(counts(unmended.tally) ==
          "read 10: inserted 0, updated 0, unchanged 0, skipped 0, rejected 10");
    const RunResult mended = run(spec(dump("orders.bson"), place, totals(OnError::kNull)), again);
    CHECK(counts(mended.tally) ==
          "read 10: inserted 10, updated 0, unchanged 0, skipped 0, rejected 0");
    CHECK(run(spec(dump("orders.bson"), place, totals()), again).tally.read == 0);
  }
  CHECK(database.rows("select count(*), count(total) from docs") == "120|110");
  CHECK(database.rows("select count(*) from lugger.rejects") == "0");
}

TEST_CASE("rejects tried again are added to the lines that are there") {
  const Scratch scratch;
  const std::string place = scratch.path("out.jsonl");
  run(spec(dump("orders.bson"), place, totals()));
  RunSettings again = one_worker();
  again.retry_rejects = true;
  run(spec(dump("orders.bson"), place, totals(OnError::kNull)), again);
  const std::vector<std::string> lines = scratch.lines("out.jsonl");
  CHECK(std::set<std::string>(lines.begin(), lines.end()).size() == 120);
}

TEST_CASE("fields that nobody took are counted") {
  const Scratch scratch;
  JobSpec job = spec(dump("orders.bson"), scratch.path("out.jsonl"), totals());
  job.mapping.unmapped = Unmapped::kWarn;
  const RunResult result = run(std::move(job));
  CHECK(result.unmapped.at("placedAt") == 120);
  CHECK(result.unmapped.count("total") == 0);
}

}  // namespace lugger::test
