// What is looked at beside jobs that are moved, and where what is known of them is told: their
// sources are asked how far they are, and the ledger is told for `lugger status`.
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/conductor.hpp"
#include "engine/job.hpp"
#include "place/feed_watch.hpp"

namespace lugger {

/// Of a job's source.
struct SourceSeen {
  FeedView view;
  double age = -1;         // seconds since it answered, or did not; -1: not asked yet
  std::string fault;       // why it does not; "": it does
  std::string own_stream;  // Source::own_stream()
  KeptLog kept;            // of the job; without a name where nothing is kept, or that is not known
};

/// Of a job's rejects, as they stand.
struct RejectsSeen {
  uint64_t rejects = 0, stale = 0;  // stale: rows that stand for rejected documents
  bool known = false;
};

/// Two threads, one for the sources and one for the ledgers, however many jobs there are. What they
/// cannot reach keeps nobody from working.
class MoveWatch {
 public:
  /// Looks each `every` seconds. The jobs outlive it.
  MoveWatch(const std::vector<Job*>& jobs, double every);
  /// Waits until what was told last is written, a few seconds at most.
  ~MoveWatch();
  MoveWatch(const MoveWatch&) = delete;
  MoveWatch& operator=(const MoveWatch&) = delete;

  SourceSeen seen(size_t job) const;
  RejectsSeen rejects(size_t job) const;
  /// From the thread that opens the job's places. Of the job: its position, and what is known of it
  /// as JSON, of which the newest is written. `now`: at once, else when it is time.
  void tell(size_t job, uint64_t position, std::string facts, bool now);

 private:
  class Sources;
  class Ledgers;
  struct Told {
    uint64_t position = 0;
    std::string facts;
    bool fresh = false, open = false;  // open: the job's places are
  };
  void ask_sources();
  void tell_ledgers();
  /// False: it is to end.
  bool wait_for_turn();

  std::vector<JobImpl*> jobs_;
  const double every_;
  StopFlag stop_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<SourceSeen> seen_;
  std::vector<RejectsSeen> rejects_;
  std::vector<Stopwatch> answered_;
  std::vector<Told> told_;
  bool hurry_ = false, closing_ = false;
  Conductor sources_{"asking"}, ledgers_{"telling"};
};

}  // namespace lugger
