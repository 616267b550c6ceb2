// Listens to the changes of the source while its rows are compared. It is known of every document
// whether a change of it may not have been applied yet; of all others the rows are as they should be.
#pragma once
#include <condition_variable>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "place/feed.hpp"
#include "verify/context.hpp"
#include "verify/live_check.hpp"

namespace lugger {

class LiveWatch {
 public:
  /// Begins where the changes are applied up to. What changes from there on is also told to `seen`.
  LiveWatch(VerifyContext& context, SeenKeys& seen, const Position& from);
  ~LiveWatch();
  LiveWatch(const LiveWatch&) = delete;
  LiveWatch& operator=(const LiveWatch&) = delete;

  /// Returns when all that was changed before `time`, which is past, has been seen. Error{read}
  /// when the source does not tell for a long time; throws what the listener failed with.
  void reach(uint64_t time);
  /// Whether a change of the document may not be applied by those who stand at `applied`, among the
  /// changes that were seen.
  bool is_pending(const std::string& id_key, const Position& applied) const;
  /// What was applied before `applied` is not asked for again.
  void forget(const Position& applied);

 private:
  struct Touch {
    uint64_t time;
    std::shared_ptr<const Position> behind;  // the changes up to and with this one
  };
  void listen(const std::stop_token& stop);
  void take(const Batch& batch);

  VerifyContext& context_;
  SeenKeys& seen_;
  std::unique_ptr<Feed> feed_;
  std::unique_ptr<Cursor> cursor_;
  IdKeys keys_;
  std::unordered_set<std::string> told_;  // to `seen`
  mutable std::mutex mutex_;              // guards what follows
  std::condition_variable moved_;
  std::unordered_map<std::string, Touch> touched_;
  uint64_t time_ = 0, asked_ = 0,
           quiet_ = 0;      // asked_: calls begun; quiet_: the last that gave none
  uint64_t all_until_ = 0;  // of changes up to this time any document may be one
  std::exception_ptr failure_;
  StopFlag stop_;
  std::jthread thread_;
};

}  // namespace lugger
