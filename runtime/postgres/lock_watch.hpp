// Tells who holds the lock that a statement of ours waits for. The server says nothing of it, and a
// run that waits looks like one that hangs.
#pragma once
#include <chrono>
#include <functional>
#include <string>

namespace lugger {

/// Who is told. Set before the first session, and empty at the end of the program, which waits for a
/// look that is under way. Not set: nothing is watched.
void tell_of_locks(std::function<void(const std::string&)> tell);

/// A session as the watch finds it in the server.
struct WatchedSession {
  std::string url, pid;  // pid "": behind a pooler it is not known
};

/// While it exists, this thread waits for the answer to a statement. After two seconds a separate
/// thread asks the server, by a session of its own, whether a lock is what it waits for; and again
/// at growing intervals. It tells each wait once.
class LockWait {
 public:
  /// The session must outlive the wait.
  explicit LockWait(const WatchedSession& session);
  ~LockWait();
  LockWait(const LockWait&) = delete;
  LockWait& operator=(const LockWait&) = delete;

 private:
  friend class LockWatch;
  using Clock = std::chrono::steady_clock;

  const WatchedSession& session_;
  bool watched_ = false;
  Clock::time_point since_, next_look_;
  LockWait *before_ = nullptr, *after_ = nullptr;  // in the watch's list
};

}  // namespace lugger
