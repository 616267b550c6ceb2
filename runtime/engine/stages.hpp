// The stages after a load, as the end of a run or as a run of their own.
#pragma once
#include <functional>
#include <initializer_list>

#include "engine/away.hpp"
#include "engine/run.hpp"
#include "place/target.hpp"

namespace lugger {

struct JobImpl;

struct StepsView {
  std::vector<StepProgress> steps;
  size_t done = 0, total = 0;
};

/// What the stages of a job need from their run.
struct StageHost {
  Target& target;
  const PlanShape& shape;
  State& state;
  std::string job, run;
  StageSettings settings;
  StopFlag& stop;
  std::function<void(std::string_view stage)> enter;
  std::function<void(StepsView)> tell;
  Away* away = nullptr;  // passed to Backoff
  bool behind_load = false;
};

/// Does everything that follows the last row: records the steps to come, calls the target's
/// finish(), and tries again after a lost connection. Corrects `tally` for duplicates that were
/// settled.
std::vector<std::string> finish_target(const StageHost& host, const FinishWork& work, Tally& tally);

/// True when every document of the run's source was read, and the steps after the load are
/// recorded.
bool is_read(State& state, const RunRecord& run);

/// Adds notes, warnings and refused rows to the result.
void run_stages(const StageHost& host, std::initializer_list<Stage> stages, RunResult& result);

/// Starts a run of the one stage that the settings name. Error{config} while a load of the job is
/// unfinished.
std::unique_ptr<Run> start_stage(JobImpl& job, const RunSettings& settings);

}  // namespace lugger
