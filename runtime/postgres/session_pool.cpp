#include "postgres/session_pool.hpp"

#include <exception>
#include <map>

#include "base/stop.hpp"

namespace lugger {

namespace {

constexpr std::chrono::seconds kFreshFor{1};
constexpr size_t kMostIdle = 8;

}  // namespace

std::shared_ptr<SessionPool> SessionPool::of(const std::string& url) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<SessionPool>> pools;
  const std::lock_guard lock(mutex);
  std::weak_ptr<SessionPool>& known = pools[url];
  std::shared_ptr<SessionPool> out = known.lock();
  if (!out) known = out = std::make_shared<SessionPool>(url);
  return out;
}

LentSession SessionPool::lend(const std::string& purpose, bool pooled, PgPath path) {
  if (pooled) return std::make_shared<PgSession>(url_, purpose, true, path);
  if (LentSession idle = lend_idle(purpose, path)) return idle;
  return adopt(std::make_unique<PgSession>(url_, purpose, false, path));
}

LentSession SessionPool::lend_idle(const std::string& purpose, PgPath path) {
  while (std::unique_ptr<PgSession> session = take()) {
    if (session->was_ended()) continue;
    try {
      session->serve(purpose, path);
      return adopt(std::move(session));
    } catch (const Error& error) {
      if (error.code() != Code::kConnect) throw;
    }
  }
  return nullptr;
}

LentSession SessionPool::adopt(std::unique_ptr<PgSession> session) {
  return {session.release(), [pool = shared_from_this()](PgSession* lent) {
            pool->put(std::unique_ptr<PgSession>(lent));
          }};
}

void SessionPool::drop() {
  const std::lock_guard lock(mutex_);
  idle_.clear();
}

std::unique_ptr<PgSession> SessionPool::take() {
  const std::lock_guard lock(mutex_);
  std::erase_if(idle_, [](const Idle& one) { return Clock::now() >= one.fresh_until; });
  if (idle_.empty()) return nullptr;
  std::unique_ptr<PgSession> out = std::move(idle_.back().session);
  idle_.pop_back();
  return out;
}

void SessionPool::put(std::unique_ptr<PgSession> session) noexcept try {
  // After an error the server may no longer answer; closing a session does not wait for it.
  if (std::uncaught_exceptions() != 0 || session->pooled() || session->was_ended() ||
      session->in_transaction())
    return;
  const Tidying tidying;
  if (!session->only_looked()) session->renew();
  session->take_notices();
  const std::lock_guard lock(mutex_);
  std::erase_if(idle_, [](const Idle& one) { return Clock::now() >= one.fresh_until; });
  if (idle_.size() < kMostIdle) idle_.push_back({std::move(session), Clock::now() + kFreshFor});
} catch (const std::exception&) {
  // The session was lost meanwhile.
}

}  // namespace lugger
