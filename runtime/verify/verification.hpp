// A verification in progress: reads both sides, finds the differences, and makes a verdict. The
// caller polls it and may stop it.
#pragma once
#include <memory>

#include "engine/job.hpp"
#include "verify/options.hpp"
#include "verify/verdict.hpp"

namespace lugger {

struct VerifySnapshot {
  std::string stage;  // "reading", "comparing", "looking closer", "repairing", "done", "failed"
  uint64_t documents = 0, bytes = 0, total_bytes = 0, rows = 0;  // rows: of the target
  double seconds = 0;
  std::string waits_for;  // why it waits; empty: it does not
};

struct RepairResult {
  bool applied = false;
  std::string run;         // its id in the ledger; "": nothing was written
  uint64_t documents = 0;  // written again from the source, or to be written
  // Deleted rows, by table of the plan.
  std::vector<uint64_t> deleted_of;
  uint64_t deleted = 0;      // sum of these
  uint64_t extra_left = 0;   // extra rows not deleted, because delete_extra is not set
  uint64_t beyond_keys = 0;  // extra rows that stay, because they have the same key as a right row
  uint64_t of_refused = 0;   // extra rows that stay, because their document was refused
  std::string refused;       // why extra rows may not be deleted; "": they may
  uint64_t rounds = 0;
  std::vector<std::string> notes;
};

class Verification {
 public:
  /// Starts at once. The job must outlive it. With `repair`, differences are repaired and
  /// everything is verified again.
  Verification(Job& job, VerifyOptions options, const RepairOptions* repair = nullptr);
  ~Verification();
  Verification(const Verification&) = delete;
  Verification& operator=(const Verification&) = delete;

  VerifySnapshot poll(int timeout_ms);
  bool ended() const;
  void stop();
  /// Waits for the end; throws the error it failed with. After a repair, this is the verdict of the
  /// second verification.
  const Verdict& result();
  /// The verdict before the repair, and the result of the repair.
  const Verdict& before() const noexcept;
  const RepairResult& repair() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lugger
