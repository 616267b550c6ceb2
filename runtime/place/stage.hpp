// What is built once the rows are in: indexes, then constraints. A stage is a list of steps; each
// is recorded in the ledger and looked up in the catalog, so that a step done before is not done
// again.
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

/// One step as the ledger keeps it.
struct StepRecord {
  std::string job, step;  // step: "index users users_email_1"
  Stage stage = Stage::kIndex;
  std::string run;  // that last worked on it
  StepStatus status = StepStatus::kWaiting;
  std::string statement, message;
  uint64_t tries = 0;
  std::string started, ended;  // ISO text, UTC; read only
};

struct StageSettings {
  uint32_t connections = 0;         // that build at once; 0: as many as load
  std::string memory;               // for all builds together, "1GB"; empty: the server's setting
  uint32_t lock_timeout_ms = 2000;  // how long a statement waits for its lock
  uint32_t lock_tries = 30;         // how often it is asked for
  bool force = false;               // constrain although rows would be refused
};

/// A step under way, for whoever watches.
struct StepProgress {
  std::string step, table, phase;
  double share = -1;    // 0 to 1; negative: not known
  double seconds = 0;   // since it began
  std::string waiting;  // for whom: another session, described
};

/// Rows that a constraint would refuse.
struct Refused {
  std::string table, column, constraint;  // column: names, comma separated
  std::string kind;                       // "not null", "check", "unique", "foreign key"
  uint64_t rows = 0;                      // 0 with a message: it cannot be counted
  std::vector<std::string> examples;      // keys of such rows
  std::string message;                    // in words
};

/// What a stage is given to work with.
struct StageWork {
  std::string job, run;
  State* state = nullptr;
  const StopFlag* stop = nullptr;
  StageSettings settings;
  /// Of the run that has just loaded: where there is nothing to build, nothing is looked at.
  bool behind_load = false;
  std::function<void(std::vector<StepProgress>, size_t done, size_t total)> tell;
};

struct StageResult {
  std::vector<std::string> notes, warnings;  // a line each
  std::vector<Refused> refused;              // constrain: not empty, and nothing was done
  bool stopped = false;
};

}  // namespace lugger
