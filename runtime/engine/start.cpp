#include "engine/start.hpp"

#include "base/digest.hpp"
#include "engine/changes.hpp"
#include "engine/join.hpp"
#include "engine/rejects.hpp"
#include "engine/reread.hpp"
#include "place/identity.hpp"

namespace lugger {

std::string new_run_id() {
  const Uuid id = uuid_v7();
  return uuid_text(id.data());
}

void refuse_problems(const TargetReport& report, const std::string& job) {
  if (report.problems.empty()) return;
  std::string all = report.problems.front();
  for (size_t i = 1; i < report.problems.size(); ++i) all += "\n" + report.problems[i];
  throw Error(Code::kConfig, fmt::format("{} cannot run:\n{}", job, all));
}

bool is_unfinished(const RunRecord& run) {
  return run.status == "running" || run.status == "stopped" || run.status == "failed";
}

void check_unchanged(const RunRecord& run, const JobSpec& spec, const std::string& identity,
                     bool accept) {
  // Positions mean nothing in another source: only a changed script can be accepted, or a file that
  // looks the same.
  const Sameness source = compare_identities(run.source_identity, identity);
  if (source == Sameness::kTouched && !accept) {
    throw Error(
        Code::kConfig,
        fmt::format("{} has an unfinished run, and its source was copied, moved, touched or "
                    "written again since it began: size and samples of the content are the same",
                    spec.name),
        "where nothing in it was changed, --accept-changes goes on where the run stopped; "
        "--restart begins again");
  }
  if (source == Sameness::kOther) {
    throw Error(Code::kConfig,
                fmt::format("{} has an unfinished run, and the source has changed since it began",
                            spec.name),
                "put the source back as it was, or begin again with --restart");
  }
  if (accept || run.script_hash == spec.script_hash) return;
  throw Error(
      Code::kConfig,
      fmt::format("{} has an unfinished run, and the script has changed since it began", spec.name),
      "--accept-changes goes on where it stopped; --restart begins again");
}

bool was_retry(State& state, const RunRecord& run) {
  const std::vector<PartitionRecord> partitions = state.partitions(run.run);
  return partitions.size() == 1 && partitions.front().id == kRejectsPartition;
}

namespace {

/// Nothing committed, nothing to go on with: when script or source changed since, such a run gives
/// way without a question.
bool committed_nothing(State& state, const RunRecord& run) {
  for (const PartitionRecord& partition : state.partitions(run.run)) {
    if (partition.done || !partition.position.empty() || partition.tally.read != 0) return false;
  }
  return true;
}

/// Rejects that were not answered are still rejects: a retry that was cut short goes on when it is
/// asked for again, and otherwise gives way.
bool goes_on_retrying(State& state, const RunRecord& run, const RunShared& shared) {
  return shared.settings.retry_rejects && !shared.settings.restart &&
         run.script_hash == shared.job.spec.script_hash && was_retry(state, run);
}

bool gives_way(State& state, const RunRecord& run, const TargetReport& report, const JobSpec& spec,
               const std::string& identity) {
  if (was_retry(state, run)) return true;
  const bool same = run.script_hash == spec.script_hash && run.source_identity == identity &&
                    report.missing.empty();
  return !same && committed_nothing(state, run);
}

}  // namespace

std::optional<Error> lost_tables(const TargetReport& report, State& state, const JobSpec& spec,
                                 const RunSettings& settings) {
  if (report.missing.empty() || settings.restart || settings.dry_run || settings.retry_rejects)
    return {};
  const std::optional<RunRecord> run = state.latest(spec.name);
  if (!run || !is_unfinished(*run) || was_retry(state, *run) || committed_nothing(state, *run))
    return {};
  return Error(
      Code::kConfig,
      fmt::format("{} has an unfinished run, and {} is not there: it was dropped{} after the run "
                  "began, and the rows loaded before are gone with it",
                  spec.name, fmt::join(report.missing, ", "),
                  run->script_hash == spec.script_hash ? "" : ", or named in the script,"),
      "put it back as it was, or load everything again with --restart --create");
}

std::optional<RunRecord> latest_load(State& state, const std::string& job) {
  constexpr size_t kRunsLookedAt = 500;
  const auto loaded = [&](const RunRecord& run) {
    if (was_retry(state, run)) return false;
    return run.status == "done" || !committed_nothing(state, run);
  };
  std::optional<RunRecord> latest = state.latest(job);
  if (!latest || loaded(*latest)) return latest;
  for (RunRecord& run : state.runs(kRunsLookedAt)) {
    if (run.job == job && loaded(run)) return std::move(run);
  }
  return {};
}

void keep_pace(Pace& pace, Target& target, const ThrottleSpec& throttle,
               const std::string& window) {
  pace.set_hours(window);
  std::unique_ptr<Health> health = throttle.asks_target() ? target.health() : nullptr;
  if (throttle.asks_target() && !health) {
    throw Error(Code::kConfig, fmt::format("{} cannot be asked how it is", target.place()),
                "leave rows_per_s alone in throttle = { ... }");
  }
  pace.set_throttle(std::move(health), throttle);
}

void take_lease(State& state, const std::string& job) {
  std::string holder;
  if (state.lease(job, holder)) return;
  throw Error(Code::kConflict, fmt::format("{} is already running ({})", job, holder),
              "wait for it, or stop it first");
}

void resume_run(RunShared& shared, PreparedRun& prepared, const RunRecord& run) {
  prepared.resumed = true;
  shared.run = run.run;
  shared.now = run.now;
  prepared.report.mode = run.mode;
  prepared.state->set_status(run.run, "running", "");
  for (PartitionRecord& partition : prepared.state->partitions(run.run)) {
    prepared.earlier += partition.tally;
    prepared.total_bytes += partition.bytes;
    if (partition.done) {
      prepared.done_bytes += partition.bytes;
    } else {
      shared.partitions.add(std::move(partition));
    }
  }
  shared.allowance.set_limit(shared.settings.limit, prepared.earlier.read);
}

void begin_run(RunShared& shared, PreparedRun& prepared, const SourceInfo& info, int parts) {
  const JobSpec& spec = shared.job.spec;
  shared.run = new_run_id();
  shared.now = spec.now;
  RunRecord record;
  record.run = shared.run;
  record.job = spec.name;
  record.script_hash = spec.script_hash;
  record.source = info.place;
  record.source_identity = info.identity;
  record.mode = prepared.report.mode;
  record.status = "running";
  record.command = spec.resume_command;
  record.now = spec.now;
  record.afresh = !shared.settings.retry_rejects && shared.settings.limit == 0;
  std::vector<PartitionRecord> partitions;
  record.joint = shared.settings.join;
  for (const Partition& partition : shared.source->split(parts)) {
    PartitionRecord made;
    made.id = partition.id;
    made.spec = partition.spec;
    made.bytes = partition.bytes;
    prepared.total_bytes += partition.bytes;
    shared.partitions.add(made);
    partitions.push_back(std::move(made));
  }
  if (prepared.state) prepared.state->start(record, partitions);
}

namespace {

/// A run that is done says so when it is asked for again. What has a key is settled by on_conflict;
/// rows without one would be there twice. True: nothing is to be done.
bool was_done(RunShared& shared, PreparedRun& prepared, const std::string& identity) {
  const JobSpec& spec = shared.job.spec;
  if (shared.settings.retry_rejects || identity.empty()) return false;
  const std::optional<RunRecord> latest = latest_load(*prepared.state, spec.name);
  if (!latest || latest->status != "done") return false;
  // What was copied, moved or touched since holds the same rows, as far as can be told.
  const Sameness source = compare_identities(latest->source_identity, identity);
  if (source == Sameness::kOther) return false;
  prepared.note = fmt::format("this source was loaded before{}: run {} was done at {}",
                              source == Sameness::kTouched
                                  ? " (by its size and samples of its content; it was copied, "
                                    "moved, touched or written again since)"
                                  : "",
                              latest->run, latest->updated);
  const bool twice = shared.shape->mapping().key.empty() && prepared.report.holds_rows;
  if (!twice || shared.settings.again) return false;
  bool whole = true;
  for (const PartitionRecord& partition : prepared.state->partitions(latest->run)) {
    whole = whole && partition.done;
    prepared.earlier += partition.tally;
  }
  const std::string& table = shared.shape->tables().front().name;
  if (!whole) {
    throw Error(Code::kConflict,
                fmt::format("{} holds the rows of run {}, which stopped at its limit, and no key "
                            "tells them from those to come",
                            table, latest->run),
                "empty the table first, or load these rows twice with --again");
  }
  shared.run = latest->run;
  prepared.note +=
      fmt::format("; {} has no key, so nothing was loaded again (--again does)", table);
  prepared.was_done = true;
  return true;
}

/// Of a run that others may have joined.
void keep_alone(State& state, const RunRecord& run) {
  const std::string who = state.close_to_claims(run.run);
  if (who.empty()) return;
  throw Error(Code::kConflict, fmt::format("{} is already running ({})", run.job, who),
              "to help them: --join; otherwise wait for them, or stop them first");
}

void prepare_alone(RunShared& shared, PreparedRun& prepared) {
  JobImpl& job = shared.job;
  const RunSettings& settings = shared.settings;
  Target& target = *job.target;
  const bool again = can_read_again(job.spec.source);
  const auto connections = static_cast<int>(shared.sink_options.connections);
  take_lease(*prepared.state, job.spec.name);
  // Another process may have filled the tables while this one waited for the job.
  prepared.report = target.inspect(*shared.shape, settings.create, again);
  const std::optional<RunRecord> latest = prepared.state->latest(job.spec.name);
  if (latest && latest->joint && is_unfinished(*latest)) keep_alone(*prepared.state, *latest);
  const std::string identity = shared.source->info().identity;
  const bool open = latest && is_unfinished(*latest);
  const auto read_rejects = [&] {
    prepared.rejects = reject_source(*prepared.state, job.spec.name);
    shared.source = prepared.rejects.get();
  };
  const bool retrying = open && goes_on_retrying(*prepared.state, *latest, shared);
  const bool left_behind =
      open && !retrying && gives_way(*prepared.state, *latest, prepared.report, job.spec, identity);
  if (retrying) {
    read_rejects();
    resume_run(shared, prepared, *latest);
  } else if (open && !left_behind && settings.retry_rejects) {
    throw Error(Code::kConfig, fmt::format("{} has an unfinished run", job.spec.name),
                "finish it before its rejects are tried again");
  } else if (open && !left_behind && !settings.restart) {
    check_unchanged(*latest, job.spec, identity, settings.accept_changes);
    if (const auto lost = lost_tables(prepared.report, *prepared.state, job.spec, settings))
      throw *lost;
    resume_run(shared, prepared, *latest);
  } else {
    if (!open && was_done(shared, prepared, identity)) return;
    if (open && !left_behind) target.discard(*shared.shape, latest->run);
    if (open) prepared.state->set_status(latest->run, "abandoned", "a later run took its place");
    if (settings.retry_rejects) {
      read_rejects();
    } else if (settings.create) {
      target.create(prepared.report);
    }
    begin_run(shared, prepared, shared.source->info(), connections);
  }
}

}  // namespace

void prepare_run(RunShared& shared, PreparedRun& prepared) {
  JobImpl& job = shared.job;
  const RunSettings& settings = shared.settings;
  shared.shape = job.shape_once();
  Target& target = job.open_target_once();
  shared.source = &job.open_source_once();
  shared.live = shared.source->info().live;
  const bool again = can_read_again(job.spec.source);
  prepared.report = target.inspect(*shared.shape, settings.create, again);
  check_changes(shared.source->info(), *shared.shape, static_cast<bool>(job.spec.hook), target,
                prepared.report);
  shared.sink_options.connections =
      static_cast<uint32_t>(settings.jobs > 0 ? settings.jobs : default_jobs());
  const auto connections = static_cast<int>(shared.sink_options.connections);
  shared.allowance.set_limit(settings.limit, 0);
  if (settings.dry_run) {
    begin_run(shared, prepared, shared.source->info(), connections);
    return;
  }
  refuse_problems(prepared.report, job.spec.name);
  prepared.state = target.state();
  prepared.state->ensure();
  shared.state = prepared.state.get();
  if (settings.join) {
    refuse_to_join(settings, shared.source->info(), target, *prepared.state);
    join_run(shared, prepared);
  } else {
    prepare_alone(shared, prepared);
  }
  shared.sink_options.run = shared.run;
  shared.sink_options.mode = prepared.report.mode;
}

}  // namespace lugger
