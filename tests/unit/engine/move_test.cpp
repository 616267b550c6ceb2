// A move: a copy while the source is written to, the keys of its changes beside it, then these
// documents as they are, then the changes as they come.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "move_fixture.hpp"

namespace lugger::test {

TEST_CASE("a move ends in the newest state, though pages were older than the changes") {
  Database database;
  Writes writes;
  for (int id = 0; id < 40; ++id) writes.put(id, 1);
  JobSpec spec = move_spec(database.url());
  Gate gate(2);  // the first page is read and not written yet, and the second one
  spec.hook = gate.hook();
  auto job = live_job(writes, spec);
  CHECK(job->move_stage() == MoveStage::kCopy);
  auto spooler = job->spool(false);
  CHECK(spooler->poll(0).position == place(40));
  auto run = job->start(one_worker());
  gate.await();
  writes.put(3, 2);
  writes.put(3, 3);  // one key
  writes.erase(4);   // would rise again with its page
  writes.put(15, 2);
  writes.put(35, 2);   // its page comes later
  writes.put(100, 1);  // new, and read by the scan too
  writes.erase(15);
  writes.put(15, 7);
  CHECK(spooled(database, writes));
  CHECK(database.rows(kKept) == "place:48|5");
  gate.open();
  CHECK(run->result().status == RunStatus::kDone);
  CHECK(database.rows("select n from docs where mongo_id = '$n:3'") == "1");
  CHECK(database.rows("select count(*) from docs where mongo_id = '$n:4'") == "1");
  writes.put(5, 9);
  CHECK(spooled(database, writes));
  spooler->stop();
  const SpoolSnapshot end = spooler->poll(0);
  CHECK(end.ended);
  CHECK_FALSE(end.failure);
  CHECK(end.position == place(49));
  CHECK(end.spooled == 6);
  CHECK(end.events == 9);
  writes.erase(6);  // behind the hand-off
  CHECK(job->move_stage() == MoveStage::kFollow);

  auto follow = live_job(writes, move_spec(database.url()));
  auto changes = follow->start(following());
  CHECK(equal(database, writes));
  CHECK(becomes([&] { return database.rows("select count(*) from lugger.feeds") == "0"; }));
  CHECK(database.rows("select count(*) from lugger.spool") == "0");
  writes.put(6, 2);
  writes.erase(100);
  CHECK(equal(database, writes));
  CHECK_FALSE(changes->ended());
  CHECK(follow->move_stage() == MoveStage::kFollow);
  changes->stop(StopLevel::kFinish);
  const RunResult result = changes->result();
  CHECK(result.status == RunStatus::kStopped);
  CHECK(result.tally.balanced());
  // Six keys are settled, then three changes; of an inserted document both count.
  CHECK(told(result.tally) == "read 9: inserted 1, updated 3, unchanged 2, deleted 3, rejected 0");
  CHECK(database.rows("select partition, done, phase from lugger.partitions p join lugger.runs r "
                      "using (run) where mode = 'follow' order by phase") ==
        "settle|t|0\nchanges|f|1");
}

TEST_CASE("what stopped between the last settled key and the end of the spool goes on there") {
  Database database;
  Writes writes;
  for (int id = 0; id < 20; ++id) writes.put(id, 1);
  auto job = live_job(writes, move_spec(database.url()));
  auto spooler = job->spool(false);
  CHECK(job->start(one_worker())->result().status == RunStatus::kDone);
  writes.put(1, 2);
  CHECK(spooled(database, writes));
  spooler->stop();
  static_cast<void>(database.rows(
      "create function refuse() returns trigger language plpgsql as 'begin raise exception "
      "''not now''; end'; create trigger refuse before delete on lugger.feeds for each row execute "
      "function refuse(); select 1"));
  const RunResult failed = job->start(following())->result();
  CHECK(failed.status == RunStatus::kFailed);
  CHECK_THAT(failed.error, ContainsSubstring("not now"));
  CHECK(failed.tally.read == 1);
  static_cast<void>(database.rows("drop trigger refuse on lugger.feeds; select 1"));
  CHECK(job->move_stage() == MoveStage::kFollow);
  writes.put(3, 4);
  auto changes = job->start(following());
  CHECK(equal(database, writes));
  CHECK(changes->poll(0).run == failed.run);
  CHECK(becomes([&] { return changes->poll(0).stage == "following"; }));
  CHECK(becomes([&] { return changes->poll(0).followed == (uint64_t{1} << 40) + writes.done(); }));
  CHECK(database.rows("select count(*) from lugger.feeds") == "0");
}

TEST_CASE("the position moves on though nothing came that concerns the job") {
  Database database;
  Writes writes;
  writes.put(1, 1);
  auto job = live_job(writes, move_spec(database.url()));
  auto spooler = job->spool(false);
  for (int i = 0; i < 20; ++i) writes.pass();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  spooler->stop();
  CHECK(spooler->poll(0).position == place(21));
  CHECK(database.rows(kKept) == "place:21|0");
  CHECK(job->start(one_worker())->result().status == RunStatus::kDone);
  auto changes = job->start(following());
  writes.pass();
  CHECK(becomes([&] {
    return database.rows("select position from lugger.partitions where partition = 'changes'") ==
           "place:22";
  }));
}

TEST_CASE("lost connections, on either side, cost nothing") {
  Database database;
  Writes writes;
  for (int id = 0; id < 30; ++id) writes.put(id, 1);
  auto job = live_job(writes, move_spec(database.url()));
  auto spooler = job->spool(false);
  writes.losses = 2;
  writes.put(1, 2);
  CHECK(spooled(database, writes));
  static_cast<void>(
      database.rows("select pg_terminate_backend(pid) from pg_stat_activity where application_name "
                    "= 'lugger state' and datname = current_database()"));
  writes.put(2, 3);
  CHECK(spooled(database, writes));
  CHECK(job->start(one_worker())->result().status == RunStatus::kDone);
  spooler->stop();
  CHECK_FALSE(spooler->poll(0).failure);
  writes.losses = 1;
  auto changes = job->start(following());
  CHECK(equal(database, writes));
  writes.losses = 1;
  writes.put(2, 5);
  CHECK(equal(database, writes));
}

namespace {

/// What `lugger move` does, until it is killed.
[[noreturn]] void move_on(Writes& writes, const std::string& url) {
  try {
    auto job = live_job(writes, move_spec(url));
    if (job->move_stage() == MoveStage::kCopy) {
      auto spooler = job->spool(false);
      if (job->start(one_worker())->result().status != RunStatus::kDone) _exit(2);
      spooler->stop();
    }
    job->start(following())->result();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "move: %s\n", error.what());
    _exit(3);
  }
  _exit(1);
}

}  // namespace

TEST_CASE("a move that is killed at any instant goes on, and ends in equal rows") {
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    Database database;
    Writes writes;
    std::mt19937 random(seed);
    const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
    for (int i = 0; i < 300; ++i) writes.plan(i, 0);
    for (int i = 1; i < 3000; ++i)
      writes.plan(below(400), below(3) == 0 ? std::nullopt : std::optional(i));
    writes.go_to(300);
    for (int kills = 0; kills < 14; ++kills) {
      const pid_t child = fork();
      if (child == 0) move_on(writes, database.url());
      const int pieces = 1 + below(6);
      for (int i = 0; i < pieces; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10 + below(60)));
        writes.go_to(std::min<size_t>(writes.planned(), writes.done() + below(60)));
      }
      kill(child, SIGKILL);
      int status = 0;
      waitpid(child, &status, 0);
      CHECK(WIFSIGNALED(status));
    }
    writes.go_to(writes.planned());
    const pid_t child = fork();
    if (child == 0) move_on(writes, database.url());
    CHECK(becomes([&] {
      try {
        return database.rows(kRows) == writes.rows();
      } catch (const Error&) {
        return false;  // there is no table yet
      }
    }));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    CHECK(database.rows("select count(*) from lugger.partitions where read <> inserted + updated + "
                        "unchanged + skipped + rejected + suppressed + deleted") == "0");
  }
}

TEST_CASE("what changes while keys are settled is spooled, and following begins behind it") {
  Database database;
  Writes writes;
  constexpr int kMany = 3000;
  for (int id = 0; id < kMany; ++id) writes.put(id, 1);
  JobSpec spec = move_spec(database.url());
  auto job = live_job(writes, spec);
  auto spooler = job->spool(false);
  for (int id = 0; id < kMany; ++id) writes.put(id, 2);
  CHECK(spooled(database, writes));
  CHECK(job->start(one_worker())->result().status == RunStatus::kDone);
  spooler->stop();
  Gate gate(2);  // documents were looked up, and their rows are not written
  spec.hook = gate.hook();
  auto slow = live_job(writes, spec);
  auto changes = slow->start(following());
  gate.await();
  const std::string kept = database.rows(kKept);
  for (int id = 0; id < kMany; id += 3) writes.put(id, 3);
  for (int id = 1; id < kMany; id += 30) writes.erase(id);
  writes.put(1, 4);
  CHECK(spooled(database, writes));
  CHECK(database.rows(kKept) != kept);
  CHECK(changes->poll(0).stage == "settling");
  CHECK(database.rows("select n from docs where mongo_id = '$n:3'") != "3");
  gate.open();
  CHECK(becomes([&] { return database.rows("select count(*) from lugger.feeds") == "0"; }));
  const size_t behind = writes.done();
  CHECK(database.rows("select start from lugger.partitions where partition = 'changes'") ==
        place(behind));
  CHECK(database.rows("select count(*) from lugger.spool") == "0");
  CHECK(database.rows(kRows) == writes.rows());
  writes.put(5, 9);
  CHECK(equal(database, writes));
  CHECK(changes->poll(0).kept == 0);
  CHECK(changes->poll(0).stage == "following");
}

TEST_CASE("many keys are settled, in pages") {
  Database database;
  Writes writes;
  constexpr int kMany = 5000;
  for (int id = 0; id < kMany; ++id) writes.put(id, 1);
  auto job = live_job(writes, move_spec(database.url()));
  auto spooler = job->spool(false);
  for (int id = 0; id < kMany; id += 2) writes.put(id, 2);
  for (int id = 1; id < kMany; id += 4) writes.erase(id);
  CHECK(job->start(one_worker())->result().status == RunStatus::kDone);
  spooler->stop();
  CHECK(spooler->poll(0).spooled == kMany / 4 * 3);
  auto changes = job->start(following());
  CHECK(becomes([&] { return database.rows("select count(*) from lugger.feeds") == "0"; }));
  CHECK(database.rows(kRows) == writes.rows());
  CHECK(changes->poll(0).tally.read == kMany / 4 * 3);
}

}  // namespace lugger::test
