#include <algorithm>

#include "mongo/hub.hpp"

namespace lugger {
namespace {

using namespace std::chrono_literals;

constexpr auto kIdle = 1s;
constexpr auto kAway = 5s;  // a server that is lost is waited for, before it is said
constexpr auto kLook = 100ms;
// Taken at once. They stay while they are given, also when the ring has them no more.
constexpr size_t kMostEvents = 1000, kMostBytes = 512 << 10;

}  // namespace

HubReader::HubReader(MongoHub& hub, int of, StreamPosition from)
    : hub_(hub), of_(of), position_(std::move(from)) {}

HubReader::~HubReader() {
  const std::lock_guard lock(hub_.mutex_);
  std::erase(hub_.readers_, this);
  if (hub_.readers_.empty()) hub_.quiet_since_ = MongoHub::Clock::now();
  hub_.changed_.notify_all();
}

HubReader::Got HubReader::next() {
  if (at_ < taken_.size()) return give();
  std::unique_lock lock(hub_.mutex_);
  const auto until = MongoHub::Clock::now() + kIdle;
  const uint64_t ticks = hub_.ticks_;
  for (;;) {
    if (lost_ || !hub_.open_) return Got::kLost;
    take();
    if (!taken_.empty()) return give();
    if (hub_.away_) {
      wait_for_server(lock);
      continue;  // the hub may have events again
    }
    const bool stops = StopScope::current().due();
    if (stops || hub_.ticks_ != ticks || MongoHub::Clock::now() >= until) break;
    woken_.wait_until(lock, std::min(until, MongoHub::Clock::now() + kLook));
  }
  // All that the hub has was looked at. A token of another collection's event would not be found by
  // a stream of this one alone: its time is, and includes it.
  const StreamPosition& head = hub_.head_;
  if (head.time > position_.time) {
    position_ = head.token == hub_.last_token_ ? StreamPosition::from_time(head.time) : head;
  }
  return Got::kIdle;
}

bool HubReader::at_hand() {
  if (at_ < taken_.size()) return true;
  const std::lock_guard lock(hub_.mutex_);
  if (lost_ || !hub_.open_) return false;
  take();
  return !taken_.empty();
}

double HubReader::behind() const noexcept {
  const uint64_t ours = position_.time >> 32;
  const bool all = caught_up_ && at_ == taken_.size();
  return all || server_s_ <= ours ? 0 : static_cast<double>(server_s_ - ours);
}

bool HubReader::answered() const {
  const std::lock_guard lock(hub_.mutex_);
  return hub_.answered_ && !hub_.away_ && !lost_ && hub_.open_;
}

HubReader::Got HubReader::give() {
  current_ = std::move(taken_[at_++]);
  const StreamEvent& event = current_->event;
  position_ = StreamPosition::behind(event.token, event.time);
  return Got::kEvent;
}

/// What the ring has for it next, with the mutex locked.
void HubReader::take() {
  taken_.clear();
  at_ = 0;
  size_t bytes = 0;
  const uint64_t end = hub_.first_ + hub_.ring_.size();
  for (; next_ < end && taken_.size() < kMostEvents && bytes < kMostBytes; ++next_) {
    const auto& one = hub_.ring_[next_ - hub_.first_];
    const bool ours = one->of == of_ || one->of < 0;
    if (!ours || one->event.time < position_.time) continue;
    taken_.push_back(one);
    bytes += one->size();
  }
  caught_up_ = next_ == end && hub_.caught_up_;
  server_s_ = hub_.server_s_;
  hub_.changed_.notify_all();
}

void HubReader::wait_for_server(std::unique_lock<std::mutex>& lock) {
  const auto until = MongoHub::Clock::now() + kAway;
  while (hub_.away_ && !lost_) {
    if (StopScope::current().due())
      raise(Code::kInterrupted, "stopped while a server of MongoDB was away");
    if (MongoHub::Clock::now() >= until) throw Error(*hub_.away_);
    woken_.wait_for(lock, kLook);
  }
}

}  // namespace lugger
