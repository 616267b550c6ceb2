#include "store/batches.hpp"

#include <algorithm>
#include <numeric>

namespace lugger {
namespace {

// Objects of many groups make requests that are worth one only when more of them wait.
constexpr size_t kOfMany = 4;
constexpr size_t kLeastBytes = 64 << 10;

}  // namespace

void ObjectBatches::add(std::string_view object, std::string_view group, std::string_view id) {
  auto known = groups_.find(group);
  if (known == groups_.end()) {
    known = groups_.emplace(group, static_cast<uint32_t>(group_names_.size())).first;
    group_names_.emplace_back(group);
  }
  mixed_ = mixed_ || (!entries_.empty() && entries_.back().group != known->second);
  text_ += object;
  entries_.push_back({text_.size(), known->second, std::hash<std::string_view>()(id)});
}

std::string_view ObjectBatches::object(size_t i) const noexcept {
  const size_t begin = i == 0 ? 0 : entries_[i - 1].end;
  return std::string_view(text_).substr(begin, entries_[i].end - begin);
}

void ObjectBatches::forget() noexcept {
  text_.clear();
  entries_.clear();
  refused_.clear();
  first_ = 0;
  begun_ = mixed_ = false;
}

void ObjectBatches::send(bool all) {
  const size_t times = mixed_ ? kOfMany : 1;
  const bool full =
      text_.size() >= times * limits_.bytes || entries_.size() >= times * limits_.objects;
  if (entries_.empty() || (!all && !full)) return;
  if (!begun_) begin_unit();
  begun_ = true;
  order_.resize(entries_.size());
  std::iota(order_.begin(), order_.end(), size_t{0});
  if (mixed_) {
    std::ranges::stable_sort(order_, {}, [this](size_t i) { return entries_[i].group; });
  }
  for (size_t from = 0; from < order_.size();) {
    const size_t to = cut(from);
    post_halved(group_names_[entries_[order_[from]].group],
                std::span(order_).subspan(from, to - from));
    from = to;
  }
  first_ += entries_.size();
  text_.clear();
  entries_.clear();
  mixed_ = false;
}

/// Where the request ends that begins there.
size_t ObjectBatches::cut(size_t from) {
  const uint32_t group = entries_[order_[from]].group;
  size_t to = from, bytes = 0;
  for (ids_.clear(); to < order_.size() && to - from < limits_.objects; ++to) {
    const Entry& next = entries_[order_[to]];
    bytes += object(order_[to]).size() + 1;
    if (to == from) {
      ids_.push_back(next.id);
      continue;
    }
    if (next.group != group || bytes > limits_.bytes ||
        std::ranges::find(ids_, next.id) != ids_.end())
      break;
    ids_.push_back(next.id);
  }
  return to;
}

void ObjectBatches::post_halved(const std::string& group, std::span<const size_t> objects) {
  Posted posted = post(group, objects);
  if (posted.why.empty()) return;
  if (posted.too_large) {
    size_t bytes = 0;
    for (const size_t i : objects) bytes += object(i).size();
    limits_.bytes = std::min(limits_.bytes, std::max(bytes / 2, kLeastBytes));
  }
  if (objects.size() == 1) return refuse(objects[0], std::move(posted.why));
  const size_t half = objects.size() / 2;
  post_halved(group, objects.first(half));
  post_halved(group, objects.subspan(half));
}

}  // namespace lugger
