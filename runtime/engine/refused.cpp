#include "engine/refused.hpp"

#include <algorithm>

namespace lugger {
namespace {

constexpr size_t kMostKeys = 256, kLeastKeys = 8;
constexpr double kShortSeconds = 0.1, kLongSeconds = 0.4;  // of a try
constexpr double kRest = 9, kIdleRest = 1;                 // times what a try took
constexpr double kBusySeconds = 1;                         // between two tries while changes come
constexpr double kWhileGone = 1;    // a rename or a drop is still to be heard of
constexpr uint32_t kManyTries = 2;  // it has stood for seconds, and may have been seen

}  // namespace

bool RefusedDocuments::is_time(bool idle) const {
  if (!wait_ || !unit_is_empty_ || under_way() || asked_.seconds() < *wait_) return false;
  const double rest = idle ? kIdleRest * took_ : std::max(kBusySeconds, kRest * took_);
  return took_ == 0 || rested_.seconds() >= rest;
}

bool RefusedDocuments::give(Feed& feed, const Position& behind, bool idle, Batch& batch) {
  if (!is_time(idle)) return false;
  RefusedPage page = ask_(std::min<size_t>(most_, std::max(1U, batch.max_documents)));
  asked_ = {};
  wait_ = page.next;
  if (page.due.empty()) return false;
  std::vector<std::string_view> keys;
  for (const RefusedKey& one : page.due) keys.push_back(one.key);
  tried_at_ = {};
  if (!feed.look_up(keys, behind, batch)) {
    wait_ = kWhileGone;
    return false;
  }
  more_ = page.next.has_value();
  tried_ = std::move(page.due);
  // Documents may be large: the next ones are taken to be as these.
  const size_t bytes = std::max<size_t>(1, batch.source_bytes / keys.size());
  most_ = std::clamp<size_t>(batch.max_bytes / bytes, 1, most_);
  return true;
}

std::vector<RefusedKey> RefusedDocuments::take_tried() {
  unit_is_empty_ = true;
  return std::exchange(tried_, {});
}

std::optional<Notice> RefusedDocuments::committed(const UnitRecord& unit) {
  const bool refused = std::ranges::any_of(
      unit.rejects, [](const RejectRecord& reject) { return !reject.key.empty(); });
  if (refused || !unit.tried.empty()) wait_ = 0;
  if (unit.tried.empty()) {
    more_ = more_ || refused;
    return {};
  }
  tune(unit);
  accepted_ += unit.tried.size() - std::min(unit.tried.size(), unit.rejects.size());
  told_of_ = told_of_ || std::ranges::any_of(unit.tried, [](const RefusedKey& key) {
               return key.tries >= kManyTries;
             });
  if (more_ || refused) return {};
  const uint64_t accepted = std::exchange(accepted_, 0);
  if (!std::exchange(told_of_, false) || accepted == 0) return {};
  return Notice{"", std::string(kAcceptedNotice), "", "", accepted};
}

void RefusedDocuments::tune(const UnitRecord& unit) {
  took_ = tried_at_.seconds();
  rested_ = {};
  if (took_ > kLongSeconds) most_ = std::max(kLeastKeys, unit.tried.size() / 2);
  if (took_ < kShortSeconds) most_ = std::min(kMostKeys, 2 * most_);
}

}  // namespace lugger
