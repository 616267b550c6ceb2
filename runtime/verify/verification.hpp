// One verification under way: reads both sides, finds what differs, and says so in a verdict.
// Whoever started it polls, and may stop it.
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
  std::string waits_for;  // why it does nothing at the moment; empty while it works
};

struct RepairResult {
  bool applied = false;
  std::string run;         // in the ledger; "" when nothing was written
  uint64_t documents = 0;  // written again from the source, or that would be
  // Rows deleted, of each table of the plan.
  std::vector<uint64_t> deleted_of;
  uint64_t deleted = 0;      // all of them
  uint64_t extra_left = 0;   // extra rows that stay without delete_extra
  uint64_t beyond_keys = 0;  // extra rows that no key tells from the right ones: they stay
  uint64_t of_refused = 0;   // extra rows of documents that were refused: they stay
  std::string refused;       // why extra rows would not be deleted; ""
  uint64_t rounds = 0;
  std::vector<std::string> notes;
};

class Verification {
 public:
  /// Starts at once. The job must live longer. With `repair` the differences are mended and
  /// everything is verified again.
  Verification(Job& job, VerifyOptions options, const RepairOptions* repair = nullptr);
  ~Verification();
  Verification(const Verification&) = delete;
  Verification& operator=(const Verification&) = delete;

  VerifySnapshot poll(int timeout_ms);
  bool ended() const;
  void stop();
  /// Waits for the end; throws what it failed with. After a repair the verdict of what is there
  /// now.
  const Verdict& result();
  /// The verdict before the repair, and what the repair did.
  const Verdict& before() const noexcept;
  const RepairResult& repair() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lugger
