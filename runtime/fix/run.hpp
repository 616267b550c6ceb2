// A fix or an undo in progress: polled and stopped like any run.
#pragma once
#include "engine/run.hpp"
#include "fix/spec.hpp"

namespace lugger {

class FixRun : public Run {
 public:
  /// After result(): what changed, or would.
  virtual const FixReport& report() const = 0;
};

/// Without settings.apply nothing is written, not even a ledger.
std::unique_ptr<FixRun> start_fix(const FixSpec& spec, const FixSettings& settings);

struct UndoSpec {
  std::string run;     // the run to undo
  std::string target;  // its target
  Options target_options;
  std::string where;  // SQL that names rows; empty: all
  uint32_t batch_rows = 1000;
  int64_t retention_seconds = 30 * 86400;
  ThrottleSpec throttle;
  std::string resume_command, now;
};
std::unique_ptr<FixRun> start_undo(const UndoSpec& spec, const FixSettings& settings);

}  // namespace lugger
