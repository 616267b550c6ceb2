// Several sessions work on the steps of a stage. The caller's thread waits for them and reports
// progress. A stop cancels their statements.
#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>

#include "base/clock.hpp"
#include "postgres/patience.hpp"
#include "postgres/session_pool.hpp"
#include "postgres/steps.hpp"

namespace lugger {

struct PgPlace {
  std::string url;
  bool pooled = false;
};

/// A step to do, with the decisions about it.
struct CrewTask {
  StageStep step;
  bool concurrently = false;
  bool refused = false;  // rows violate it: with `force`, go as far as possible
  bool begun = false;  // an earlier run began it: an invalid index of its name comes from that run
};

class StageCrew;

/// One worker's session, and what it is doing.
class CrewMember {
 public:
  CrewMember(StageCrew& crew, LentSession session);

  PgSession& session() { return *session_; }
  Patience patience();
  /// Reports "building", "waiting for its lock" and so on, and which session it waits for.
  void tell(std::string phase, std::string waiting = {});
  void note(std::string line);
  void count_tries(uint64_t tries) { tries_ += tries; }
  /// From here on the first stop does not cancel the session's statements; a second one does.
  void begin_tidying();

 private:
  friend class StageCrew;
  void begin_work();
  StageCrew& crew_;
  LentSession session_;
  std::string pid_;
  const CrewTask* task_ = nullptr;
  std::string phase_, waiting_;
  Stopwatch watch_;
  uint64_t tries_ = 0;
  std::optional<StopScope> scope_;  // of the thread that runs the task
};

class StageCrew {
 public:
  /// Does one task; throws when it fails.
  using Hands = std::function<void(CrewMember&, const CrewTask&)>;

  StageCrew(const PgPlace& place, Stage stage, const StageWork& work)
      : place_(place), stage_(stage), work_(work) {}

  /// Runs all tasks with up to `members` sessions; `settings` is executed in each first. A failed
  /// task does not prevent the others. The first error is thrown at the end.
  void run(std::vector<CrewTask> tasks, size_t members, const std::string& settings,
           const Hands& hands);

  std::vector<std::string>& notes() { return notes_; }
  size_t done() const { return done_; }
  /// True when a stop was requested before all tasks were done.
  bool stopped() const { return stopped_; }

 private:
  friend class CrewMember;
  void hire(size_t members, const std::string& settings);
  void work(CrewMember& member, const Hands& hands);
  const CrewTask* claim();
  void release(const CrewTask& task);
  void watch();
  void look(PgSession& session);
  void record(const CrewTask& task, StepStatus status, const std::string& message, uint64_t tries);
  void fail(const CrewTask& task, const Error& error);

  PgPlace place_;
  Stage stage_;
  const StageWork& work_;
  std::vector<CrewTask> tasks_;
  std::vector<std::unique_ptr<CrewMember>> members_;
  std::mutex mutex_;  // guards what follows, and the ledger
  std::condition_variable changed_;
  std::vector<char> claimed_;
  std::multiset<std::string> busy_;  // tables with a CONCURRENTLY in progress: one at a time
  size_t done_ = 0, ended_ = 0, at_work_ = 0;
  std::vector<std::string> notes_;
  std::optional<Error> failure_;
  std::vector<std::string> also_failed_;
  bool stopped_ = false;
};

}  // namespace lugger
