#include "engine/pace.hpp"

#include <ctime>
#include <thread>

#include "base/error.hpp"
#include "base/text.hpp"

namespace lugger {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLook = std::chrono::milliseconds(50);

/// "22:00" as minutes; nullopt: not a time of day.
std::optional<int> minutes_of(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  int hour = 0, minute = 0;
  const auto first = std::from_chars(text.data(), text.data() + 2, hour);
  const auto second = std::from_chars(text.data() + 3, text.data() + 5, minute);
  if (first.ptr != text.data() + 2 || second.ptr != text.data() + 5) return std::nullopt;
  if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || hour * 60 + minute > 1440)
    return std::nullopt;
  return hour * 60 + minute;
}

int minute_now() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return local.tm_hour * 60 + local.tm_min;
}

}  // namespace

Hours parse_hours(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash != text.npos) {
    const auto from = minutes_of(text.substr(0, dash)), to = minutes_of(text.substr(dash + 1));
    if (from && to && *from != *to) return {*from, *to};
  }
  throw Error(Code::kConfig, fmt::format("{} is not a window of the day", quoted_excerpt(text)),
              "write hours of this machine's clock, as in 22:00-05:00");
}

void Speed::set(double per_s, Time now) {
  const std::lock_guard lock(mutex_);
  per_s_.store(per_s, std::memory_order_relaxed);
  free_at_ = now;
}

void Speed::did(double amount, Time now) {
  if (per_s() <= 0) return;
  const std::lock_guard lock(mutex_);
  const std::chrono::duration<double> seconds(amount / std::max(per_s(), 1e-9));
  free_at_ = std::max(free_at_, now - std::chrono::seconds(1)) +
             std::chrono::duration_cast<Clock::duration>(seconds);
}

bool Speed::free(Time now) const {
  if (per_s() <= 0) return true;
  const std::lock_guard lock(mutex_);
  return now >= free_at_;
}

void Pace::set_throttle(std::unique_ptr<Health> health, const ThrottleSpec& spec) {
  if (spec.rows_per_s > 0) set_speed(spec.rows_per_s);
  if (spec.source_mbps > 0) set_source_speed(spec.source_mbps);
  if (spec.asks_target()) throttle_ = std::make_unique<Throttle>(std::move(health), spec);
}

void Pace::set_hours(std::string_view text) {
  if (text.empty()) return;
  hours_ = parse_hours(text);
  hours_text_ = text;
}

void Pace::set_speed(double rows_per_s) { rows_.set(rows_per_s, Clock::now()); }

void Pace::set_source_speed(double mbps) { source_bytes_.set(mbps * kMegabyte, Clock::now()); }

std::string Pace::obstacle() const {
  if (paused_.load(std::memory_order_relaxed)) return "paused by lugger ctl";
  if (hours_ && !hours_->contains(minute_now()))
    return fmt::format("outside its hours, {}", hours_text_);
  if (throttle_ && !throttle_->healthy()) return throttle_->reason();
  return {};
}

void Pace::did(uint64_t rows) { rows_.did(static_cast<double>(rows), Clock::now()); }

void Pace::took(uint64_t bytes) { source_bytes_.did(static_cast<double>(bytes), Clock::now()); }

bool Pace::within_speed() const {
  return rows_.free(Clock::now()) && source_bytes_.free(Clock::now());
}

bool Pace::free() {
  if (!within_speed()) return false;
  const bool unset = !paused_.load(std::memory_order_relaxed) && !hours_ && !throttle_;
  if (unset && !waiting_.load(std::memory_order_relaxed)) return true;
  std::string reason = obstacle();
  const bool out = reason.empty();
  waiting_.store(!out, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  waits_for_ = std::move(reason);
  return out;
}

bool Pace::wait(uint64_t rows, const StopFlag& stop) {
  did(rows);
  while (!stop.requested()) {
    if (free()) return true;
    std::this_thread::sleep_for(kLook);
  }
  return false;
}

std::string Pace::waits_for() const {
  const std::lock_guard lock(mutex_);
  return waits_for_;
}

}  // namespace lugger
