#include "engine/start.hpp"

#include <algorithm>
#include <climits>
#include <utility>

#include "engine/check_manifests.hpp"
#include "engine/check_source.hpp"
#include "engine/follow.hpp"
#include "engine/join.hpp"
#include "engine/rejects.hpp"
#include "place/identity.hpp"
#include "place/owned_output.hpp"

namespace lugger {

namespace {

// The last unit of a part is smaller than others and waits for the disk. With at least two units in
// a part this costs little.
constexpr uint64_t kPartBytes = 16 << 20;
constexpr int kPartsEach = 8;

}  // namespace

int parts_for(const SourceInfo& info, int workers) {
  if (workers == 1) return 1;
  const auto worth = static_cast<int>(std::min<uint64_t>(info.bytes / kPartBytes, INT_MAX));
  return std::clamp(worth, workers, workers * kPartsEach);
}

RunRequest request_of(const JobSpec& spec, const std::string& source_identity,
                      const RunSettings& settings) {
  return {spec.name,        spec.script_hash,        source_identity,
          settings.restart, settings.accept_changes, spec.resume_command};
}

void look_at_output(Target& target, const std::string& job, bool restart, TargetReport& report) {
  auto* output = dynamic_cast<OwnedOutput*>(&target);
  if (output == nullptr) return;
  output->write_over(restart);
  if (restart) return;
  if (std::string why = output->taken(job); !why.empty()) report.problems.push_back(std::move(why));
}

TargetReport inspect_target(JobImpl& job, const RunSettings& settings) {
  const bool again = !settings.follow && !is_read_once(job.spec.source);
  TargetReport report = job.target->inspect(*job.shape_once(), settings.create, again);
  // A row that changed is found by its key.
  if (settings.follow && report.mode == "direct") {
    report.mode = "staged";
    report.mode_reason = "changes are followed";
  }
  if (!settings.dry_run) look_at_output(*job.target, job.spec.name, settings.restart, report);
  check_manifests(job, report);
  return report;
}

void make_ready(Target& target, const PlanShape& shape, bool create, const TargetReport& report) {
  if (create) target.create(report);
  target.keep_manifests(shape);
}

SourceInfo info_for(Source& source, const RunSettings& settings) {
  SourceInfo info = source.info();
  if (settings.follow) return followed(std::move(info));
  if (info.missing && !settings.retry_rejects) throw Error(*info.missing);
  return info;
}

void refuse_problems(const TargetReport& report, const std::string& job) {
  if (report.problems.empty()) return;
  std::string all = report.problems.front();
  for (size_t i = 1; i < report.problems.size(); ++i) all += "\n" + report.problems[i];
  throw Error(Code::kConfig, fmt::format("{} cannot run:\n{}", job, all));
}

namespace {

/// Rejects that were not resolved are still rejects. So an interrupted retry is resumed by the next
/// --retry, and abandoned by any other run.
bool goes_on_retrying(State& state, const RunRecord& run, const RunShared& shared) {
  return shared.settings.retry_rejects && !shared.settings.restart &&
         run.script_hash == shared.job.spec.script_hash && was_retry(state, run);
}

}  // namespace

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

void resume_run(RunShared& shared, PreparedRun& prepared, const RunRecord& run) {
  prepared.resumed = true;
  shared.run = run.run;
  shared.now = run.now;
  if (!shared.settings.follow) prepared.report.mode = run.mode;
  for (PartitionRecord& partition : prepared.ledger->resume(run)) {
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
  shared.allowance.set_limit(shared.settings.limit, 0);
  RunRecord record;
  record.run = shared.run;
  record.job = spec.name;
  record.script_hash = spec.script_hash;
  record.source = info.place;
  record.source_identity = info.identity;
  record.mode = shared.settings.follow ? kFollowMode : prepared.report.mode;
  record.command = spec.resume_command;
  record.now = spec.now;
  std::vector<PartitionRecord> partitions;
  record.joint = shared.settings.join;
  for (const Partition& partition : shared.source->split(parts)) {
    PartitionRecord made;
    made.id = partition.id;
    made.spec = partition.spec;
    made.start = partition.start;
    made.phase = partition.phase;
    made.bytes = partition.bytes;
    prepared.total_bytes += partition.bytes;
    shared.partitions.add(made);
    partitions.push_back(std::move(made));
  }
  if (prepared.ledger) prepared.ledger->begin(std::move(record), partitions);
}

namespace {

/// Why the rows of a done run must not, or cannot, be loaded again; empty: they can. Rows with a
/// key are no problem, because on_conflict settles them.
std::string why_once(const PlanShape& shape, bool same_script) {
  const Mapping& mapping = shape.mapping();
  const std::string& table = shape.tables().front().name;
  if (mapping.key.empty())
    return fmt::format("; {} has no key, so nothing was loaded again (--again does)", table);
  if (mapping.on_conflict != OnConflict::kError || !same_script) return {};
  return fmt::format(
      "; {} refuses keys that are there, so nothing was loaded again (on_conflict = 'update' "
      "does)",
      table);
}

}  // namespace

std::optional<DoneBefore> done_before(State& state, const RunRequest& request,
                                      const PlanShape& shape) {
  if (request.source_identity.empty()) return {};
  std::optional<RunRecord> latest = latest_load(state, request.job);
  if (!latest || latest->status != RunStatus::kDone) return {};
  // A source that was only copied, moved or touched has the same rows, as far as can be known.
  const Sameness source = compare_identities(latest->source_identity, request.source_identity);
  if (source == Sameness::kOther) return {};
  DoneBefore out;
  out.note = fmt::format("this source was loaded before{}: run {} was done at {}",
                         source == Sameness::kTouched
                             ? " (by its size and samples of its content; it was copied, moved, "
                               "touched or written again since)"
                             : "",
                         latest->run, latest->updated);
  out.why = why_once(shape, latest->script_hash == request.script_hash);
  out.run = *std::move(latest);
  return out;
}

namespace {

bool all_done(const std::vector<PartitionRecord>& partitions) {
  return std::ranges::all_of(partitions, &PartitionRecord::done);
}

/// Reports a run that is done already when the job is started again. True: nothing is left to do.
bool was_done(RunShared& shared, PreparedRun& prepared, const RunRequest& request) {
  if (shared.settings.retry_rejects) return false;
  State& state = prepared.ledger->state();
  const std::optional<DoneBefore> before = done_before(state, request, *shared.shape);
  if (!before) return false;
  prepared.note = before->note;
  if (before->why.empty() || !prepared.report.holds_rows || shared.settings.again) return false;
  const std::vector<PartitionRecord> partitions = state.partitions(before->run.run);
  if (!all_done(partitions)) {
    if (!shared.shape->mapping().key.empty()) return false;
    throw Error(Code::kConflict,
                fmt::format("{} holds the rows of run {}, which stopped at its limit, and no key "
                            "tells them from those to come",
                            shared.shape->tables().front().name, before->run.run),
                "empty the table first, or load these rows twice with --again");
  }
  for (const PartitionRecord& partition : partitions) prepared.earlier += partition.tally;
  shared.run = before->run.run;
  prepared.note += before->why;
  prepared.was_done = true;
  return true;
}

}  // namespace

bool begins(State& state, const RunRequest& request, const PlanShape& shape, bool again) {
  const std::optional<RunRecord> latest = state.latest(request.job);
  if (latest && is_unfinished(*latest))
    return request.restart || gives_way(state, *latest, request, {});
  const std::optional<DoneBefore> before = done_before(state, request, shape);
  return !before || before->why.empty() || again || !all_done(state.partitions(before->run.run));
}

namespace {

/// Ends the sharing of a run that other processes may have joined.
void keep_alone(State& state, const RunRecord& run) {
  const std::string who = state.close_to_claims(run.run);
  if (who.empty()) return;
  throw Error(Code::kConflict, fmt::format("{} is already running ({})", run.job, who),
              "to help them: --join; otherwise wait for them, or stop them first");
}

void read_rejects(RunShared& shared, PreparedRun& prepared) {
  prepared.rejects = reject_source(prepared.ledger->state(), shared.job.spec.name);
  shared.source = prepared.rejects.get();
}

/// Handles --retry when there is an unfinished run. True: that run is resumed.
bool goes_on_with_rejects(RunShared& shared, PreparedRun& prepared, const RunRecord& run) {
  if (goes_on_retrying(prepared.ledger->state(), run, shared)) {
    read_rejects(shared, prepared);
    resume_run(shared, prepared, run);
    return true;
  }
  const RunRequest asked = request_of(shared.job.spec, shared.source->info().identity, {});
  if (gives_way(prepared.ledger->state(), run, asked, prepared.report.missing)) return false;
  throw Error(Code::kConfig, fmt::format("{} has an unfinished run", shared.job.spec.name),
              "finish it before its rejects are tried again");
}

void refuse_renamed(Source& source, State& state, const std::string& job) {
  if (const auto why = why_renamed(source, state, job, "cannot be loaded")) throw *why;
}

void prepare_alone(RunShared& shared, PreparedRun& prepared) {
  JobImpl& job = shared.job;
  const RunSettings& settings = shared.settings;
  Target& target = *job.target;
  LedgerRun& ledger = *prepared.ledger;
  take_lease(ledger.state(), job.spec.name);
  // Another process may have filled the tables while this one waited for the job.
  prepared.report = inspect_target(job, settings);
  refuse_problems(prepared.report, job.spec.name);
  if (settings.follow) {
    make_ready(target, *shared.shape, settings.create, prepared.report);
    return prepare_follow(shared, prepared);
  }
  std::optional<RunRecord> latest = ledger.state().latest(job.spec.name);
  const bool open = latest && is_unfinished(*latest);
  if (open && std::exchange(latest->joint, false)) keep_alone(ledger.state(), *latest);
  Earlier earlier = open ? Earlier::kGivesWay : Earlier::kNone;
  const RunRequest request = request_of(job.spec, shared.source->info().identity, settings);
  if (!settings.retry_rejects) {
    if (!settings.restart) refuse_renamed(*shared.source, ledger.state(), job.spec.name);
    earlier = ledger.judge(latest, request, prepared.report.missing);
  } else if (open && goes_on_with_rejects(shared, prepared, *latest)) {
    return;
  }
  if (earlier == Earlier::kGoesOn) return resume_run(shared, prepared, *latest);
  if (earlier == Earlier::kNone && was_done(shared, prepared, request)) return;
  if (earlier == Earlier::kRestarted) target.discard(*shared.shape, latest->run);
  if (open) ledger.give_up(*latest);
  if (settings.retry_rejects) {
    read_rejects(shared, prepared);
  } else {
    make_ready(target, *shared.shape, settings.create, prepared.report);
  }
  const SourceInfo info = shared.source->info();
  begin_run(shared, prepared, info,
            parts_for(info, static_cast<int>(shared.sink_options.connections)));
}

/// Uses the inspection of a plan that was made for this run, if it found no problem.
void look_at_target(RunShared& shared, PreparedRun& prepared) {
  JobImpl& job = shared.job;
  const RunSettings& settings = shared.settings;
  std::optional<JobImpl::Planned> planned = std::exchange(job.planned, std::nullopt);
  const bool same =
      planned && planned->create == settings.create && planned->follow == settings.follow;
  if (same && !settings.join && !settings.dry_run) {
    prepared.report = std::move(planned->report);
    return;
  }
  prepared.report = inspect_target(job, settings);
  check_source(info_for(*shared.source, settings), job.source->row_shape(), *shared.shape,
               static_cast<bool>(job.spec.hook), *job.target, prepared.report);
}

}  // namespace

void prepare_run(RunShared& shared, PreparedRun& prepared) {
  JobImpl& job = shared.job;
  const RunSettings& settings = shared.settings;
  shared.shape = job.shape_once();
  Target& target = job.open_target_once();
  shared.source = &job.open_source_once();
  if (settings.follow) refuse_to_follow(settings, *shared.source);
  const SourceInfo asked = info_for(*shared.source, settings);
  shared.live = asked.live;
  shared.source_moves = asked.moves && !settings.retry_rejects;
  shared.changes = asked.changes && !settings.retry_rejects;
  look_at_target(shared, prepared);
  shared.sink_options.connections =
      static_cast<uint32_t>(settings.jobs > 0 ? settings.jobs : default_jobs());
  if (!settings.dry_run) refuse_problems(prepared.report, job.spec.name);
  keep_pace(shared.pace, target, job.spec.throttle, settings.window);
  if (settings.source_mbps > 0) shared.pace.set_source_speed(settings.source_mbps);
  if (settings.dry_run) {
    const SourceInfo info = shared.source->info();
    begin_run(shared, prepared, info,
              parts_for(info, static_cast<int>(shared.sink_options.connections)));
    return;
  }
  prepared.ledger = std::make_unique<LedgerRun>(target.state());
  shared.state = &prepared.ledger->state();
  if (settings.join) {
    refuse_to_join(settings, shared.source->info(), target, *shared.state);
    join_run(shared, prepared);
  } else {
    prepare_alone(shared, prepared);
  }
  shared.tries_again =
      settings.follow || (asked.moves && shared.state->feed(job.spec.name).has_value());
  shared.rejected_before = shared.changes && shared.state->count_rejects(job.spec.name) != 0;
  if (Embedding* models = job.embedding_once()) models->begin(shared.run, settings.embed);
  shared.sink_options.run = shared.run;
  shared.sink_options.mode = prepared.report.mode;
  if (!settings.join) shared.sink_options.lease = shared.state->lease_token();
}

}  // namespace lugger
