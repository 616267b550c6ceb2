// Sessions that nobody uses at the moment. A new one costs the server a process, and each process
// its caches of the catalog: a script of two hundred small jobs would spend its time on that.
#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "postgres/session.hpp"

namespace lugger {

/// A session that goes back to its pool, when it can be used again, as soon as nobody holds it.
using LentSession = std::shared_ptr<PgSession>;

/// The idle sessions of one URL, as new but for statements that are prepared: without temporary
/// tables, locks and settings of whoever had them. None is kept behind a pooler, and few at a time.
/// One that lay for longer than a second may be dead by now and is not lent: it is closed when the
/// pool is next asked, or with the pool.
class SessionPool : public std::enable_shared_from_this<SessionPool> {
 public:
  /// The one pool of a URL; it lives as long as somebody holds it.
  static std::shared_ptr<SessionPool> of(const std::string& url);
  explicit SessionPool(std::string url) : url_(std::move(url)) {}

  /// An idle session, or a new one.
  LentSession lend(const std::string& purpose, bool pooled, PgPath path = PgPath::kTables);
  /// nullptr: none is idle.
  LentSession lend_idle(const std::string& purpose, PgPath path = PgPath::kTables);
  /// What was opened by other means goes to the pool too.
  LentSession adopt(std::unique_ptr<PgSession> session);
  /// Before what may take long: an idle session is one that others cannot have.
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
