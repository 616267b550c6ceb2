// A run in progress: workers load partitions. The caller polls, shows progress, and may stop it.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/stop.hpp"
#include "engine/embed_budget.hpp"
#include "engine/reject_groups.hpp"
#include "place/run_status.hpp"
#include "place/stage.hpp"
#include "place/state.hpp"
#include "plan/tally.hpp"

namespace lugger {

struct RunSettings {
  int jobs = 0;                 // workers; 0: one a core, at most 4
  bool create = false;          // make missing tables
  bool dry_run = false;         // do everything except write
  bool again = false;           // load a table without a key again although its last run is done
  bool restart = false;         // abandon an unfinished run of this job
  bool accept_changes = false;  // resume although script or source changed
  bool join = false;            // other processes may work on the same run
  bool redact = false;          // rejects keep neither document nor bytes
  uint64_t limit = 0;           // documents; 0: all
  bool retry_rejects = false;   // the source is the job's rejects
  bool follow = false;          // apply the changes of the source, without an end
  std::string follow_from;      // a position where they begin; empty: behind the copy
  bool patient = false;         // wait without an end for servers that were reached once
  std::optional<Stage> stage;   // run this stage only; none: all, in order
  StageSettings stages;
  std::string window;      // hours of the day, "22:00-05:00"; empty: at any time
  EmbedCaps embed;         // in place of those of the job's models
  double source_mbps = 0;  // read no faster, in megabytes a second; 0: as the job's throttle says
};

struct RunSnapshot {
  std::string run;
  std::string stage;  // "reading", "finishing", "index", "constrain", "done", "failed", "stopped";
                      // of a run that follows changes "settling", then "following"
  Tally tally;        // committed and in progress; bytes as on disk
  uint64_t total_bytes = 0;  // 0: unknown
  double seconds = 0;
  bool resumed = false;
  std::vector<StepProgress> steps;  // in progress, in stage index or constrain
  size_t steps_done = 0, steps_total = 0;
  std::string waits_for;  // why the run waits; empty: it does not
  std::string lost;       // what a server that it waits for said last, or why it is not reached
  double silent_s = 0;    // since a server that it waits for was heard of
  std::vector<std::string> remarks;  // of the source, since the last poll
  double behind_s = -1;              // of a feed: behind its source; -1: unknown
  /// All changes before this are committed, or their keys are, as Feed::time_of(); 0: none yet.
  uint64_t followed = 0;
  uint64_t kept = 0;              // keys that were spooled and are not settled
  std::vector<Notice> news = {};  // of this process, in order: Noticed::news()
};

struct RunResult {
  std::string run, job;
  RunStatus status;  // kDone, kStopped, kFailed
  Tally tally;       // of the whole run, with earlier attempts
  double seconds = 0;
  bool resumed = false, dry_run = false;
  std::map<std::string, uint64_t> unmapped;      // path -> documents
  std::vector<std::string> unmet;                // paths that no document had
  std::map<std::string, uint64_t> skip_reasons;  // reason given by a hook -> documents
  std::map<std::string, uint64_t> reject_codes;  // reason code -> documents
  std::vector<RejectGroup> rejects;              // the most frequent first
  size_t tables = 0;                             // number of tables that the job fills
  std::vector<std::string> notes;                // what was done after the load
  std::vector<Notice> noticed;                   // by this process, while changes were followed
  std::vector<std::string> warnings;
  std::vector<Refused> refused;  // rows that prevent constraints from being added
  bool constrained = true;       // false: refused rows prevented the stage
  std::optional<Stage> stage;    // set when the run was a single stage
  std::string error, hint;       // of a failed run
  std::string error_code;
  bool position_lost = false;  // the source no longer has the changes from the position on
  std::string resume_command;
};

/// Sets how a run ended: its status, and the error it failed with.
void end_result(RunResult& result, const std::optional<Error>& failure, bool stopped);

class Run {
 public:
  virtual ~Run() = default;
  /// Waits up to timeout_ms for the run to end.
  virtual RunSnapshot poll(int timeout_ms) = 0;
  virtual bool ended() const = 0;
  /// kFinish: commit the open units, then stop. kNow: roll back and stop.
  virtual void stop(StopLevel level) = 0;
  /// Waits until the run has ended.
  virtual RunResult result() = 0;
};

}  // namespace lugger
