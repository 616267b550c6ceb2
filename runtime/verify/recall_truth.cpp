#include "verify/recall_truth.hpp"

#include <algorithm>

namespace lugger {

namespace {

constexpr size_t kBlockRows = 256, kBlockFloats = 1 << 20;

}  // namespace

Truth::Worker::Worker(Truth& truth)
    : truth_(truth),
      block_(std::clamp<size_t>(kBlockFloats / std::max<size_t>(truth.queries_.dimensions, 1), 1,
                                kBlockRows)) {
  for (const QueryGroup& group : truth.queries_.groups) {
    groups_.push_back({&group,
                       ExactSearch(group.numbers, truth.queries_.dimensions, truth.metric_,
                                   kept_neighbours(truth.k_)),
                       {},
                       {},
                       {}});
  }
}

void Truth::Worker::add(Group& group, Floats floats, const std::string& key) {
  group.waiting.insert(group.waiting.end(), floats.begin(), floats.end());
  group.keys.push_back(key);
  if (group.keys.size() == block_) search(group);
}

void Truth::Worker::search(Group& group) {
  const uint64_t first = truth_.next_.fetch_add(group.keys.size());
  if (first + group.keys.size() > UINT32_MAX)
    raise(Code::kConfig, "recall: more than four billion vectors");
  const auto index = static_cast<uint32_t>(first);
  group.search.add(group.waiting, index);
  group.search.kept_from(index, [&](uint32_t kept) {
    if (kept - index < group.keys.size()) group.found.try_emplace(kept, group.keys[kept - index]);
  });
  const size_t most = group.of->ids.size() * kept_neighbours(truth_.k_);
  if (group.found.size() > 2 * most + kBlockRows) forget(group);
  group.waiting.clear();
  group.keys.clear();
}

/// Drops the keys of what has been beaten since.
void Truth::Worker::forget(Group& group) {
  std::unordered_map<uint32_t, std::string> kept;
  group.search.kept_from(0, [&](uint32_t index) {
    const auto known = group.found.find(index);
    if (known != group.found.end()) kept.try_emplace(index, known->second);
  });
  group.found = std::move(kept);
}

void Truth::Worker::end() {
  for (Group& group : groups_)
    if (!group.keys.empty()) search(group);
}

void Truth::take(Worker& worker) {
  if (!total_) total_ = std::make_unique<Worker>(*this);
  for (size_t g = 0; g < worker.groups_.size(); ++g) {
    Worker::Group &to = total_->groups_[g], &from = worker.groups_[g];
    to.search.merge(from.search);
    to.found.merge(from.found);
  }
  counts_.vectors += worker.counts_.vectors, counts_.without += worker.counts_.without;
  counts_.other_size += worker.counts_.other_size;
}

std::vector<std::vector<Hit>> Truth::found(size_t group) const {
  const Worker::Group& of = total_->groups_[group];
  std::vector<std::vector<Hit>> out;
  for (const std::vector<Match>& matches : of.search.found()) {
    std::vector<Hit>& hits = out.emplace_back();
    for (const Match& match : matches) hits.push_back({of.found.at(match.index), match.score});
  }
  return out;
}

}  // namespace lugger
