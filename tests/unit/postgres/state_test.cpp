#include "place/state.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "catch.hpp"
#include "place/state_file.hpp"
#include "postgres/binaries.hpp"
#include "postgres/server.hpp"
#include "postgres/session.hpp"
#include "postgres/state.hpp"

using namespace lugger;

namespace {

namespace fs = std::filesystem;

std::string server_url() {
  static std::shared_ptr<PgServer> server;
  if (installed_servers().empty()) {
    std::fputs("SKIP: no PostgreSQL server is installed\n", stderr);
    std::exit(77);
  }
  return resolve_pg_url("local:", server);
}

/// A directory of its own for each test, gone afterwards.
struct Scratch {
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "lugger-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path = pattern;
  }
  ~Scratch() { fs::remove_all(path); }
  fs::path path;
};

RunRecord a_run(const std::string& run, const std::string& job) {
  RunRecord out;
  out.run = run;
  out.job = job;
  out.script_hash = "h";
  out.source = "dump/users.bson";
  out.source_identity = "1 2";
  out.mode = "direct";
  out.status = RunStatus::kRunning;
  out.command = "lugger run users.lua";
  out.now = "2026-01-02T03:04:05.000006Z";
  return out;
}

PartitionRecord a_partition(const std::string& id, const std::string& spec = "",
                            uint64_t bytes = 0) {
  PartitionRecord out;
  out.id = id;
  out.spec = spec;
  out.bytes = bytes;
  return out;
}

UnitRecord a_unit(const std::string& run, const std::string& partition) {
  UnitRecord unit;
  unit.run = run;
  unit.partition = partition;
  unit.position = "offset 400";
  unit.tally.read = 10, unit.tally.inserted = 7, unit.tally.skipped = 1, unit.tally.rejected = 2;
  unit.tally.rows = 9, unit.tally.child_rows = 2, unit.tally.bytes = 400;
  RejectRecord reject;
  reject.table = "users";
  reject.document_id = std::string("a\0b", 3);
  reject.column = "age";
  reject.code = "bad_value";
  reject.message = "cannot read \"n/a\" as int4\t\xff\n";
  reject.document = R"({"_id":"a\u0000b","age":"n/a"})";
  reject.raw = std::string("\x05\0\0\0\0\xff\n\t%", 9);
  unit.rejects = {reject, reject};
  unit.rejects[1].document = "";
  return unit;
}

using Commit = std::function<void(const UnitRecord&)>;

void round_trip(State& state, const Commit& commit, const std::string& job) {
  const std::string first = job + "-1", second = job + "-2";
  state.ensure();
  state.ensure();
  CHECK_FALSE(state.latest(job).has_value());
  state.start(a_run(first, job), {});
  state.set_status(first, RunStatus::kAbandoned, "restarted");
  PartitionRecord later = a_partition("p0", "400-900", 500);
  later.start = "token 7", later.phase = 1;
  state.start(a_run(second, job), {a_partition("p1", "0-400", 400), later});
  commit(a_unit(second, "p1"));
  UnitRecord last = a_unit(second, "p1");
  last.position = "offset 800";
  last.done = true;
  last.rejects.clear();
  commit(last);

  const std::vector<PartitionRecord> partitions = state.partitions(second);
  REQUIRE(partitions.size() == 2);
  CHECK(partitions[0].id == "p1");
  CHECK(partitions[0].spec == "0-400");
  CHECK(partitions[0].position == "offset 800");
  CHECK(partitions[0].done);
  CHECK(partitions[0].bytes == 400);
  CHECK(partitions[0].tally.read == 20);
  CHECK(partitions[0].tally.child_rows == 4);
  CHECK_FALSE(partitions[1].done);
  CHECK(partitions[1].tally.read == 0);
  CHECK(partitions[0].start.empty());
  CHECK(partitions[0].phase == 0);
  CHECK(partitions[1].start == "token 7");
  CHECK(partitions[1].position.empty());
  CHECK(partitions[1].phase == 1);

  const std::optional<RunRecord> latest = state.latest(job);
  REQUIRE(latest.has_value());
  CHECK(latest->run == second);
  CHECK(latest->status == RunStatus::kRunning);
  CHECK(latest->source_identity == "1 2");
  CHECK(latest->now == "2026-01-02T03:04:05.000006Z");
  CHECK(latest->started.ends_with("Z"));
  CHECK(latest->tally.inserted == 14);
  CHECK(latest->tally.balanced());
  CHECK(state.find(first)->message == "restarted");
  CHECK_FALSE(state.find("no such run").has_value());
  REQUIRE(state.runs(1).size() == 1);
  CHECK(state.runs(1)[0].run == second);

  CHECK(state.count_rejects(job) == 2);
  CHECK(state.count_rejects("another") == 0);
  std::vector<RejectRecord> rejects;
  state.each_reject(job, [&](const RejectRecord& reject) {
    rejects.push_back(reject);
    return true;
  });
  REQUIRE(rejects.size() == 2);
  CHECK(rejects[0].run == second);
  CHECK(rejects[0].job == job);
  CHECK(rejects[0].raw == a_unit(second, "p1").rejects[0].raw);
  CHECK(rejects[0].document == a_unit(second, "p1").rejects[0].document);
  CHECK_THAT(rejects[0].message, ContainsSubstring("cannot read \"n/a\" as int4"));
  CHECK(rejects[1].document.empty());
  CHECK(rejects[0].reject < rejects[1].reject);
  state.delete_rejects({rejects[0].reject});
  CHECK(state.count_rejects(job) == 1);
}

/// What a second process is told when it asks for the job. Only the state is used there: the server
/// of this process must stay.
std::pair<bool, std::string> lease_in_child(const std::function<std::unique_ptr<State>()>& make,
                                            const std::string& job) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    std::string holder;
    bool got = false;
    try {
      got =
          make().release()->lease(job, holder);  // never given back: the process ends as if killed
    } catch (const std::exception& error) {
      holder = error.what();
    }
    const std::string text = (got ? "+" : "-") + holder;
    _exit(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  char text[512];
  const ssize_t got = read(ends[0], text, sizeof text);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(got > 0);
  return {text[0] == '+', std::string(text + 1, static_cast<size_t>(got) - 1)};
}

}  // namespace

TEST_CASE("state in PostgreSQL gives back what it was told") {
  const std::string url = server_url();
  for (const bool pooled : {false, true}) {
    const std::unique_ptr<State> state = make_pg_state(url, "lug\"ger", pooled);
    PgSession session(url, "test", pooled);
    const Commit commit = [&](const UnitRecord& unit) {
      session.begin();
      write_unit(session, "lug\"ger", unit);
      session.commit();
    };
    round_trip(*state, commit, pooled ? "pooled" : "direct");
  }
}

TEST_CASE("a unit that is rolled back leaves neither checkpoint nor rejects") {
  const std::unique_ptr<State> state = make_pg_state(server_url(), "undone", false);
  state->ensure();
  state->start(a_run("r", "j"), {a_partition("p")});
  PgSession session(server_url(), "test");
  session.begin();
  write_unit(session, "undone", a_unit("r", "p"));
  session.rollback();
  CHECK(state->partitions("r")[0].tally.read == 0);
  CHECK(state->count_rejects("j") == 0);
}

TEST_CASE("many and large and deep rejects are stored") {
  const std::unique_ptr<State> state = make_pg_state(server_url(), "many", false);
  state->ensure();
  state->start(a_run("r", "j"), {a_partition("p")});
  UnitRecord unit = a_unit("r", "p");
  unit.rejects.resize(1001, unit.rejects[0]);
  unit.rejects[5].raw = std::string(17 << 20, '\xfe');
  unit.rejects[6].document = std::string(10000, '[') + std::string(10000, ']');
  PgSession session(server_url(), "test");
  session.begin();
  write_unit(session, "many", unit);
  session.commit();
  CHECK(state->count_rejects("j") == 1001);
  size_t seen = 0, large = 0;
  state->each_reject("j", [&](const RejectRecord& reject) {
    large = std::max(large, reject.raw.size());
    return ++seen < 60;
  });
  CHECK(seen == 60);
  CHECK(large == 17 << 20);
}

TEST_CASE("the state schema is closed to PUBLIC, and a newer one is refused") {
  const std::unique_ptr<State> state = make_pg_state(server_url(), "closed", false);
  state->ensure();
  PgSession session(server_url(), "test");
  session.execute("CREATE ROLE stranger LOGIN");
  CHECK(session.query("SELECT has_schema_privilege('stranger', 'closed', 'USAGE')").text(0, 0) ==
        "f");
  CHECK(session.query("SELECT has_table_privilege('stranger', 'closed.rejects', 'SELECT')")
            .text(0, 0) == "f");
  std::string url = server_url();
  url.replace(url.find("user=lugger"), 11, "user=stranger");
  const std::unique_ptr<State> denied = make_pg_state(url, "not_there", false);
  try {
    denied->ensure();
    FAIL("made a schema without the right to");
  } catch (const Error& error) {
    CHECK(error.code() == Code::kConfig);
    CHECK_THAT(error.hint(), ContainsSubstring("lugger state sql"));
  }
  session.execute("INSERT INTO closed.meta (version) VALUES (1000)");
  CHECK_THROWS_WITH(state->ensure(), ContainsSubstring("newer lugger"));
}

TEST_CASE("a unit whose books do not balance is not recorded") {
  const std::unique_ptr<State> state = make_pg_state(server_url(), "books", false);
  state->ensure();
  state->start(a_run("r", "j"), {a_partition("p")});
  UnitRecord unit = a_unit("r", "p");
  ++unit.tally.read;
  PgSession session(server_url(), "test");
  session.begin();
  CHECK_THROWS_WITH(write_unit(session, "books", unit),
                    ContainsSubstring("read 11 is not inserted 7"));
  session.rollback();
  CHECK(state->partitions("r")[0].tally.read == 0);
}

TEST_CASE("a ledger of version 6 is upgraded, and read by whoever may not") {
  PgSession session(server_url(), "test");
  const auto state = [](const std::string& url) { return make_pg_state(url, "older", false); };
  state(server_url())->ensure();
  state(server_url())->start(a_run("r", "j"), {a_partition("p")});
  session.execute(
      "ALTER TABLE older.partitions DROP COLUMN start, DROP COLUMN phase, DROP COLUMN deleted; "
      "ALTER TABLE older.rejects DROP COLUMN operation; ALTER TABLE older.leases DROP COLUMN "
      "beat_at; DROP TABLE older.feeds, older.spool, older.notices, older.watched, "
      "older.column_change_steps, older.column_changes; "
      "DROP INDEX older.rejects_document");
  session.execute("DELETE FROM older.meta WHERE version > 6");
  CHECK(state(server_url())->partitions("r")[0].phase == 0);
  state(server_url())->ensure();
  CHECK(session.query("SELECT start, phase FROM older.partitions").text(0, 1) == "0");
  CHECK(session.query("SELECT max(version) FROM older.meta").text(0, 0) == "13");
}

TEST_CASE("partitions are claimed phase by phase") {
  const std::unique_ptr<State> state = make_pg_state(server_url(), "phases", false);
  state->ensure();
  RunRecord run = a_run("r", "j");
  run.joint = true;
  PartitionRecord feed = a_partition("feed");
  feed.phase = 1;
  state->start(run, {feed, a_partition("a"), a_partition("b")});
  const std::unique_ptr<Claims> claims = state->join("r");
  const auto finish = [](const std::string& partition) {
    PgSession session(server_url(), "test");
    UnitRecord unit = a_unit("r", partition);
    unit.done = true;
    session.begin();
    write_unit(session, "phases", unit);
    session.commit();
  };
  CHECK(claims->take().partition->id == "a");
  CHECK(claims->take().partition->id == "b");
  finish("a");
  const Claimed none = claims->take();
  CHECK_FALSE(none.partition.has_value());
  CHECK_FALSE(none.all_done);
  finish("b");
  CHECK(claims->take().partition->id == "feed");
  finish("feed");
  CHECK(claims->take().all_done);
}

TEST_CASE("the printed DDL is what ensure() accepts") {
  PgSession session(server_url(), "test");
  session.execute(state_ddl("by hand"));
  const std::unique_ptr<State> state = make_pg_state(server_url(), "by hand", false);
  state->ensure();
  state->start(a_run("r", "j"), {a_partition("p")});
  CHECK(state->partitions("r").size() == 1);
}

TEST_CASE("a job is leased to one process, and free when that has gone") {
  const std::string url = server_url();
  for (const bool pooled : {false, true}) {
    const std::string schema = pooled ? "lease_pooled" : "lease_direct";
    const auto make = [&] { return make_pg_state(url, schema, pooled); };
    std::unique_ptr<State> mine = make();
    mine->ensure();
    std::string holder;
    REQUIRE(mine->lease("j", holder));
    const auto [got, told] = lease_in_child(make, "j");
    CHECK_FALSE(got);
    CHECK_THAT(told, ContainsSubstring(std::to_string(getpid())));
    CHECK(lease_in_child(make, "other").first);
    // A pooled process respects a direct holder, and the other way about.
    CHECK_FALSE(make_pg_state(url, schema, !pooled)->lease("j", holder));
    mine.reset();
    CHECK(lease_in_child(make, "j").first);
    // The lock went with the child; what a pooled child left is a row that is still fresh.
    CHECK(make()->lease("j", holder) == !pooled);
  }
}

TEST_CASE("one heartbeat renews all leases, and a commit that holds one keeps it from none") {
  const std::string url = server_url(), schema = "beats";
  const std::unique_ptr<State> one = make_pg_state(url, schema, false);
  one->ensure();
  const std::unique_ptr<State> other = make_pg_state(url, schema, false);
  std::string holder;
  REQUIRE(one->lease("one", holder));
  REQUIRE(other->lease("other", holder));
  PgSession committing(url, "test"), session(url, "test");
  const auto comes_to = [&](const std::string& wanted) {
    for (int tries = 0; tries < 150; ++tries) {
      const PgRows rows = session.query(
          "SELECT string_agg(job, ',' ORDER BY job) FROM beats.leases WHERE beat_at IS NOT NULL");
      if (rows.text(0, 0) == wanted) return true;
      usleep(100'000);
    }
    return false;
  };
  committing.begin();
  committing.query("SELECT FROM beats.leases WHERE job = 'one' FOR SHARE");
  CHECK(comes_to("other"));
  CHECK(session.query("SELECT FROM pg_stat_activity WHERE application_name = 'lugger lease'")
            .size() == 1);
  committing.rollback();
  CHECK(comes_to("one,other"));
}

TEST_CASE("state in a directory gives back what it was told") {
  const Scratch scratch;
  const std::unique_ptr<State> state = make_file_state(scratch.path / ".lugger");
  UnitLedger ledger(scratch.path / ".lugger");
  uint64_t size = 0;
  const Commit commit = [&](const UnitRecord& unit) { ledger.add(unit, size += 100); };
  round_trip(*state, commit, "job");
  CHECK(ledger.output_size("job-2") == 200);
  CHECK(ledger.output_size("job-1") == 0);
}

TEST_CASE("a directory's lease belongs to one process") {
  const Scratch scratch;
  const auto make = [&] { return make_file_state(scratch.path); };
  std::unique_ptr<State> mine = make();
  std::string holder;
  REQUIRE(mine->lease("j", holder));
  const auto [got, told] = lease_in_child(make, "j");
  CHECK_FALSE(got);
  CHECK_THAT(told, ContainsSubstring(std::to_string(getpid())));
  mine.reset();
  CHECK(lease_in_child(make, "j").first);
  CHECK(make()->lease("j", holder));
}
