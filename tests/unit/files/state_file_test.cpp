#include "place/state_file.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/error.hpp"
#include "catch.hpp"

using namespace lugger;

namespace {

namespace fs = std::filesystem;

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

void start(State& state, const std::string& run, const std::string& job = "j",
           const std::string& partition = "p") {
  RunRecord record;
  record.run = run;
  record.job = job;
  PartitionRecord whole;
  whole.id = partition;
  state.start(record, {whole});
}

UnitRecord a_unit(const std::string& run, const std::string& partition = "p") {
  UnitRecord unit;
  unit.run = run;
  unit.partition = partition;
  unit.tally.read = 10, unit.tally.inserted = 8, unit.tally.rejected = 2;
  RejectRecord reject;
  reject.document = R"({"secret":1})";
  reject.raw = "raw";
  reject.message = "cannot read 'secret'";
  reject.code = "bad_value";
  unit.rejects = {reject, reject};
  return unit;
}

std::vector<RejectRecord> rejects_of(State& state, const std::string& job, int64_t after = 0) {
  std::vector<RejectRecord> out;
  state.each_reject(
      job,
      [&](const RejectRecord& reject) {
        out.push_back(reject);
        return true;
      },
      after);
  return out;
}

pid_t in_child(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child != 0) return child;
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    _exit(1);
  }
  _exit(0);
}

int status_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("looking at a ledger that is not there makes nothing") {
  const Scratch scratch;
  const fs::path directory = scratch.path / "none";
  const std::unique_ptr<State> state = make_file_state(directory);
  CHECK(state->runs(10).empty());
  CHECK_FALSE(state->latest("j").has_value());
  CHECK(state->partitions("r").empty());
  CHECK(state->count_rejects("j") == 0);
  CHECK(state->last_reject("j") == 0);
  CHECK(rejects_of(*state, "j").empty());
  CHECK_FALSE(fs::exists(directory));
  // It is seen once it is there.
  start(*make_file_state(directory), "r");
  CHECK(state->runs(10).size() == 1);
}

TEST_CASE("a ledger's file is its owner's alone") {
  const Scratch scratch;
  start(*make_file_state(scratch.path), "r");
  struct stat info {};
  REQUIRE(stat((scratch.path / "state.sqlite").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);
}

TEST_CASE("a file that is empty yet is a ledger without runs") {
  const Scratch scratch;
  std::ofstream(scratch.path / "state.sqlite").close();
  CHECK(make_file_state(scratch.path)->runs(10).empty());
  start(*make_file_state(scratch.path), "r");
  CHECK(make_file_state(scratch.path)->runs(10).size() == 1);
}

TEST_CASE("what is no ledger of ours is refused by name") {
  const Scratch scratch;
  const auto says = [&](const std::string& words) {
    CHECK_THROWS_WITH(make_file_state(scratch.path)->ensure(), ContainsSubstring(words));
    CHECK_THROWS_WITH(make_file_state(scratch.path)->runs(1), ContainsSubstring(words));
  };
  std::ofstream(scratch.path / "state.log") << "run\tr\n";
  says("ledger of an older lugger");
  fs::remove(scratch.path / "state.log");
  std::ofstream(scratch.path / "state.sqlite") << std::string(5000, 'x');
  says("file is not a database");
  fs::remove(scratch.path / "state.sqlite");
  make_file_state(scratch.path)->ensure();
  Sqlite(scratch.path / "state.sqlite").execute("INSERT INTO meta (version) VALUES (1000)");
  says("newer lugger");
}

TEST_CASE("a ledger of version 1 is read as it is, and upgraded by whoever writes") {
  const Scratch scratch;
  const fs::path file = scratch.path / "state.sqlite";
  start(*make_file_state(scratch.path), "r");
  Sqlite(file).execute(
      "ALTER TABLE partitions DROP COLUMN start; ALTER TABLE partitions DROP COLUMN phase; "
      "ALTER TABLE partitions DROP COLUMN deleted; ALTER TABLE rejects DROP COLUMN operation; "
      "ALTER TABLE runs DROP COLUMN target; ALTER TABLE runs DROP COLUMN target_identity; "
      "DROP TABLE keys; DELETE FROM meta WHERE version > 1");
  const std::unique_ptr<State> state = make_file_state(scratch.path);
  REQUIRE(state->partitions("r").size() == 1);
  CHECK(state->partitions("r")[0].start.empty());
  CHECK(state->runs(1)[0].run == "r");
  CHECK(rejects_of(*state, "j").empty());
  CHECK(Sqlite(file).number("SELECT max(version) FROM meta") == 1);
  RunRecord next;
  next.run = "next", next.job = "j";
  PartitionRecord feed;
  feed.id = "feed", feed.start = "token", feed.phase = 1;
  state->start(next, {feed});
  CHECK(Sqlite(file).number("SELECT max(version) FROM meta") == 5);
  CHECK(state->partitions("next")[0].start == "token");
  CHECK(state->partitions("next")[0].phase == 1);
  CHECK(state->partitions("r")[0].phase == 0);
}

TEST_CASE("a job's runs into one target are not seen from another") {
  const Scratch scratch;
  const auto state_of = [&](const std::string& target) {
    return make_file_state(scratch.path, [target] { return target; });
  };
  UnitLedger(scratch.path);
  const std::unique_ptr<State> all = make_file_state(scratch.path);
  const std::unique_ptr<State> a = state_of("a"), b = state_of("b");
  start(*all, "before");  // by an older lugger, which kept no target
  CHECK(a->latest("j")->run == "before");
  start(*a, "in a");
  start(*b, "in b");
  UnitLedger(scratch.path).add(a_unit("in a"), 1);
  CHECK(a->latest("j")->run == "in a");
  CHECK(a->runs(10).size() == 2);
  CHECK(all->runs(10).size() == 3);
  CHECK(a->count_rejects("j") == 2);
  CHECK(b->count_rejects("j") == 0);
  CHECK(b->last_reject("j") == 0);
  CHECK(rejects_of(*b, "j").empty());
  b->delete_other_rejects("j", "in b");
  CHECK(rejects_of(*a, "j").size() == 2);
  a->set_status("in a", RunStatus::kDone, "");
  b->set_status("in b", RunStatus::kDone, "");
  all->prune(0, 0);
  CHECK(a->latest("j")->run == "in a");
}

TEST_CASE("the newest run is the one that began last, whatever the clock said") {
  const Scratch scratch;
  const std::unique_ptr<State> state = make_file_state(scratch.path);
  start(*state, "b");
  RunRecord earlier;
  earlier.run = "a";
  earlier.job = "j";
  earlier.started = "1999-01-01T00:00:00.000Z";
  state->start(earlier, {});
  CHECK(state->latest("j")->run == "a");
  CHECK(state->runs(10)[1].run == "b");
}

TEST_CASE("numbers of rejects are not given twice, and pages end") {
  const Scratch scratch;
  const std::unique_ptr<State> state = make_file_state(scratch.path);
  start(*state, "r");
  UnitLedger ledger(scratch.path);
  UnitRecord unit = a_unit("r");
  unit.rejects.resize(130, unit.rejects[0]);
  ledger.add(unit, 1);
  const std::vector<RejectRecord> all = rejects_of(*state, "j");
  REQUIRE(all.size() == 130);
  CHECK(all[0].job == "j");
  CHECK(rejects_of(*state, "j", all[99].reject).size() == 30);
  const int64_t last = state->last_reject("j");
  CHECK(last == all.back().reject);
  // Whoever looks at them may write meanwhile.
  state->each_reject("j", [&](const RejectRecord& reject) {
    UnitRecord again = a_unit("r");
    again.resolved = {reject.reject};
    again.rejects.resize(1);
    ledger.add(again, 1);
    return reject.reject < last;
  });
  CHECK(state->count_rejects("j") == 130);
  CHECK(rejects_of(*state, "j")[0].reject == last + 1);
}

TEST_CASE("rejects of a job's other runs go, and no other job's") {
  const Scratch scratch;
  const std::unique_ptr<State> state = make_file_state(scratch.path);
  UnitLedger ledger(scratch.path);
  start(*state, "r");
  start(*state, "other", "another job");
  ledger.add(a_unit("r"), 1);
  ledger.add(a_unit("other"), 1);
  start(*state, "r2");
  CHECK(state->count_rejects("j") == 2);
  state->delete_other_rejects("j", "r");
  CHECK(state->count_rejects("j") == 2);
  state->delete_other_rejects("j", "r2");
  CHECK(state->count_rejects("j") == 0);
  CHECK(state->count_rejects("another job") == 2);
}

TEST_CASE("rejects that are tried again add to the output of the run before") {
  const Scratch scratch;
  const std::unique_ptr<State> state = make_file_state(scratch.path);
  UnitLedger ledger(scratch.path);
  start(*state, "r");
  ledger.add(a_unit("r"), 700);
  start(*state, "retry", "j", std::string(kRejectsPartition));
  CHECK(ledger.output_size("retry") == 700);
  start(*state, "r2");
  CHECK(ledger.output_size("r2") == 0);
}

TEST_CASE("an output is of the run that opened it last") {
  const Scratch scratch;
  CHECK_FALSE(output_owner(scratch.path / "none", "out", "j").has_value());
  CHECK_FALSE(fs::exists(scratch.path / "none"));
  const std::unique_ptr<State> state = make_file_state(scratch.path, [] { return "out"; });
  UnitLedger ledger(scratch.path);
  start(*state, "r", "j");
  CHECK_FALSE(output_owner(scratch.path, "out", "j").has_value());
  ledger.own_output("r");
  CHECK(output_owner(scratch.path, "out", "other")->run == "r");
  CHECK_FALSE(output_owner(scratch.path, "another", "j").has_value());
  ledger.add(a_unit("r"), 700);
  ledger.own_output("r");
  start(*state, "refused", "other");
  CHECK(ledger.output_size("refused") == 0);
  CHECK(ledger.job_of("refused") == "other");
  const OutputOwner owner = *output_owner(scratch.path, "out", "j");
  CHECK(owner.run == "r");
  CHECK(owner.size == 700);
  CHECK_FALSE(owner.done);
  state->set_status("r", RunStatus::kDone, "");
  CHECK(output_owner(scratch.path, "out", "j")->done);
}

TEST_CASE("what is pruned gives its room back, and a job's newest run stays") {
  const Scratch scratch;
  CHECK(make_file_state(scratch.path / "none")->prune(0, 0).runs == 0);
  CHECK_FALSE(fs::exists(scratch.path / "none"));
  const std::unique_ptr<State> state = make_file_state(scratch.path);
  UnitLedger ledger(scratch.path);
  for (const std::string run : {"open", "done", "last"}) {
    start(*state, run);
    UnitRecord unit = a_unit(run);
    unit.rejects.resize(run == "done" ? 200 : 1, unit.rejects[0]);
    for (RejectRecord& reject : unit.rejects) reject.document = std::string(10000, 'd');
    ledger.add(unit, 1);
    if (run != "open") state->set_status(run, RunStatus::kDone, "");
  }
  const auto before = fs::file_size(scratch.path / "state.sqlite");
  CHECK(state->prune(2, 0).runs == 0);
  CHECK(state->prune(0, 3600).runs == 0);
  const Pruned pruned = state->prune(0, 0);
  CHECK(pruned.runs == 1);
  CHECK(pruned.rejects == 200);
  CHECK(state->find("open").has_value());
  CHECK(state->latest("j")->run == "last");
  CHECK(state->count_rejects("j") == 2);
  CHECK(fs::file_size(scratch.path / "state.sqlite") < before / 2);
}

TEST_CASE("redacted rejects hold nothing of a document") {
  const Scratch scratch;
  const std::unique_ptr<State> state = make_file_state(scratch.path);
  start(*state, "r");
  UnitRecord unit = a_unit("r");
  unit.redact = true;
  UnitLedger(scratch.path).add(unit, 1);
  const RejectRecord reject = rejects_of(*state, "j").at(0);
  CHECK(reject.message == "bad_value");
  CHECK(reject.document.empty());
  CHECK(reject.raw.empty());
}

TEST_CASE("a unit of a run that is not on record is refused, and leaves nothing") {
  const Scratch scratch;
  const std::unique_ptr<State> state = make_file_state(scratch.path);
  start(*state, "r");
  UnitLedger ledger(scratch.path);
  CHECK_THROWS_AS(ledger.add(a_unit("unknown"), 1), Error);
  CHECK(rejects_of(*state, "").empty());
  ledger.add(a_unit("r"), 1);
  CHECK(state->count_rejects("j") == 2);
}

TEST_CASE("a process killed at any moment leaves whole units alone") {
  const Scratch scratch;
  start(*make_file_state(scratch.path), "r");
  uint64_t before = 0;
  for (unsigned i = 0; i < 25; ++i) {
    const pid_t child = in_child([&] {
      UnitLedger ledger(scratch.path);
      for (uint64_t size = ledger.output_size("r");;) ledger.add(a_unit("r"), size += 100);
    });
    usleep(1000 + i * 1700);
    kill(child, SIGKILL);
    CHECK(WIFSIGNALED(status_of(child)));
    const std::unique_ptr<State> state = make_file_state(scratch.path);
    const uint64_t size = UnitLedger(scratch.path).output_size("r");
    CHECK(size >= before);
    CHECK(state->partitions("r")[0].tally.read == size / 10);
    CHECK(state->count_rejects("j") == size / 50);
    before = size;
  }
  CHECK(before > 0);
}

TEST_CASE("processes that write at once lose nothing") {
  const Scratch scratch;
  constexpr int kUnits = 40;
  std::vector<pid_t> children;
  for (const std::string run : {"a", "b", "c"}) {
    children.push_back(in_child([&] {
      start(*make_file_state(scratch.path), run, "j", "p");
      UnitLedger ledger(scratch.path);
      for (int i = 0; i < kUnits; ++i) ledger.add(a_unit(run), 1);
    }));
  }
  for (const pid_t child : children) CHECK(status_of(child) == 0);
  const std::unique_ptr<State> state = make_file_state(scratch.path);
  CHECK(state->count_rejects("j") == 3 * 2 * kUnits);
  for (const RunRecord& run : state->runs(10)) CHECK(run.tally.read == 10 * kUnits);
}
