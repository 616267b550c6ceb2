// What a job says before it runs: plan, preview, trace.
#include <filesystem>

#include "engine_fixture.hpp"

namespace lugger::test {
namespace {

std::vector<Column> order_columns() {
  return {column("status", "text"), column("total", "numeric"),
          column("placed_at", "timestamptz", "placedAt")};
}

const TraceStep& step(const Trace& trace, const std::string& column) {
  for (const TraceStep& one : trace.steps) {
    if (one.column == column) return one;
  }
  FAIL("no step for " << column);
  return trace.steps.front();
}

}  // namespace

TEST_CASE("a plan tells tables, DDL and parts, and writes nothing") {
  Database database;
  Job job(spec(dump("orders.bson"), database.url(), order_columns()));
  RunSettings settings = one_worker();
  settings.jobs = 2;
  const JobPlan plan = job.plan(settings);
  CHECK(plan.job == "docs");
  CHECK(plan.source_info.bytes == std::filesystem::file_size(dump("orders.bson")));
  CHECK(plan.forecast_seconds > 0);
  CHECK(plan.tables.size() == 1);
  CHECK(plan.tables[0].columns.size() == 4);
  CHECK(plan.report.mode == "direct");
  CHECK(plan.report.problems.empty());
  REQUIRE_FALSE(plan.report.create.empty());
  CHECK_THAT(plan.report.create.front(), ContainsSubstring("CREATE TABLE"));
  CHECK(plan.connections == static_cast<int>(plan.partitions.size()));
  CHECK(database.rows("select count(*) from pg_class where relname in ('docs', 'runs')") == "0");
}

TEST_CASE("a plan without create names the missing table") {
  Database database;
  Job job(spec(dump("orders.bson"), database.url(), order_columns()));
  RunSettings settings = one_worker();
  settings.create = false;
  const JobPlan plan = job.plan(settings);
  REQUIRE(plan.report.problems.size() == 1);
  CHECK_THAT(plan.report.problems[0], ContainsSubstring("docs") && ContainsSubstring("--create"));
  CHECK(error_of([&] { job.start(settings); }).code() == Code::kConfig);
}

TEST_CASE("a source larger than 50 GB is warned of, not refused") {
  const Scratch scratch;
  const std::string path = scratch.write("large.bson", numbered(1));
  std::error_code failed;
  std::filesystem::resize_file(path, 51'000'000'000, failed);
  if (failed) {
    WARN("no sparse files here");
    return;
  }
  Job job(spec(path, scratch.path("out.jsonl"), {}));
  CHECK(job.plan(one_worker()).warnings.size() == 1);
}

TEST_CASE("several workers get more parts than they are, one gets one") {
  const Scratch scratch;
  scratch.write("large.bson", numbered(1400, 50'000));
  scratch.write("small.bson", numbered(200, 50'000));
  scratch.write("tiny.bson", numbered(200));
  const auto parts = [&](const std::string& file, int jobs) {
    Job job(spec(scratch.path(file), scratch.path("out.jsonl"), {column("n", "int4")}));
    RunSettings settings = one_worker();
    settings.jobs = jobs;
    return job.plan(settings).partitions.size();
  };
  CHECK(parts("large.bson", 1) == 1);
  CHECK(parts("large.bson", 2) == 4);
  CHECK(parts("large.bson", 8) == 8);
  CHECK(parts("small.bson", 2) == 2);
  CHECK(parts("tiny.bson", 2) == 1);
}

TEST_CASE("a preview shows rows as they would be written, and rejects with the reason") {
  const Scratch scratch;
  Job job(spec(dump("orders.bson"), scratch.path("out.jsonl"), order_columns()));
  const Preview preview = job.preview(120);
  REQUIRE(preview.documents.size() == 120);
  CHECK(preview.tally.balanced());
  CHECK(preview.tally.rejected == 10);
  const PreviewDocument& first = preview.documents.front();
  CHECK(first.id == "$n:0");
  CHECK(first.fate == Fate::kLoad);
  REQUIRE(first.rows.size() == 1);
  CHECK(first.rows[0].values ==
        std::vector<std::string>{"$n:0", "new", "0", "2026-03-07T00:00:00Z"});
  for (const PreviewDocument& document : preview.documents) {
    if (document.fate != Fate::kReject) continue;
    CHECK(document.column == "total");
    CHECK(document.code == "bad_value");
    CHECK_THAT(document.message, ContainsSubstring("12abc"));
    CHECK(document.rows.empty());
  }
  CHECK(scratch.lines("out.jsonl").empty());
  CHECK(job.preview(3).documents.size() == 3);
}

TEST_CASE("a trace follows one document column by column") {
  const Scratch scratch;
  Job job(spec(dump("orders.bson"), scratch.path("out.jsonl"), order_columns()));
  const Trace trace = job.trace("$n:3");
  CHECK_THAT(trace.document, ContainsSubstring("placedAt"));
  CHECK(step(trace, "placed_at").from == "placedAt");
  CHECK(step(trace, "placed_at").found_type == "date");
  CHECK(step(trace, "placed_at").outcome == "ok");
  CHECK(step(trace, "total").result == "10.50");
  REQUIRE(trace.outcome.rows.size() == 1);
  CHECK(trace.outcome.rows[0].values[2] == "10.50");
  CHECK_THAT(error_of([&] { job.trace("$n:9999"); }).hint(), ContainsSubstring("canonical text"));
}

TEST_CASE("columns are found by a first pass, or are one document") {
  const Scratch scratch;
  JobSpec automatic = spec(dump("users.bson"), scratch.path("out.jsonl"), {});
  automatic.mapping.columns.clear();
  automatic.columns = ColumnsMode::kAuto;
  Job job(std::move(automatic));
  std::map<std::string, std::string> types;
  for (const Column& one : job.shape()->tables()[0].columns) types[one.name] = one.type.sql;
  CHECK(types["mongo_id"] == "text");
  CHECK(types["id"] == "uuid");
  CHECK(types["balance"] == "numeric");
  CHECK(job.preview(60).tally.inserted == 60);

  JobSpec whole = spec(dump("users.bson"), scratch.path("out.jsonl"), {});
  whole.mapping.columns.clear();
  whole.columns = ColumnsMode::kDocument;
  Job documents(std::move(whole));
  CHECK(documents.shape()->tables()[0].columns.size() == 3);
  CHECK(documents.preview(60).tally.inserted == 60);
}

}  // namespace lugger::test
