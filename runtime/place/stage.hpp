// What is built after the rows are loaded: indexes, then constraints. A stage is a list of steps.
// Each step is recorded in the ledger and checked in the catalog, so that it is not done twice.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/stop.hpp"

namespace lugger {

class State;

enum class Stage : uint8_t { kLoad, kIndex, kConstrain };

inline constexpr std::array<std::string_view, 3> kStageWords = {"load", "index", "constrain"};
constexpr std::string_view stage_word(Stage stage) noexcept {
  return kStageWords[static_cast<size_t>(stage)];
}

enum class StepStatus : uint8_t { kWaiting, kRunning, kDone, kFailed, kRefused };
inline constexpr std::array<std::string_view, 5> kStepStatusWords = {"waiting", "running", "done",
                                                                     "failed", "refused"};
constexpr std::string_view step_status_word(StepStatus status) noexcept {
  return kStepStatusWords[static_cast<size_t>(status)];
}

/// One step in the ledger.
struct StepRecord {
  std::string job, step;  // step: "index users users_email_1"
  Stage stage = Stage::kIndex;
  std::string run;  // the run that last worked on it
  StepStatus status = StepStatus::kWaiting;
  std::string statement, message;
  uint64_t tries = 0;
  std::string started, ended;  // ISO text, UTC; set by the ledger
};

struct StageSettings {
  uint32_t connections = 0;         // that build indexes at the same time; 0: as many as load
  std::string memory;               // for all builds together, "1GB"; empty: the server's setting
  uint32_t lock_timeout_ms = 2000;  // how long a statement waits for its lock
  uint32_t lock_tries = 30;         // how often a statement asks for its lock
  bool force = false;               // add constraints although rows would be refused
};

/// A step in progress, for display.
struct StepProgress {
  std::string step, table, phase;
  double share = -1;    // done, 0 to 1; negative: unknown
  double seconds = 0;   // since the step began
  std::string waiting;  // the session it waits for, described
};

/// Rows that a constraint would refuse.
struct Refused {
  std::string table, column, constraint;  // column: comma-separated names
  std::string kind;                       // "not null", "check", "unique", "foreign key"
  uint64_t rows = 0;                      // 0 with a message: they cannot be counted
  std::vector<std::string> examples;      // keys of such rows
  std::string message;                    // what is wrong, in words
};

/// The input of a stage.
struct StageWork {
  std::string job, run;
  State* state = nullptr;
  const StopFlag* stop = nullptr;
  StageSettings settings;
  /// The run has just loaded the rows: if there is nothing to build, the catalog is not read.
  bool behind_load = false;
  std::function<void(std::vector<StepProgress>, size_t done, size_t total)> tell;
};

struct StageResult {
  std::vector<std::string> notes, warnings;  // a line each
  std::vector<Refused> refused;              // of constrain: if not empty, nothing was done
  bool stopped = false;
};

}  // namespace lugger
