// The best k of what is offered.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace lugger {

enum class Metric : uint8_t { kCosine, kDot, kL2, kL1, kHamming, kJaccard };

/// Greater is nearer with cosine and dot; the others are distances.
constexpr bool is_distance(Metric metric) noexcept { return metric > Metric::kDot; }

struct Match {
  uint32_t index = 0;
  double score = 0;
};

/// Keeps as many matches as `room` has; of equal scores the lowest indexes, in whatever order they
/// come. The memory of `room` must outlive it.
class Best {
  bool better(const Match& a, const Match& b) const noexcept {
    if (a.score != b.score) return distances_ ? a.score < b.score : a.score > b.score;
    return a.index < b.index;
  }
  /// Of a heap with the worst in front.
  auto order() const noexcept {
    return [this](const Match& a, const Match& b) { return better(a, b); };
  }

 public:
  Best(std::span<Match> room, Metric metric, size_t kept = 0) noexcept
      : room_(room), kept_(kept), distances_(is_distance(metric)) {}

  /// A score that is NaN is never kept.
  void offer(Match match) noexcept {
    if (std::isnan(match.score) || room_.empty()) return;
    if (full()) {
      if (!better(match, room_.front())) return;
      std::pop_heap(room_.begin(), room_.end(), order());
      room_.back() = match;
    } else {
      room_[kept_++] = match;
    }
    std::push_heap(room_.begin(), room_.begin() + static_cast<ptrdiff_t>(kept_), order());
  }
  bool full() const noexcept { return kept_ == room_.size(); }
  /// The score that must be reached; only when it is full, and keeps any.
  double worst() const noexcept { return room_.front().score; }
  size_t kept() const noexcept { return kept_; }
  /// Puts them in order, best first. Nothing can be offered afterwards.
  void sort() noexcept {
    std::sort_heap(room_.begin(), room_.begin() + static_cast<ptrdiff_t>(kept_), order());
  }

 private:
  std::span<Match> room_;
  size_t kept_;
  bool distances_;
};

}  // namespace lugger
