// What a run has noticed while it followed changes, for whoever looks on and for its end.
#pragma once
#include <algorithm>
#include <set>
#include <vector>

#include "place/notice.hpp"

namespace lugger {

class Noticed {
 public:
  /// What is in the ledger is no news.
  void know(const std::vector<Notice>& notices) {
    for (const Notice& notice : notices)
      if (notice.kind == kFieldNotice) known_.insert(notice.name);
  }
  void add(const Notice& notice) {
    if (notice.kind == kKnownCollections) return;
    const auto found = std::ranges::find_if(sums_, [&](const Notice& one) {
      return one.kind == notice.kind && one.name == notice.name;
    });
    if (found != sums_.end()) {
      found->count += notice.count;
      found->done = notice.done;
    } else if (sums_.size() < kMost) {
      sums_.push_back(notice);
    }
    // What is good news may come for weeks, and is to leave room.
    if (notice.kind == kAcceptedNotice && news_.size() >= kMost / 2) return;
    // Fields come with every document, and are told of once.
    if (notice.kind == kFieldNotice && !known_.insert(notice.name).second) return;
    if (news_.size() < kMost) news_.push_back(notice);
  }
  /// In the order in which they came, each as often as it is to be told.
  const std::vector<Notice>& news() const noexcept { return news_; }
  /// Each once, with how often it came.
  const std::vector<Notice>& sums() const noexcept { return sums_; }

 private:
  static constexpr size_t kMost = 500;  // the ledger has the rest
  std::vector<Notice> news_, sums_;
  std::set<std::string> known_;  // fields
};

}  // namespace lugger
