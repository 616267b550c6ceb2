#include "engine/settle.hpp"

#include <algorithm>
#include <thread>

#include "base/text.hpp"
#include "engine/ddl.hpp"
#include "engine/follow.hpp"
#include "place/spec.hpp"

namespace lugger {
namespace {

constexpr size_t kPageKeys = 1000;
// What comes while the last keys are settled is read when following begins, so that is to be soon.
// A few keys are few whatever the pause between two answers.
constexpr double kShortSeconds = 2;
constexpr uint64_t kFewKeys = 100;

}  // namespace

SettleCursor::SettleCursor(Source& source, State& state, Spooler& spooler,
                           const FeedRecord& settled, const Position& after)
    : source_(source),
      feed_(feed_of(source)),
      state_(state),
      spooler_(spooler),
      settled_(settled),
      after_(spec_field(after, "place").value_or("")),
      pass_(spec_field(after, "pass") ? position_number(after, "pass", "the spool") : 0),
      whole_(after_.empty()),
      drains_(spooler.poll(0).ended) {}

Next SettleCursor::next(Batch& batch, const StopFlag& stop) {
  if (const SpoolSnapshot spool = spooler_.poll(0); spool.failure) throw Error(*spool.failure);
  if (at_ == page_.keys.size()) {
    if (const Next got = turn_page(stop); got != Next::kBatch) return got;
  }
  look_up(batch);
  return batch.documents.empty() ? Next::kIdle : Next::kBatch;
}

Next SettleCursor::turn_page(const StopFlag& stop) {
  constexpr auto kPause = std::chrono::milliseconds(10);
  if (!last_page_) read_page();
  while (pass_is_over()) {
    // Until they are committed, the next pass would find the same keys.
    if (!ranges_.empty()) {
      std::this_thread::sleep_for(kPause);
      return Next::kIdle;
    }
    const bool is_short = given_ <= kFewKeys || pass_age_.seconds() <= kShortSeconds;
    if (whole_ && drains_ && given_ == 0) return Next::kEnd;
    if (whole_ && is_short && !drains_) spooler_.stop(stop);
    if (stop.requested()) return Next::kIdle;
    begin_pass();
    read_page();
  }
  return Next::kBatch;
}

void SettleCursor::begin_pass() {
  const SpoolSnapshot spool = spooler_.poll(0);
  if (spool.failure) throw Error(*spool.failure);
  drains_ = spool.ended;
  ++pass_;
  after_.clear();
  given_ = 0;
  whole_ = true;
  pass_age_ = {};
}

void SettleCursor::read_page() {
  page_ = state_.spooled_page(settled_.job, after_, kPageKeys);
  if (page_.feed != settled_.started) throw SpoolGone(settled_.job);
  at_ = 0;
  given_ += page_.keys.size();
  last_page_ = page_.keys.size() < kPageKeys;
}

void SettleCursor::look_up(Batch& batch) {
  const size_t most = std::min<size_t>(each_, batch.max_documents);
  const size_t end = std::min(at_ + most, page_.keys.size());
  keys_.clear();
  for (size_t i = at_; i < end; ++i) keys_.push_back(page_.keys[i].key);
  const size_t before = batch.source_bytes;
  if (!feed_->look_up(keys_, page_.position, batch)) refuse_gone_in_copy(source_.info());
  // Documents may be large: the next ones are taken to be as the last ones.
  const size_t bytes = std::max<size_t>(1, (batch.source_bytes - before) / keys_.size());
  each_ = std::clamp<size_t>(batch.max_bytes / bytes, 1, 4 * each_);
  bytes_ += batch.source_bytes - before;
  at_ = end;
  const std::string& to = page_.keys[end - 1].place;
  if (!ranges_.empty() && ranges_.back().to == after_ && ranges_.back().turn == page_.turn) {
    ranges_.back().to = to;
  } else {
    ranges_.push_back({after_, to, page_.turn});
  }
  after_ = to;
}

Position SettleCursor::position() const {
  return after_.empty() ? fmt::format("pass:{}", pass_)
                        : fmt::format("place:{} pass:{}", after_, pass_);
}

SettledKeys SettleCursor::take_settled() {
  SettledKeys out;
  out.feed = settled_.started;
  out.ranges = std::exchange(ranges_, {});
  return out;
}

SettleView SettleCursor::view() const {
  const SpoolSnapshot spool = spooler_.poll(0);
  if (page_.feed.empty()) return {spool.spooled, spool.time};
  return {page_.spooled - std::min<uint64_t>(at_, page_.spooled), spool.time};
}

}  // namespace lugger
