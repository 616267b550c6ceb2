// The stages behind a load: as the end of a run, or as a run of their own.
#pragma once
#include <atomic>
#include <functional>
#include <initializer_list>

#include "engine/run.hpp"
#include "place/target.hpp"

namespace lugger {

struct JobImpl;

struct StepsView {
  std::vector<StepProgress> steps;
  size_t done = 0, total = 0;
};

/// What the stages of a job are run with.
struct StageHost {
  Target& target;
  const PlanShape& shape;
  State& state;
  std::string job, run;
  StageSettings settings;
  StopFlag& stop;
  std::function<void(std::string_view stage)> enter;
  std::function<void(StepsView)> tell;
  std::atomic<int>* away = nullptr;  // of Backoff
  bool behind_load = false;
};

/// What comes behind the last row: promises the steps, has the target finish, and outlasts lost
/// connections. `tally` is corrected by what was settled.
std::vector<std::string> finish_target(const StageHost& host, const FinishWork& work, Tally& tally);

/// Every document of a run's source was read, and what is to come behind the load was promised.
bool is_read(State& state, const RunRecord& run);

/// Fills in notes, warnings and what was refused.
void run_stages(const StageHost& host, std::initializer_list<Stage> stages, RunResult& result);

/// A run of the one stage that the settings name. Error{config} while a load of the job is
/// unfinished.
std::unique_ptr<Run> start_stage(JobImpl& job, const RunSettings& settings);

}  // namespace lugger
