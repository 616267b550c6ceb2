#include "postgres/spare.hpp"

#include <map>

namespace lugger {

constexpr std::chrono::seconds kFreshFor{1};

std::shared_ptr<SpareSession> SpareSession::of(const std::string& url) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<SpareSession>> spares;
  const std::lock_guard lock(mutex);
  std::weak_ptr<SpareSession>& known = spares[url];
  std::shared_ptr<SpareSession> out = known.lock();
  if (!out) known = out = std::make_shared<SpareSession>();
  return out;
}

std::unique_ptr<PgSession> SpareSession::take(const std::string& purpose) {
  std::unique_ptr<PgSession> out;
  {
    const std::lock_guard lock(mutex_);
    out = std::move(session_);
    if (Clock::now() >= fresh_until_) out.reset();
  }
  if (!out) return nullptr;
  try {
    out->execute("SET application_name = " + PgSession::quote_literal("lugger " + purpose));
  } catch (const Error& error) {
    if (error.code() != Code::kConnect) throw;
    return nullptr;
  }
  return out;
}

void SpareSession::put(std::unique_ptr<PgSession> session) {
  if (!session->alive() || session->in_transaction() || session->pooled()) return;
  session->take_notices();
  const std::lock_guard lock(mutex_);
  session_ = std::move(session);
  fresh_until_ = Clock::now() + kFreshFor;
}

void SpareSession::drop() {
  const std::lock_guard lock(mutex_);
  session_.reset();
}

}  // namespace lugger
