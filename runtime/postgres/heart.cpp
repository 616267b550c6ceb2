#include "postgres/heart.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/threads.hpp"

namespace lugger {
namespace {

using namespace std::chrono_literals;

constexpr auto kBeat = 20s;
constexpr auto kFirstBeat = 5s;  // so a short job opens no connection for its heartbeat
// A unit that is being committed holds its lease for a moment.
constexpr auto kAgain = 1s;
constexpr int kMostAgain = 5;

}  // namespace

/// Three missed heartbeats.
std::string lease_expiry() { return "pg_catalog.now() + interval '60 s'"; }

std::shared_ptr<PgHeart> PgHeart::of(const std::string& url, const std::string& schema,
                                     bool pooled) {
  using Key = std::tuple<std::string, std::string, bool>;
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<PgHeart>> hearts;
  const std::lock_guard lock(mutex);
  std::weak_ptr<PgHeart>& known = hearts[{url, schema, pooled}];
  std::shared_ptr<PgHeart> out = known.lock();
  if (!out) known = out = std::make_shared<PgHeart>(url, schema, pooled);
  return out;
}

/// Whoever takes the first lease may be gone before the last one: the thread has a stop of its own.
PgHeart::PgHeart(std::string url, std::string schema, bool pooled)
    : url_(std::move(url)),
      schema_(std::move(schema)),
      pooled_(pooled),
      due_(Clock::now() + kFirstBeat) {
  const StopScope scope(stop_);
  thread_ = start_thread([this] { work(); });
}

PgHeart::~PgHeart() {
  {
    const std::lock_guard lock(mutex_);
    stop_.set(StopLevel::kNow);
  }
  changed_.notify_all();
}

void PgHeart::keep(const std::string& token) {
  const std::lock_guard lock(mutex_);
  tokens_.insert(token);
  due_ = std::min(due_, Clock::now() + kFirstBeat);
  changed_.notify_all();
}

void PgHeart::leave(const std::string& token) noexcept {
  const std::lock_guard lock(mutex_);
  tokens_.erase(token);
}

void PgHeart::work() {
  int again = 0;
  std::unique_lock lock(mutex_);
  while (!stop_.requested()) {
    if (Clock::now() < due_) {
      changed_.wait_until(lock, due_);
      continue;
    }
    const std::set<std::string> tokens = tokens_;
    lock.unlock();
    const bool all = tokens.empty() || beat(tokens);
    again = all || again == kMostAgain ? 0 : again + 1;
    lock.lock();
    due_ = Clock::now() + (again == 0 ? kBeat : kAgain);
  }
}

/// False: a lease was locked, or is not there any more. One that is locked keeps none of the others
/// from being renewed.
bool PgHeart::beat(const std::set<std::string>& tokens) noexcept try {
  if (session_ == nullptr || !session_->alive()) {
    session_.reset();
    session_ = std::make_unique<PgSession>(url_, "lease", pooled_, PgPath::kCatalog);
  }
  const PgRows renewed = session_->query(
      fmt::format("UPDATE {0}.leases SET beat_at = pg_catalog.now(){1} WHERE token IN (SELECT "
                  "token FROM {0}.leases WHERE token = ANY ($1::text[]) FOR NO KEY UPDATE SKIP "
                  "LOCKED) RETURNING 1",
                  schema_, pooled_ ? ", expires_at = " + lease_expiry() : ""),
      {fmt::format("{{{}}}", fmt::join(tokens, ","))});
  return renewed.size() == tokens.size();
} catch (const std::exception&) {
  session_.reset();  // the next heartbeat opens a new session
  return false;
}

}  // namespace lugger
