#include "engine/ledger_run.hpp"

#include <exception>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/stop.hpp"
#include "place/identity.hpp"

namespace lugger {

namespace {

/// When an idle session was disconnected, only its next statement fails; the statement after that
/// opens a new connection. So one repetition is enough.
template <typename Work>
void try_twice(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.code() != Code::kConnect) throw;
    work();
  }
}

}  // namespace

Taken taken_of(const RunSettings& settings) {
  const bool part = settings.retry_rejects || settings.follow || settings.limit != 0;
  return part ? Taken::kPart : Taken::kWhole;
}

std::string new_run_id() {
  const Uuid id = uuid_v7();
  return uuid_text(id.data());
}

bool is_unfinished(const RunRecord& run) {
  return run.status != RunStatus::kDone && run.status != RunStatus::kAbandoned;
}

bool was_retry(State& state, const RunRecord& run) {
  const std::vector<PartitionRecord> partitions = state.partitions(run.run);
  return partitions.size() == 1 && partitions.front().id == kRejectsPartition;
}

bool committed_nothing(State& state, const RunRecord& run) {
  for (const PartitionRecord& partition : state.partitions(run.run)) {
    if (partition.done || !partition.position.empty() || partition.tally.read != 0) return false;
  }
  return true;
}

std::optional<RunRecord> latest_load(State& state, const std::string& job) {
  constexpr size_t kRunsLookedAt = 500;
  const auto loaded = [&](const RunRecord& run) {
    if (run.mode == kFollowMode || was_retry(state, run)) return false;
    return run.status == RunStatus::kDone || !committed_nothing(state, run);
  };
  std::optional<RunRecord> latest = state.latest(job);
  if (!latest || loaded(*latest)) return latest;
  for (RunRecord& run : state.runs(kRunsLookedAt)) {
    if (run.job == job && loaded(run)) return std::move(run);
  }
  return {};
}

bool gives_way(State& state, const RunRecord& run, const RunRequest& request,
               const std::vector<std::string>& missing) {
  if (was_retry(state, run)) return true;
  const bool same = run.script_hash == request.script_hash &&
                    run.source_identity == request.source_identity && missing.empty();
  return !same && committed_nothing(state, run);
}

/// The script of a job that has an unfinished run is another, or what it was then: both look alike.
[[noreturn]] static void refuse_script(const RunRecord& run, const RunRequest& request) {
  const auto typed = [&](const char* flag) {
    return request.command.empty() ? std::string(flag)
                                   : fmt::format("`{} {}`", request.command, flag);
  };
  const std::string ways = fmt::format("{} goes on where it stopped, {} begins again",
                                       typed("--accept-changes"), typed("--restart"));
  if (run.command.empty() || request.command.empty() || run.command == request.command) {
    throw Error(Code::kConfig,
                fmt::format("{} has an unfinished run, and the script has changed since it began",
                            request.job),
                ways);
  }
  throw Error(Code::kConfig,
              fmt::format("{} has an unfinished run that `{}` began, and its script or options "
                          "were not these",
                          request.job, run.command),
              fmt::format("to go on with it, type that command; with this script {}", ways));
}

void check_unchanged(const RunRecord& run, const RunRequest& request) {
  // A position is meaningless in another source. So the user can accept a changed script or a file
  // that looks the same, but not another source.
  const Sameness source = compare_identities(run.source_identity, request.source_identity);
  if (source == Sameness::kTouched && !request.accept_changes) {
    throw Error(
        Code::kConfig,
        fmt::format("{} has an unfinished run, and its source was copied, moved, touched or "
                    "written again since it began: size and samples of the content are the same",
                    request.job),
        "where nothing in it was changed, --accept-changes goes on where the run stopped; "
        "--restart begins again");
  }
  if (source == Sameness::kOther) {
    throw Error(Code::kConfig,
                fmt::format("{} has an unfinished run, and the source has changed since it began",
                            request.job),
                "put the source back as it was, or begin again with --restart");
  }
  if (request.accept_changes || run.script_hash == request.script_hash) return;
  refuse_script(run, request);
}

std::optional<Error> lost_tables(State& state, const RunRequest& request,
                                 const std::vector<std::string>& missing) {
  if (missing.empty() || request.restart) return {};
  const std::optional<RunRecord> run = state.latest(request.job);
  if (!run || !is_unfinished(*run) || was_retry(state, *run) || committed_nothing(state, *run))
    return {};
  return Error(
      Code::kConfig,
      fmt::format("{} has an unfinished run, and {} is not there: it was dropped{} after the run "
                  "began, and the rows loaded before are gone with it",
                  request.job, fmt::join(missing, ", "),
                  run->script_hash == request.script_hash ? "" : ", or named in the script,"),
      "put it back as it was, or load everything again with --restart --create");
}

void take_lease(State& state, const std::string& job, std::string_view hint) {
  std::string holder;
  if (state.lease(job, holder)) return;
  throw Error(Code::kConflict, fmt::format("{} is already running ({})", job, holder),
              std::string(hint));
}

std::optional<SettledUnit> settle_unit(State& state, const std::string& run,
                                       const PartitionRecord& known) {
  for (PartitionRecord& found : state.partitions(run)) {
    if (found.id != known.id) continue;
    SettledUnit out;
    out.gained = found.tally;
    out.gained -= known.tally;
    if (found.tally.read < known.tally.read) {
      out.taken_back = known.tally.read - found.tally.read;
    } else {
      // A task may commit rows of its own without advancing in its source.
      out.committed =
          found.position != known.position || found.done != known.done || out.gained.read != 0;
    }
    out.partition = std::move(found);
    return out;
  }
  return {};
}

LedgerRun::LedgerRun(std::unique_ptr<State> state)
    : state_(std::move(state)), exceptions_(std::uncaught_exceptions()) {
  state_->ensure();
}

LedgerRun::~LedgerRun() {
  if (!under_way_) return;
  try {
    record(std::uncaught_exceptions() > exceptions_ ? RunStatus::kFailed : RunStatus::kStopped, "");
  } catch (const std::exception&) {
    // The status stays "running", and such a run can be resumed too.
  }
}

Earlier LedgerRun::judge(const std::optional<RunRecord>& latest, const RunRequest& request,
                         const std::vector<std::string>& missing) {
  if (!latest || !is_unfinished(*latest)) return Earlier::kNone;
  if (gives_way(*state_, *latest, request, missing)) return Earlier::kGivesWay;
  if (request.restart) return Earlier::kRestarted;
  check_unchanged(*latest, request);
  if (const auto lost = lost_tables(*state_, request, missing)) throw *lost;
  return Earlier::kGoesOn;
}

void LedgerRun::give_up(const RunRecord& run, const std::string& why) {
  state_->set_status(run.run, RunStatus::kAbandoned, why);
}

void LedgerRun::begin(RunRecord record, const std::vector<PartitionRecord>& partitions) {
  if (record.run.empty()) record.run = new_run_id();
  record.status = RunStatus::kRunning;
  state_->start(record, partitions);
  run_ = record.run;
  under_way_ = !record.joint;
}

Tally books_of_run(State& state, const std::string& run) {
  Tally out;
  for (const PartitionRecord& partition : state.partitions(run)) out += partition.tally;
  return out;
}

std::vector<PartitionRecord> LedgerRun::resume(const RunRecord& run) {
  state_->set_status(run.run, RunStatus::kRunning, "");
  take_up(run);
  return state_->partitions(run_);
}

void LedgerRun::take_up(const RunRecord& run) {
  run_ = run.run;
  under_way_ = !run.joint;
}

void LedgerRun::note(RunRecord record) {
  record.run = new_run_id();
  record.status = RunStatus::kDone;
  state_->start(record, {});
}

void LedgerRun::record(RunStatus status, const std::string& message) {
  under_way_ = false;
  const Tidying tidying;
  try_twice([&] { state_->set_status(run_, status, message); });
}

void LedgerRun::end(RunResult& result, Taken taken) noexcept try {
  // Deleted only now: a run that fails at its first row must not lose the rejects of earlier runs.
  if (result.status == RunStatus::kDone && taken == Taken::kWhole)
    try_twice([&] { state_->delete_other_rejects(result.job, run_); });
  record(result.status, result.error);
} catch (const std::exception& error) {
  result.warnings.push_back(
      fmt::format("the end of the run could not be recorded: {}", error.what()));
}

}  // namespace lugger
