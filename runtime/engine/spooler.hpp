// Reads the changes of a source while it is copied and until what changed meanwhile is settled, and
// keeps the keys of changed documents beside the target.
#pragma once
#include <memory>
#include <mutex>
#include <string>

#include "base/conductor.hpp"
#include "engine/retry.hpp"
#include "place/feed.hpp"
#include "place/state.hpp"

namespace lugger {

struct SpoolSnapshot {
  Position position;     // committed
  uint64_t time = 0;     // of the position, as Feed::time_of()
  uint64_t spooled = 0;  // keys that are kept
  uint64_t events = 0;   // read by this process
  Waiting waiting;
  std::optional<Error> failure;
  bool ended = false;
};

class Spooler {
 public:
  /// When this returns, the position where the changes begin is kept: the copy may begin. Goes on
  /// with what an earlier process began, or, if `restart`, begins anew. Error{config} when that is
  /// not possible, Error{conflict} when another process spools for this job. `reader` is for
  /// Feed::now(). The source must outlive it; so must the target of the state.
  Spooler(Source& source, std::unique_ptr<State> state, std::string job, const std::string& reader,
          bool restart);
  /// Goes on while the keys of this record are settled. Ends by itself before what was done to the
  /// collection as a whole: whoever follows meets that.
  Spooler(Source& source, std::unique_ptr<State> state, const FeedRecord& settled);
  /// Leaves at once; what was not committed is read again by the next one.
  ~Spooler();
  Spooler(const Spooler&) = delete;
  Spooler& operator=(const Spooler&) = delete;

  /// Waits up to timeout_ms for its end, which comes by itself only with a failure or, while keys
  /// are settled, before what was done to the collection.
  SpoolSnapshot poll(int timeout_ms) const;
  /// Commits what was read, and waits for that; leaves at once when `hurry` says kNow.
  void stop(const StopFlag& hurry = kNeverStopped);

 private:
  class Reading;
  void take_lease();
  void begin(const std::string& reader, bool restart);
  void begin_reading(const FeedRecord& record);
  void work();
  /// Reads from the kept position on, to its end or an error.
  void read(Backoff& backoff);

  Source& source_;
  std::unique_ptr<State> state_;
  std::string job_;
  std::string settled_;  // FeedRecord::started; "": the source is copied
  StopFlag stop_;
  Away away_;
  mutable std::mutex mutex_;  // guards the snapshot
  SpoolSnapshot snapshot_;
  Conductor conductor_{"spooling"};
};

}  // namespace lugger
