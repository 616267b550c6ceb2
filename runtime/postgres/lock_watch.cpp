#include "postgres/lock_watch.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/stop.hpp"
#include "base/threads.hpp"
#include "postgres/session.hpp"
#include "postgres/step_state.hpp"

namespace lugger {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(2);
constexpr auto kBetween = std::chrono::milliseconds(250);
constexpr auto kToldFor = std::chrono::seconds(30);  // several workers wait for one table

}  // namespace

/// One thread in a process, from the first wait on.
class LockWatch {
 public:
  static LockWatch& instance() {
    // Never destroyed: its thread outlives the objects of static storage.
    static auto& one = *new LockWatch();
    return one;
  }

  void set(std::function<void(const std::string&)> tell) {
    std::unique_lock lock(mutex_);
    tell_ = std::move(tell);
    if (!tell_) looked_.wait_for(lock, kPatience, [this] { return !looking_; });
  }

  void add(LockWait& wait) noexcept {
    const std::lock_guard lock(mutex_);
    if (!tell_ || !start()) return;
    wait.watched_ = true;
    wait.since_ = Clock::now();
    wait.next_look_ = wait.since_ + kPatience;
    wait.after_ = first_;
    if (first_ != nullptr) first_->before_ = &wait;
    first_ = &wait;
    if (std::exchange(asleep_, false)) awake_.notify_one();
  }
  void remove(LockWait& wait) noexcept {
    const std::lock_guard lock(mutex_);
    (wait.before_ == nullptr ? first_ : wait.before_->after_) = wait.after_;
    if (wait.after_ != nullptr) wait.after_->before_ = wait.before_;
  }

 private:
  struct Due {
    WatchedSession session;
    Clock::time_point since;
  };

  bool start() noexcept try {
    if (!started_) start_thread([this] { run(); }).detach();
    return started_ = true;
  } catch (const std::exception&) {
    return false;  // the system gives no thread: nothing is told
  }

  void run() {
    const StopScope scope(kNeverStopped);  // that of whoever waited first may be gone
    for (;;) {
      for (const Due& due : take_due()) look(due);
      std::unique_lock lock(mutex_);
      looking_ = false;
      looked_.notify_all();
      if (first_ == nullptr) {
        asleep_ = true;
        awake_.wait(lock, [this] { return !asleep_; });
      }
      awake_.wait_for(lock, kBetween);
    }
  }

  std::vector<Due> take_due() {
    const std::lock_guard lock(mutex_);
    std::vector<Due> out;
    const Clock::time_point now = Clock::now();
    for (LockWait* wait = first_; wait != nullptr; wait = wait->after_) {
      if (!tell_ || now < wait->next_look_) continue;
      wait->next_look_ = now + (now - wait->since_);
      out.push_back({wait->session_, wait->since_});
    }
    looking_ = !out.empty();
    return out;
  }

  /// A fault of this session is nobody's matter: the statement itself is still under way.
  void look(const Due& due) noexcept try {
    PgSession session(due.session.url, "lock watch", false, PgPath::kCatalog);
    const std::optional<AwaitedLock> found = awaited_lock(session, due.session.pid, our_pids());
    if (found) told(due, *found);
  } catch (const std::exception&) {
  }

  std::vector<std::string> our_pids() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (LockWait* wait = first_; wait != nullptr; wait = wait->after_)
      out.push_back(wait->session_.pid);
    return out;
  }

  void told(const Due& due, const AwaitedLock& found) {
    const std::lock_guard lock(mutex_);
    const Clock::time_point now = Clock::now();
    for (LockWait* wait = first_; tell_ && wait != nullptr; wait = wait->after_) {
      if (wait->since_ != due.since || wait->session_.pid != due.session.pid) continue;
      wait->next_look_ = Clock::time_point::max();
      const auto [known, added] = told_.try_emplace(found.what + found.pids, now);
      if (!added && now - std::exchange(known->second, now) < kToldFor) return;
      tell_(fmt::format("waiting for a lock on {}, which {} has; Ctrl-C ends the wait", found.what,
                        found.holders));
    }
  }

  std::mutex mutex_;
  std::condition_variable awake_;
  std::condition_variable looked_;
  bool started_ = false, asleep_ = false, looking_ = false;
  std::function<void(const std::string&)> tell_;
  LockWait* first_ = nullptr;
  std::map<std::string, Clock::time_point> told_;
};

void tell_of_locks(std::function<void(const std::string&)> tell) {
  LockWatch::instance().set(std::move(tell));
}

LockWait::LockWait(const WatchedSession& session) : session_(session) {
  if (!session.pid.empty()) LockWatch::instance().add(*this);
}

LockWait::~LockWait() {
  if (watched_) LockWatch::instance().remove(*this);
}

}  // namespace lugger
