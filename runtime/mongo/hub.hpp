// One change stream for all collections of a deployment that a process follows, instead of one for
// each, every one of which would make the server read its whole oplog.
#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "base/stop.hpp"
#include "mongo/stream.hpp"
#include "place/feed.hpp"

namespace lugger {

class MongoHub;

/// An event that is kept, with its bytes.
struct HubEvent {
  HubEvent(Bytes from, bool bare, const std::vector<WatchedCollection>& watched);
  std::vector<uint8_t> bytes;
  StreamEvent event;
  int of = -1;  // which of the watched collections; -1: every reader gets it
  size_t size() const noexcept { return bytes.size() + sizeof *this; }
};

/// The changes of one collection, as the hub has them. One thread; the hub outlives it.
class HubReader {
 public:
  HubReader(MongoHub& hub, int of, StreamPosition from);
  ~HubReader();
  HubReader(const HubReader&) = delete;
  HubReader& operator=(const HubReader&) = delete;

  /// kIdle: none came within a second. kLost: the hub has its place no more. Error{connect} when the
  /// hub's connection is lost for longer than some seconds.
  enum class Got : uint8_t { kEvent, kIdle, kLost };
  Got next();
  /// Lives until the next call of next().
  const StreamEvent& event() const noexcept { return current_->event; }
  bool at_hand();
  /// Behind the last event given, and behind what of others the hub has seen since.
  const StreamPosition& position() const noexcept { return position_; }
  double behind() const noexcept;
  /// The server has answered the hub's stream.
  bool answered() const;

 private:
  friend class MongoHub;
  Got give();
  void take();
  void wait_for_server(std::unique_lock<std::mutex>& lock);

  MongoHub& hub_;
  const int of_;
  StreamPosition position_;
  std::shared_ptr<const HubEvent> current_;
  std::vector<std::shared_ptr<const HubEvent>> taken_;
  size_t at_ = 0;           // of taken_
  bool caught_up_ = false;  // when it took last: there was nothing else
  uint64_t server_s_ = 0;   // when it took last: the server's time

  // Guarded by the hub's mutex.
  uint64_t next_ = 0;  // number of the event that is looked at next
  bool lost_ = false;
  std::condition_variable woken_;
};

/// Keeps the newest events, so many bytes of them. A reader that is slower than the others falls
/// out of them and reads a stream of its own until it has caught up: it does not hold them back.
/// Whoever finds no place here finds out by its own stream what is wrong.
class MongoHub final : public FeedHub::Part {
 public:
  explicit MongoHub(const ScanPlace& place);
  ~MongoHub() override;

  /// The stream gives the changes of this collection too. Opened again by time, not by token: with
  /// another filter the server may not find the token's event.
  void watch(const WatchedCollection& collection);
  /// From the first event at this position's time on, which may have been given before; nullptr:
  /// the hub does not have them. Opens the stream when nobody reads it yet.
  std::unique_ptr<HubReader> attach(const WatchedCollection& collection, const StreamPosition& from,
                                    StreamContent content);
  std::vector<std::string> told() override;
  /// The role may watch this collection, and not all of its database. `text` says so.
  void narrow(const WatchedCollection& collection, const std::string& text);
  /// Why this collection is read by a stream of its own, whatever the hub does; "": nothing is known
  /// that keeps it from this one.
  std::string own_stream(const WatchedCollection& collection) const;

 private:
  friend class HubReader;
  using Clock = std::chrono::steady_clock;
  struct Watched {
    WatchedCollection collection;
    uint64_t since;  // all events at this time and later are given; kNever: of the next stream
    std::string narrowed = {};  // the role may watch this one alone, in words
  };
  static constexpr uint64_t kNever = UINT64_MAX;

  // With the mutex locked.
  bool reaches(size_t of, const StreamPosition& from);
  void begin_at(uint64_t time);
  void close();
  void tell(const std::string& text);
  bool waits_for_first() const;
  bool make_room(std::unique_lock<std::mutex>& lock, size_t bytes, uint64_t generation);
  void wake(bool all, const std::set<int>& of);

  // In the thread.
  void work();
  void read();
  bool goes_on(uint64_t generation);
  void publish(std::vector<std::shared_ptr<const HubEvent>>& events, const MongoStream& stream,
               uint64_t generation);
  void fail(const Error& error);

  const std::string url_, shown_, purpose_;
  StopFlag stop_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Watched> watched_;
  std::vector<HubReader*> readers_;
  std::deque<std::shared_ptr<const HubEvent>> ring_;
  uint64_t first_ = 0;  // number of the ring's first event
  size_t bytes_ = 0;
  bool open_ = false, documents_ = false;
  bool answered_ = false, caught_up_ = false;
  uint64_t generation_ = 0;    // another one: the stream is opened again, at head_
  StreamPosition head_;        // behind everything in the ring
  std::string last_token_;     // of the newest event
  uint64_t floor_ = 0;         // all events at this time and later are in the ring, or come
  uint64_t server_s_ = 0;      // the server's time when it answered last, in seconds
  uint64_t ticks_ = 0;         // how often nothing came
  std::optional<Error> away_;  // the connection is lost
  Clock::time_point opened_at_, broken_until_, quiet_since_;
  Clock::duration patience_{0};  // that is left for slow readers
  Clock::time_point looked_at_;  // when that was
  std::string denied_;           // why nobody reads its stream; "": it is not so
  std::set<std::string> said_;
  std::vector<std::string> to_tell_;
  std::jthread thread_;
};

}  // namespace lugger
