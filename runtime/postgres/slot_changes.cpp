#include "postgres/slot_changes.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "value/datetime.hpp"

namespace lugger {
namespace {

constexpr size_t kFoldBytes = 4 << 20;
constexpr size_t kMostKeys = 20000;
constexpr double kMostSeconds = 0.5;  // that changes wait for those behind them
constexpr double kAskSeconds = 1;
// A position that no change of the table has moved is told this often.
constexpr double kMoveSeconds = 5;

}  // namespace

SlotChanges::SlotChanges(const PgFollowed& followed, const PgFeedPosition& from,
                         std::chrono::milliseconds wait)
    : followed_(followed),
      wait_(wait),
      lookup_(followed),
      stream_(followed.url),
      output_(from.table, followed.reading.key, followed.shown),
      position_(from),
      reached_(from) {
  PgSession session(followed.url, "feed");
  check_slot(session, followed, from, stream_.system());
  followed.reader->name(from.slot);
  stream_.start(from.slot, followed.publication.empty() ? from.slot : followed.publication,
                from.lsn);
}

bool SlotChanges::read(size_t most) {
  if (!seen_) return settle();
  read_.clear();
  keys_.clear();
  transactions_.clear();
  arena_.reset();
  bytes_ = 0;
  if (checked_.seconds() >= kAskSeconds) {
    lookup_.check(position_);
    checked_ = {};
  }
  most = std::min(most, kMostKeys);
  const Stopwatch age;
  while (!ddl_ && (open_ || age.seconds() < kMostSeconds)) {
    // Within a transaction the server is about to send more.
    const bool pause = read_.empty() || open_;
    const std::optional<Bytes> message = next_message(pause ? wait_ : std::chrono::milliseconds(0));
    if (!message) break;
    take(output_.read(*message));
    if (read_.size() >= most || bytes_ >= kFoldBytes) break;
    if (!open_ && !read_.empty() && !stream_.at_hand()) break;
  }
  if (read_.empty()) {
    if (!ddl_) rest();
    position_ = reached_;
    return false;
  }
  fold();
  return settle();
}

std::optional<Bytes> SlotChanges::next_message(std::chrono::milliseconds wait) {
  constexpr std::string_view kNoObject = "42704";
  try {
    return stream_.next(wait);
  } catch (const Error& error) {
    // Also of one that is there again: the log is read as the catalog was then.
    if (error.sqlstate() == kNoObject) changes_lost(followed_, position_, error.message());
    throw;
  }
}

/// The last change of a key counts.
void SlotChanges::fold() {
  std::ranges::sort(read_, [](const Change& a, const Change& b) {
    const auto order = a.key <=> b.key;
    return order != 0 ? order < 0 : a.number > b.number;
  });
  size_t kept = 0;
  for (const Change& change : read_) {
    if (kept != 0 && read_[kept - 1].key == change.key)
      read_[kept - 1].was_gone = read_[kept - 1].was_gone || change.gone;
    else
      read_[kept++] = change;
  }
  read_.resize(kept);
  const auto others = std::ranges::partition(read_, &Change::gone);
  deletes_ = read_.size() - others.size();
  made_again_ = others.size() - std::ranges::partition(others, &Change::was_gone).size();
  for (const Change& change : read_) keys_.push_back(change.key);
}

/// The server tells of a commit before others see what it has done.
bool SlotChanges::settle() {
  seen_ = lookup_.sees(transactions_);
  if (seen_) position_ = reached_;
  return seen_;
}

void SlotChanges::take(const PgOutputEvent& event) {
  switch (event.kind) {
    case PgOutputEvent::Kind::kBegin:
      open_ = true;
      xid_ = event.xid;
      commit_ = event.lsn;
      micros_ = event.micros;
      truncates_ = 0;
      break;
    case PgOutputEvent::Kind::kCommit:
      open_ = false;
      reached_.lsn = event.lsn;
      reached_.in = reached_.passed = 0;
      reached_.time = std::max(reached_.time, feed_time(event.micros));
      moved_ = {};
      break;
    case PgOutputEvent::Kind::kRow:
      if (transactions_.empty() || transactions_.back() != xid_) transactions_.push_back(xid_);
      for (size_t i = 0; i < event.keys.size(); ++i) {
        const std::string& key = event.keys[i];
        const uint8_t* kept = arena_.copy(as_bytes(key));
        const auto number = static_cast<uint32_t>(read_.size());
        const bool gone = i < event.gone;
        read_.push_back({as_text({kept, key.size()}), number, gone, gone});
        bytes_ += key.size() + sizeof(Change);
      }
      behind_ = static_cast<double>(std::max<int64_t>(0, unix_micros_now() - micros_)) / 1e6;
      break;
    case PgOutputEvent::Kind::kTruncate: truncated(); break;
    case PgOutputEvent::Kind::kOther: break;
  }
}

void SlotChanges::truncated() {
  ++truncates_;
  if (reached_.in == commit_ && truncates_ <= reached_.passed) return;
  Ddl& ddl = ddl_.emplace();
  ddl.kind = DdlKind::kDrop;
  ddl.place = followed_.reading.table;
  ddl.what = "truncate " + ddl.place;
  ddl.when = iso_from_unix_ms(micros_ / 1000);
}

void SlotChanges::pass_ddl() {
  reached_.in = commit_;
  reached_.passed = truncates_;
  position_ = reached_;
  ddl_.reset();
}

/// Nothing has come for a while: other tables may have moved the log on.
void SlotChanges::rest() {
  if (open_) return;
  behind_ = 0;
  const Lsn reached = std::max(reached_.lsn, stream_.reached());
  if (head_.lsn != 0 && reached >= head_.lsn && moved_.seconds() >= kMoveSeconds) {
    if (reached > reached_.lsn) reached_.in = reached_.passed = 0;
    reached_.lsn = reached;
    reached_.time = std::max(reached_.time, feed_time(head_.micros));
    moved_ = {};
  }
  if (asked_.seconds() < kAskSeconds) return;
  asked_ = {};
  // What was asked before has been answered; what is asked now is in the log by then.
  if (head_.lsn == 0 || stream_.reached() >= head_.lsn) head_ = lookup_.head();
  stream_.ask();
}

}  // namespace lugger
