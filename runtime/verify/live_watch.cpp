#include "verify/live_watch.hpp"

#include "base/threads.hpp"

namespace lugger {
namespace {

constexpr size_t kToldAtOnce = 500;
constexpr size_t kMostTold = 100'000;
// Of more changes that are not applied yet, it is not kept which documents they are of.
constexpr size_t kMostTouched = 200'000;
constexpr std::chrono::seconds kPatience{90};
// Each step of the comparison waits until the source has told all that it had.
constexpr std::chrono::milliseconds kQuiet{100};

}  // namespace

LiveWatch::LiveWatch(VerifyContext& context, SeenKeys& seen, const Position& from)
    : context_(context),
      seen_(seen),
      feed_(context.job.source->feed()),
      cursor_(feed_->keys(from, kQuiet)),
      keys_(context),
      time_(feed_->time_of(from)) {
  thread_ = start_stoppable([this](const std::stop_token& stop) { listen(stop); });
}

LiveWatch::~LiveWatch() {
  stop_.set(StopLevel::kNow);
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void LiveWatch::listen(const std::stop_token& stop) {
  try {
    Arena arena;
    Batch batch(arena);
    batch.max_documents = kToldAtOnce;
    while (!stop.stop_requested() && !stop_.requested()) {
      batch.clear();
      arena.reset();
      uint64_t call = 0;
      {
        const std::lock_guard lock(mutex_);
        call = ++asked_;
      }
      const Next got = cursor_->next(batch, stop_);
      take(batch);
      const bool whole = pass_ddl();
      const std::lock_guard lock(mutex_);
      time_ = feed_->time_of(cursor_->position());
      if (got == Next::kIdle && !whole) quiet_ = call;
      moved_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    moved_.notify_all();
  }
}

/// True: something was done to the collection, and more may come behind it.
bool LiveWatch::pass_ddl() {
  const Ddl* ddl = cursor_->ddl();
  if (ddl == nullptr) return false;
  if (changes_all(ddl->kind)) {
    throw Error(Code::kRead,
                fmt::format("{} was changed as a whole while it was verified, at {}: {}",
                            ddl->place, ddl->when, ddl->what),
                "look at the move (lugger status); when it follows again, verify again");
  }
  cursor_->pass_ddl(false);
  return true;
}

/// The ledger of what is seen first: whoever learns that a change was seen finds it there.
void LiveWatch::take(const Batch& batch) {
  if (batch.documents.empty()) return;
  const auto behind = std::make_shared<const Position>(cursor_->position());
  const uint64_t time = feed_->time_of(*behind);
  std::vector<std::string> ids, fresh;
  for (const Document& key : batch.documents) {
    ids.push_back(id_key(as_text(key.bytes())));
    if (told_.size() >= kMostTold) told_.clear();
    if (told_.insert(ids.back()).second) fresh.emplace_back(as_text(key.bytes()));
  }
  const auto& keys = keys_.of(fresh);
  std::vector<SeenKey> seen;
  for (size_t i = 0; i < fresh.size(); ++i)
    if (keys[i]) seen.push_back({keys[i]->text, std::move(fresh[i]), {}});
  seen_.add(seen);
  const std::lock_guard lock(mutex_);
  for (std::string& id : ids) touched_[std::move(id)] = {time, behind};
  if (touched_.size() <= kMostTouched) return;
  touched_.clear();
  all_until_ = time;
}

void LiveWatch::reach(uint64_t time) {
  std::unique_lock lock(mutex_);
  // A call that begins now and gives nothing has looked at all that there is.
  const uint64_t call = asked_ + 1;
  const auto reached = [&] { return failure_ || time_ > time || quiet_ >= call; };
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!reached() && !context_.stop.requested()) {
    moved_.wait_for(lock, std::chrono::milliseconds(100));
    if (std::chrono::steady_clock::now() < until) continue;
    throw Error(Code::kRead,
                fmt::format("the source told of no change for {} s", kPatience.count()),
                "look at the server, then verify again");
  }
  if (failure_) std::rethrow_exception(failure_);
  if (context_.stop.requested()) throw Error(Code::kInterrupted, "stopped");
}

bool LiveWatch::is_pending(const std::string& id_key, const Position& applied) const {
  const uint64_t time = feed_->time_of(applied);
  const std::lock_guard lock(mutex_);
  if (time <= all_until_) return true;
  const auto at = touched_.find(id_key);
  // Several changes may have one time: only a later position is behind all of them.
  return at != touched_.end() && time <= at->second.time && applied != *at->second.behind;
}

void LiveWatch::forget(const Position& applied) {
  const uint64_t time = feed_->time_of(applied);
  const std::lock_guard lock(mutex_);
  std::erase_if(touched_, [&](const auto& entry) {
    return entry.second.time < time || *entry.second.behind == applied;
  });
}

}  // namespace lugger
