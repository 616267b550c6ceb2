#include "engine/spooler.hpp"

#include <algorithm>
#include <vector>

#include "engine/ddl.hpp"
#include "engine/follow.hpp"
#include "place/identity.hpp"

namespace lugger {
namespace {

constexpr double kCommitSeconds = 1;
constexpr std::chrono::milliseconds kQuiet{1000};
// So that a position that stands for quiet times stays one that the source still has.
constexpr double kIdleSeconds = 10;
// Commits of keys may be lost with the target's server for as long as its wal_writer_delay says, a
// third of this at most; only then the source may forget what was before them.
constexpr double kDurableSeconds = 30;
constexpr size_t kMostKeys = 20000;
constexpr size_t kMostBytes = 4 << 20;

void check_identity(const FeedRecord& record, const SourceInfo& info) {
  if (compare_identities(record.source_identity, info.identity) != Sameness::kOther) return;
  throw Error(Code::kConfig,
              fmt::format("the changes of {} are spooled from another source: {}, and {} is {}",
                          record.job, record.source_identity, info.place, info.identity),
              "give the source that the copy was begun with, or begin again with --restart");
}

}  // namespace

/// The keys that were read and are not committed yet.
class Spooler::Reading {
 public:
  explicit Reading(Spooler& spooler, const FeedRecord& kept)
      : spooler_(spooler),
        feed_(feed_of(spooler.source_)),
        cursor_(feed_->keys(kept.position, kQuiet)),
        committed_(kept.position),
        safe_(kept.position) {
    batch_.max_documents = kMostKeys;
    batch_.max_bytes = kMostBytes;
  }

  /// False: there is nothing more to be read.
  bool step() {
    batch_.clear();
    const Next got = ask();
    const bool ends = got == Next::kEnd || (cursor_->ddl() && !pass(*cursor_->ddl()));
    for (const Document& key : batch_.documents) {
      keys_.push_back(as_text(key.bytes()));
      bytes_ += key.size;
    }
    events_ += batch_.documents.size();
    const double age = age_.seconds();
    const bool full = keys_.size() >= kMostKeys || bytes_ >= kMostBytes;
    if (full || (!keys_.empty() && (got != Next::kBatch || age >= kCommitSeconds)) ||
        age >= kIdleSeconds)
      commit();
    return !ends;
  }

  /// False: it is for whoever follows, and the position stays before it.
  bool pass(const Ddl& ddl) {
    if (changes_all(ddl.kind)) {
      if (spooler_.settled_.empty()) refuse_ddl_in_copy(ddl);
      return false;
    }
    spooler_.state_->note(
        {{spooler_.job_, std::string(kDdlWords[static_cast<size_t>(ddl.kind)]), ddl.what, "told"}});
    cursor_->pass_ddl(false);
    return true;
  }

  void commit() {
    const Position position = cursor_->position();
    age_ = {};
    if (keys_.empty() && position == committed_) return;
    std::ranges::sort(keys_);
    const auto twice = std::ranges::unique(keys_);
    keys_.erase(twice.begin(), twice.end());
    const uint64_t time = feed_->time_of(position);
    const uint64_t spooled = spooler_.state_->spool(spooler_.job_, keys_, position, time);
    committed_ = position;
    if (safe_age_.seconds() >= kDurableSeconds) {
      cursor_->committed(std::exchange(safe_, committed_));
      safe_age_ = {};
    }
    keys_.clear();
    bytes_ = 0;
    arena_.reset();
    const std::lock_guard lock(spooler_.mutex_);
    SpoolSnapshot& shown = spooler_.snapshot_;
    shown.position = position, shown.time = time, shown.spooled = spooled;
    shown.events += std::exchange(events_, 0);
  }

 private:
  Next ask() {
    Away::Asking asking(spooler_.away_);
    const Next got = cursor_->next(batch_, spooler_.stop_);
    asking.answered();
    return got;
  }

  Spooler& spooler_;
  std::unique_ptr<Feed> feed_;
  std::unique_ptr<Cursor> cursor_;
  Arena arena_;  // owns the keys
  Batch batch_{arena_};
  std::vector<std::string_view> keys_;
  size_t bytes_ = 0;
  uint64_t events_ = 0;
  Position committed_;
  Position safe_;  // committed before safe_age_ began
  Stopwatch safe_age_;
  Stopwatch age_;  // since the last commit
};

Spooler::Spooler(Source& source, std::unique_ptr<State> state, std::string job,
                 const std::string& reader, bool restart)
    : source_(source), state_(std::move(state)), job_(std::move(job)) {
  begin(reader, restart);
}

Spooler::Spooler(Source& source, std::unique_ptr<State> state, const FeedRecord& settled)
    : source_(source), state_(std::move(state)), job_(settled.job), settled_(settled.started) {
  take_lease();
  const std::optional<FeedRecord> record = state_->feed(job_);
  if (!record || record->started != settled_) throw SpoolGone(job_);
  begin_reading(*record);
}

void Spooler::begin_reading(const FeedRecord& record) {
  snapshot_.position = record.position, snapshot_.time = record.time;
  snapshot_.spooled = record.spooled;
  away_.be_patient();
  away_.heard();
  conductor_.start(
      stop_, [this] { work(); },
      [this](const std::optional<Error>& failure) {
        state_.reset();  // releases the lease
        const std::lock_guard lock(mutex_);
        snapshot_.ended = true;
        snapshot_.failure = failure;
        return failure ? "failed" : "stopped";
      });
}

Spooler::~Spooler() {
  stop_.set(StopLevel::kNow);
  conductor_.join();
}

SpoolSnapshot Spooler::poll(int timeout_ms) const {
  conductor_.wait(timeout_ms);
  const std::lock_guard lock(mutex_);
  SpoolSnapshot out = snapshot_;
  out.waiting = away_.now();
  return out;
}

void Spooler::stop(const StopFlag& hurry) {
  constexpr int kLookMs = 100;
  stop_.set(StopLevel::kFinish);
  while (!poll(kLookMs).ended) {
    if (hurry.level() == StopLevel::kNow) stop_.set(StopLevel::kNow);
  }
  conductor_.join();
}

void Spooler::take_lease() {
  std::string holder;
  if (state_->lease("spool of " + job_, holder)) return;
  throw Error(Code::kConflict,
              fmt::format("the changes of {} are already spooled ({})", job_, holder),
              "wait for that process, or stop it first");
}

void Spooler::begin(const std::string& reader, bool restart) {
  state_->ensure();
  take_lease();
  if (!restart && move_stage(*state_, job_) == MoveStage::kFollow) {
    throw Error(Code::kConfig, fmt::format("{} is copied, and its changes are to be settled", job_),
                "follow it, or begin again with --restart");
  }
  const SourceInfo info = source_.info();
  std::optional<FeedRecord> record = state_->feed(job_);
  if (record && !restart) {
    check_identity(*record, info);
  } else {
    const std::optional<RunRecord> load = latest_load(*state_, job_);
    if (load && is_unfinished(*load) && !restart) {
      throw Error(Code::kConfig,
                  fmt::format("the copy of {} was begun before anything kept its changes", job_),
                  "finish it first and follow from a time before it began, or begin again with "
                  "--restart");
    }
    if (info.missing) throw Error(*info.missing);
    const std::unique_ptr<Feed> feed = feed_of(source_);
    record.emplace();
    record->job = job_;
    record->source_identity = info.identity;
    record->position = feed->now(reader);
    record->time = feed->time_of(record->position);
    if (load) record->earlier = load->run;
    state_->begin_feed(*record);
  }
  begin_reading(*record);
}

void Spooler::work() {
  Backoff backoff(&away_);
  while (!stop_.requested()) {
    try {
      read(backoff);
      return;
    } catch (const Error& error) {
      if (error.code() == Code::kInterrupted && stop_.requested()) return;
      if (!backoff.wait(stop_, error) && !stop_.requested()) throw;
    }
  }
}

void Spooler::read(Backoff& backoff) {
  const std::optional<FeedRecord> kept = state_->feed(job_);
  if (!kept || (!settled_.empty() && kept->started != settled_)) throw SpoolGone(job_);
  Reading reading(*this, *kept);
  while (!stop_.requested() && reading.step()) backoff.reset();
  if (stop_.level() != StopLevel::kNow) reading.commit();
}

}  // namespace lugger
