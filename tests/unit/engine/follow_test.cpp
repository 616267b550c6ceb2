// Runs that follow changes: where they begin, how they go on, beside which runs, and what is refused.
#include "move_fixture.hpp"

namespace lugger::test {

TEST_CASE("a follow run goes on where it stopped, and stands apart from loads") {
  Database database;
  Writes writes;
  for (int id = 0; id < 5; ++id) writes.put(id, 1);
  auto job = live_job(writes, move_spec(database.url()));
  const std::string loaded = copy(*job).run;
  std::string run;
  for (int round = 0; round < 3; ++round) {
    writes.put(round, 5);
    auto follow = live_job(writes, move_spec(database.url()));
    auto changes = follow->start(following());
    CHECK(equal(database, writes));
    changes->stop(StopLevel::kFinish);
    const RunResult result = changes->result();
    CHECK(result.resumed == (round != 0));
    if (round != 0) CHECK(result.run == run);
    run = result.run;
  }
  // A load does not take it up, nor does it end it.
  auto again = live_job(writes, move_spec(database.url()));
  const RunResult load = again->start(one_worker())->result();
  CHECK(load.status == RunStatus::kDone);
  CHECK_FALSE(load.resumed);
  CHECK(load.run != loaded);
  REQUIRE(load.notes.size() == 1);
  CHECK_THAT(load.notes[0], ContainsSubstring(loaded));
  CHECK(database.rows("select status from lugger.runs where mode = 'follow'") == "stopped");
  writes.erase(1);
  auto follow = live_job(writes, move_spec(database.url()));
  auto changes = follow->start(following());
  CHECK(equal(database, writes));
  changes->stop(StopLevel::kFinish);
  CHECK(changes->result().run == run);

  JobSpec other = move_spec(database.url());
  other.script_hash = "second";
  auto changed = live_job(writes, other);
  CHECK_THAT(error_of([&] { static_cast<void>(changed->start(following())); }).message(),
             ContainsSubstring("the script has changed"));
  RunSettings accepts = following();
  accepts.accept_changes = true;
  CHECK(changed->start(accepts)->poll(0).resumed);
}

TEST_CASE("a source whose changes go back is stopped") {
  Database database;
  Writes writes;
  for (int id = 0; id < 20; ++id) writes.put(id, 1);
  auto job = live_job(writes, move_spec(database.url()));
  CHECK(copy(*job).status == RunStatus::kDone);
  auto changes = job->start(following());
  CHECK(becomes([&] { return changes->poll(0).stage == "following"; }));
  writes.turn_back = 15;
  const RunResult failed = changes->result();
  CHECK(failed.status == RunStatus::kFailed);
  CHECK(failed.error_code == "bug");
  CHECK_THAT(failed.error, ContainsSubstring("would go back"));
}

TEST_CASE("what cannot be followed is refused with what to do") {
  Database database;
  Writes writes;
  for (int id = 0; id < 30; ++id) writes.put(id, 1);
  const auto refusal = [&](JobSpec spec, const RunSettings& settings,
                           const std::string& identity = "live") {
    return error_of(
        [&] { static_cast<void>(live_job(writes, std::move(spec), identity)->start(settings)); });
  };
  JobSpec plain = move_spec(database.url());
  RunSettings create = following();
  create.create = true;
  CHECK_THAT(refusal(plain, create).message(), ContainsSubstring("nothing says from where"));

  auto job = live_job(writes, plain);
  auto spooler = job->spool(false);
  CHECK_THAT(error_of([&] { static_cast<void>(live_job(writes, plain)->spool(false)); }).message(),
             ContainsSubstring("are already spooled"));
  CHECK_THAT(refusal(plain, create).message(), ContainsSubstring("nothing was copied"));
  spooler.reset();

  {
    JobSpec gated = plain;
    Gate gate(2);
    gated.hook = gate.hook();
    auto part = live_job(writes, gated);
    auto half = part->spool(false);
    auto run = part->start(one_worker());
    gate.await();
    run->stop(StopLevel::kFinish);
    gate.open();
    CHECK(run->result().status == RunStatus::kStopped);
  }
  CHECK_THAT(refusal(plain, following()).message(), ContainsSubstring("unfinished run"));
  CHECK(live_job(writes, plain)->move_stage() == MoveStage::kCopy);
  CHECK_THAT(error_of([&] {
               static_cast<void>(live_job(writes, plain, "another")->spool(false));
             }).message(),
             ContainsSubstring("spooled from another source"));
  CHECK(copy(*live_job(writes, plain)).status == RunStatus::kDone);
  CHECK_THAT(refusal(plain, following(), "another").message(),
             ContainsSubstring("spooled from another source"));
  RunSettings from = following();
  from.follow_from = place(0);
  CHECK_THAT(refusal(plain, from).message(), ContainsSubstring("followed from its copy on"));
  CHECK_THAT(error_of([&] { static_cast<void>(live_job(writes, plain)->spool(false)); }).message(),
             ContainsSubstring("is copied"));

  JobSpec skips = plain;
  skips.mapping.on_conflict = OnConflict::kSkip;
  CHECK_THAT(refusal(skips, following()).message(), ContainsSubstring("on_conflict = \"update\""));
  RunSettings dry = following();
  dry.dry_run = true;
  CHECK_THAT(refusal(plain, dry).message(), ContainsSubstring("--dry-run"));
  const Scratch scratch;
  CHECK_THAT(error_of([&] {
               auto lines = live_job(writes, move_spec(scratch.path("out.jsonl")));
               static_cast<void>(lines->spool(false));
             }).message(),
             ContainsSubstring("cannot follow changes"));
}

TEST_CASE("a copy that began before its changes were kept is no part of a move") {
  Database database;
  Writes writes;
  for (int id = 0; id < 30; ++id) writes.put(id, 1);
  JobSpec gated = move_spec(database.url());
  Gate gate(2);
  gated.hook = gate.hook();
  auto part = live_job(writes, gated);
  auto run = part->start(one_worker());
  gate.await();
  run->stop(StopLevel::kFinish);
  gate.open();
  CHECK(run->result().status == RunStatus::kStopped);
  writes.put(1, 2);
  auto job = live_job(writes, move_spec(database.url()));
  CHECK_THAT(error_of([&] { static_cast<void>(job->spool(false)); }).message(),
             ContainsSubstring("before anything kept its changes"));
  RunSettings restart = one_worker();
  restart.restart = true;
  CHECK(copy(*job, restart).status == RunStatus::kDone);
  CHECK(job->move_stage() == MoveStage::kFollow);
  auto changes = job->start(following());
  CHECK(equal(database, writes));

  // Nor is one that was done before.
  changes->stop(StopLevel::kNow);
  CHECK(changes->result().status == RunStatus::kStopped);
  writes.put(2, 3);
  auto anew = live_job(writes, move_spec(database.url()));
  auto spooler = anew->spool(true);
  spooler->stop();
  CHECK(anew->move_stage() == MoveStage::kCopy);
  CHECK_THAT(error_of([&] { static_cast<void>(anew->start(following())); }).message(),
             ContainsSubstring("nothing was copied"));
  CHECK(copy(*anew).status == RunStatus::kDone);
  auto last = anew->start(following());
  CHECK(equal(database, writes));
  CHECK(last->poll(0).run != changes->result().run);
}

TEST_CASE("changes are followed from a position that is given") {
  Database database;
  Writes writes;
  for (int id = 0; id < 20; ++id) writes.put(id, 1);
  auto job = live_job(writes, move_spec(database.url()));
  CHECK(job->start(one_worker())->result().status == RunStatus::kDone);
  writes.put(3, 4);
  writes.erase(5);
  RunSettings from = following();
  from.follow_from = place(20);
  auto changes = job->start(from);
  CHECK(equal(database, writes));
  changes->stop(StopLevel::kFinish);
  CHECK(changes->result().tally.read == 2);
  CHECK_THAT(error_of([&] { static_cast<void>(job->start(from)); }).message(),
             ContainsSubstring("is followed already"));
  from.restart = true;
  auto anew = job->start(from);
  CHECK(becomes([&] { return anew->poll(0).tally.read == 2; }));
  CHECK_FALSE(anew->poll(0).resumed);
  CHECK(database.rows("select count(*) from lugger.runs where status = 'abandoned'") == "1");
}

}  // namespace lugger::test
