#include "engine/join.hpp"

#include <algorithm>

#include "engine/retry.hpp"
#include "engine/start.hpp"
#include "place/identity.hpp"

namespace lugger {
namespace {

// Beginning a run takes a moment, because tables are created and the source is split. A process
// that holds the job for longer runs it alone.
constexpr double kPatienceSeconds = 30;
constexpr int kPauseMs = 300;

// Many more parts than there will be workers, so that no worker waits for a slow one at the end;
// but each part is large enough to be worth its claim.
constexpr uint64_t kPartBytes = 64 << 20;
constexpr uint64_t kFewestParts = 64, kMostParts = 1024;

/// False: the run is to stop.
bool pause(const StopFlag& stop) {
  for (int waited = 0; waited < kPauseMs && !stop.requested(); waited += 50)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return !stop.requested();
}

/// The newest run that loads the source, including a run that has committed nothing yet.
std::optional<RunRecord> newest(State& state, const std::string& job) {
  std::optional<RunRecord> latest = state.latest(job);
  return latest && was_retry(state, *latest) ? latest_load(state, job) : latest;
}

bool takes_part(const std::optional<RunRecord>& run) {
  return run && run->joint && is_unfinished(*run);
}

RunRequest request_of(const RunShared& shared) {
  return lugger::request_of(shared.job.spec, shared.source->info().identity, shared.settings);
}

/// All processes must read the same bytes with the same script. Path and modification time of the
/// file may differ between hosts.
void check_same(const RunRecord& run, const RunRequest& request) {
  if (compare_identities(run.source_identity, request.source_identity) == Sameness::kOther) {
    throw Error(Code::kConfig,
                fmt::format("{} cannot join run {}: its source is not the one that the run began "
                            "with ({})",
                            request.job, run.run, run.source),
                "give every process the same file, by size and content");
  }
  if (request.accept_changes || run.script_hash == request.script_hash) return;
  throw Error(Code::kConfig,
              fmt::format("{} cannot join run {}: the script, or what it was given, is not that of "
                          "the run",
                          request.job, run.run),
              "give every process the same script, modules and flags; to start over with this one, "
              "stop the others and start one process with --join --restart");
}

/// Claims the job while this process begins the run. False: another process has begun it meanwhile.
bool take_door(State& state, const RunShared& shared) {
  const std::string& job = shared.job.spec.name;
  const Stopwatch since;
  for (std::string holder; !state.lease(job, holder);) {
    if (takes_part(state.latest(job))) return false;
    if (since.seconds() > kPatienceSeconds || !pause(shared.stop)) {
      throw Error(Code::kConflict, fmt::format("{} is already running ({})", job, holder),
                  "it runs without --join: wait for it, or stop it first");
    }
  }
  return true;
}

void refuse_working(State& state, const RunRecord& run, const std::string& job) {
  const std::string who = state.close_to_claims(run.run);
  if (who.empty()) return;
  throw Error(Code::kConflict, fmt::format("{} is already running ({})", job, who),
              "stop these processes before you restart it");
}

void enter(RunShared& shared, PreparedRun& prepared, const RunRecord& run) {
  const RunRequest request = request_of(shared);
  check_same(run, request);
  prepared.report = shared.job.target->inspect(*shared.shape, false, true);
  if (const auto lost = lost_tables(*shared.state, request, prepared.report.missing)) throw *lost;
  resume_run(shared, prepared, run);
}

/// Called while this process holds the job: no other process can begin, resume or finish a run.
void begin_or_resume(RunShared& shared, PreparedRun& prepared) {
  const JobSpec& spec = shared.job.spec;
  const std::optional<RunRecord> latest = newest(*shared.state, spec.name);
  const bool open = latest && is_unfinished(*latest);
  if (open && !shared.settings.restart) {
    shared.state->open_to_claims(latest->run);
    return enter(shared, prepared, *latest);
  }
  Target& target = *shared.job.target;
  prepared.report = target.inspect(*shared.shape, shared.settings.create, true);
  refuse_problems(prepared.report, spec.name);
  if (open) {
    refuse_working(*shared.state, *latest, spec.name);
    target.discard(*shared.shape, latest->run);
    prepared.ledger->give_up(*latest);
  }
  make_ready(target, *shared.shape, shared.settings.create, prepared.report);
  const SourceInfo info = shared.source->info();
  begin_run(shared, prepared, info,
            static_cast<int>(std::clamp(info.bytes / kPartBytes, kFewestParts, kMostParts)));
}

/// A process that joins after the run is done has nothing to do, and must not load the source
/// again.
bool came_late(RunShared& shared, PreparedRun& prepared, const std::optional<RunRecord>& latest) {
  if (!latest || latest->status != RunStatus::kDone || shared.settings.restart) return false;
  const std::string identity = shared.source->info().identity;
  if (latest->script_hash != shared.job.spec.script_hash ||
      compare_identities(latest->source_identity, identity) == Sameness::kOther)
    return false;
  shared.run = latest->run;
  prepared.earlier = books_of_run(*shared.state, shared.run);
  prepared.was_done = true;
  prepared.note = fmt::format("run {} was done at {}; to load the source again: --restart",
                              latest->run, latest->updated);
  return true;
}

}  // namespace

void refuse_to_join(const RunSettings& settings, const SourceInfo& source, Target& target,
                    const State& state) {
  if (!state.joinable()) {
    throw Error(Code::kConfig,
                fmt::format("{} cannot be loaded by several processes", target.place()),
                "--join is for PostgreSQL targets: their ledger is the queue");
  }
  if (source.live || source.moves || source.identity.empty()) {
    throw Error(Code::kConfig,
                fmt::format("{} cannot be read by several processes: nothing tells that they read "
                            "the same",
                            source.place),
                "--join is for files that every host has: a dump, an archive, JSON");
  }
  if (settings.dry_run || settings.again || settings.limit != 0 || settings.retry_rejects) {
    throw Error(Code::kConfig,
                "--join does not go with --dry-run, --again, --limit or the rejects of a job",
                "leave one of them away");
  }
}

void join_run(RunShared& shared, PreparedRun& prepared) {
  State& state = *shared.state;
  const std::string& job = shared.job.spec.name;
  const std::optional<RunRecord> latest = newest(state, job);
  if (came_late(shared, prepared, latest)) return;
  if (takes_part(latest) && !shared.settings.restart) {
    enter(shared, prepared, *latest);
  } else {
    // Released at the end of this block; from then on every process can claim partitions.
    const std::unique_ptr<State> door = shared.job.target->state();
    if (take_door(*door, shared)) {
      if (came_late(shared, prepared, newest(state, job))) return;
      begin_or_resume(shared, prepared);
    } else {
      enter(shared, prepared, newest(state, job).value());
    }
  }
  shared.claims = state.join(shared.run);
}

std::optional<PartitionRecord> claim_partition(RunShared& shared) {
  // One worker polls for all that wait.
  const std::lock_guard lock(shared.claiming);
  Backoff backoff(&shared.away);
  while (!shared.stop.requested()) {
    try {
      Claimed got = shared.claims->take();
      shared.wait_for(got.partition ? "" : got.others);
      if (got.partition || got.all_done) return std::move(got.partition);
    } catch (const Error& error) {
      if (!backoff.wait(shared.stop, error)) throw;
    }
    if (!pause(shared.stop)) break;
  }
  return std::nullopt;
}

bool take_finish(RunShared& shared, LedgerRun& ledger) {
  const std::string& job = shared.job.spec.name;
  Backoff backoff(&shared.away);
  do {
    try {
      std::string holder;
      const bool mine = shared.state->lease(job, holder);
      const std::optional<RunRecord> run = shared.state->find(shared.run);
      if (run && run->status == RunStatus::kDone) return false;
      if (!run || run->status == RunStatus::kAbandoned || !run->joint) {
        throw Error(Code::kConflict, "the run was taken over or given up by another process",
                    "`lugger runs` shows what became of it");
      }
      if (mine) {
        shared.wait_for("");
        ledger.resume(*run);
        return true;
      }
      shared.wait_for(holder);
    } catch (const Error& error) {
      if (!backoff.wait(shared.stop, error)) throw;
    }
  } while (pause(shared.stop));
  return false;
}

}  // namespace lugger
