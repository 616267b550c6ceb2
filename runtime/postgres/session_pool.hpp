// Idle sessions. A new session costs the server a process, and that process must fill its catalog
// caches: a script with two hundred small jobs would spend most of its time on that.
#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "postgres/session.hpp"

namespace lugger {

/// A session that returns to its pool, if it can be used again, when its last holder releases it.
using LentSession = std::shared_ptr<PgSession>;

/// The idle sessions of one URL. They are as new, without temporary tables, locks and settings of
/// earlier users, but keep prepared statements. No session is kept behind a pooler, and only a few
/// at a time. A session that was idle for more than a second may be dead and is not lent: it is
/// closed at the next call, or with the pool.
class SessionPool : public std::enable_shared_from_this<SessionPool> {
 public:
  /// The only pool of a URL; it lives as long as somebody holds it.
  static std::shared_ptr<SessionPool> of(const std::string& url);
  explicit SessionPool(std::string url) : url_(std::move(url)) {}

  /// An idle session, or a new one.
  LentSession lend(const std::string& purpose, bool pooled, PgPath path = PgPath::kTables);
  /// nullptr: no session is idle.
  LentSession lend_idle(const std::string& purpose, PgPath path = PgPath::kTables);
  /// Lends a session that was opened in another way; it then goes to the pool too.
  LentSession adopt(std::unique_ptr<PgSession> session);
  /// Closes the idle sessions. Call it before long work, because other clients may need the
  /// connections.
  void drop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Idle {
    std::unique_ptr<PgSession> session;
    Clock::time_point fresh_until;
  };
  std::unique_ptr<PgSession> take();
  void put(std::unique_ptr<PgSession> session) noexcept;

  std::string url_;
  std::mutex mutex_;
  std::vector<Idle> idle_;
};

}  // namespace lugger
