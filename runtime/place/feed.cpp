#include "place/feed.hpp"

namespace lugger {

std::unique_ptr<Feed> Source::feed() { return nullptr; }

std::shared_ptr<FeedHub::Part> FeedHub::part(const std::string& place,
                                             const std::function<std::shared_ptr<Part>()>& make) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Part>& found = parts_[place];
  if (!found) found = make();
  return found;
}

std::vector<std::string> FeedHub::told() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [_, part] : parts_) {
    for (std::string& one : part->told()) out.push_back(std::move(one));
  }
  return out;
}

}  // namespace lugger
