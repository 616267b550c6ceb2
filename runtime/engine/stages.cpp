#include "engine/stages.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/conductor.hpp"
#include "engine/job_impl.hpp"
#include "engine/retry.hpp"
#include "engine/start.hpp"

namespace lugger {

namespace {

/// Records the steps to come. This must happen before the comment is removed that marks tables as
/// made by this run.
void promise_steps(const StageHost& host) {
  if (host.target.stages() == nullptr) return;
  for (StepRecord& step : host.target.stages()->steps(host.shape)) {
    step.job = host.job;
    step.run = host.run;
    host.state.put_step(step);
  }
}

}  // namespace

std::vector<std::string> finish_target(const StageHost& host, const FinishWork& work,
                                       Tally& tally) {
  Backoff backoff(host.away);
  return outlast(backoff, host.stop, [&](bool lost) {
    // Only the ledger knows what was settled before the connection was lost.
    Tally books = lost ? books_of_run(host.state, host.run) : tally;
    promise_steps(host);
    std::vector<std::string> notes = host.target.finish(host.shape, work, books);
    tally = books;
    return notes;
  });
}

void run_stages(const StageHost& host, std::initializer_list<Stage> stages, RunResult& result) {
  StageWork work;
  work.job = host.job;
  work.run = host.run;
  work.state = &host.state;
  work.stop = &host.stop;
  work.settings = host.settings;
  work.behind_load = host.behind_load;
  work.tell = [&](std::vector<StepProgress> steps, size_t done, size_t total) {
    host.tell({std::move(steps), done, total});
  };
  if (host.target.stages() == nullptr) return;
  for (const Stage stage : stages) {
    if (host.stop.requested()) return;
    host.enter(stage_word(stage));
    Backoff backoff(host.away);  // steps that are done are found in the catalog and not repeated
    StageResult done = outlast(backoff, host.stop, [&](bool) {
      return host.target.stages()->build(stage, host.shape, work);
    });
    host.tell({});
    result.notes.insert(result.notes.end(), done.notes.begin(), done.notes.end());
    result.warnings.insert(result.warnings.end(), done.warnings.begin(), done.warnings.end());
    if (done.refused.empty()) continue;
    result.refused = std::move(done.refused);
    result.constrained = host.settings.force;
  }
}

bool is_read(State& state, const RunRecord& run) {
  const std::vector<PartitionRecord> partitions = state.partitions(run.run);
  const std::vector<StepRecord> steps = state.steps(run.job);
  return std::all_of(partitions.begin(), partitions.end(),
                     [](const PartitionRecord& one) { return one.done; }) &&
         std::any_of(steps.begin(), steps.end(),
                     [&](const StepRecord& step) { return step.run == run.run; });
}

namespace {

/// Throws while the load is unfinished: what is built on a partly loaded table must be built again.
void refuse_unfinished(State& state, const std::optional<RunRecord>& latest,
                       const std::string& job) {
  if (!latest || !is_unfinished(*latest) || is_read(state, *latest)) return;
  throw Error(Code::kConfig, fmt::format("the load of {} is not finished", job),
              latest->command.empty() ? "finish it first" : "finish it first: " + latest->command);
}

class StageRun final : public Run {
 public:
  StageRun(JobImpl& job, const RunSettings& settings)
      : job_(job), settings_(settings), conductor_(std::string(stage_word(*settings.stage))) {
    Target& target = job.open_target_once();
    if (target.stages() == nullptr) {
      throw Error(Code::kConfig,
                  fmt::format("{} has no indexes and constraints to build", target.place()),
                  "--stage index and --stage constrain are for PostgreSQL targets");
    }
    shape_ = job.shape_once();
    ledger_.emplace(target.state());
    State& state = ledger_->state();
    take_lease(state, job.spec.name);
    latest_ = latest_load(state, job.spec.name);
    refuse_unfinished(state, latest_, job.spec.name);
    if (latest_) run_ = latest_->run;
    if (settings_.stages.connections == 0)
      settings_.stages.connections =
          static_cast<uint32_t>(settings.jobs > 0 ? settings.jobs : default_jobs());
    conductor_.start(
        stop_, [this] { build(); },
        [this](const std::optional<Error>& failure) { return conclude(failure); });
  }
  ~StageRun() override {
    stop_.set(StopLevel::kNow);
    conductor_.join();
  }

  RunSnapshot poll(int timeout_ms) override {
    conductor_.wait(timeout_ms);
    RunSnapshot snapshot;
    snapshot.run = run_;
    snapshot.stage = conductor_.stage();
    snapshot.seconds = conductor_.seconds();
    if (away_.any()) snapshot.waits_for = kServerAway;
    const std::lock_guard lock(mutex_);
    snapshot.steps = steps_.steps;
    snapshot.steps_done = steps_.done;
    snapshot.steps_total = steps_.total;
    return snapshot;
  }
  bool ended() const override { return conductor_.ended(); }
  void stop(StopLevel level) override { stop_.set(level); }
  RunResult result() override {
    conductor_.join();
    return result_;
  }

 private:
  void build() {
    StageHost host{*job_.target, *shape_, ledger_->state(), job_.spec.name, run_, settings_.stages,
                   stop_,        nullptr, nullptr,          &away_,         false};
    host.enter = [](std::string_view) {};
    host.tell = [this](StepsView view) {
      const std::lock_guard lock(mutex_);
      steps_ = std::move(view);
    };
    run_stages(host, {*settings_.stage}, result_);
    // A run that ended in this stage is done with it now.
    if (latest_ && is_unfinished(*latest_) && result_.constrained && !stop_.requested() &&
        all_done()) {
      result_.status = RunStatus::kDone;
      ledger_->take_up(*latest_);
      ledger_->end(result_);
    }
  }

  bool all_done() {
    const std::vector<StepRecord> steps = ledger_->state().steps(job_.spec.name);
    return std::all_of(steps.begin(), steps.end(), [&](const StepRecord& step) {
      return step.run != run_ || step.status == StepStatus::kDone;
    });
  }

  std::string conclude(const std::optional<Error>& failure) {
    result_.run = run_;
    result_.job = job_.spec.name;
    result_.stage = settings_.stage;
    result_.seconds = conductor_.seconds();
    end_result(result_, failure, stop_.requested());
    if (result_.status != RunStatus::kDone) result_.resume_command = job_.spec.resume_command;
    ledger_.reset();  // releases the job
    return std::string(stage_word(*settings_.stage));
  }

  JobImpl& job_;
  RunSettings settings_;
  std::shared_ptr<const PlanShape> shape_;
  std::optional<LedgerRun> ledger_;
  std::optional<RunRecord> latest_;  // the load it belongs to
  std::string run_;
  StopFlag stop_;
  Away away_;
  std::mutex mutex_;  // guards the steps
  StepsView steps_;
  RunResult result_;
  Conductor conductor_;
};

}  // namespace

std::unique_ptr<Run> start_stage(JobImpl& job, const RunSettings& settings) {
  return std::make_unique<StageRun>(job, settings);
}

}  // namespace lugger
