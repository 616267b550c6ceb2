#include "place/feed.hpp"

#include <algorithm>

#include "place/feed_watch.hpp"

namespace lugger {

namespace {

constexpr std::pair<std::string_view, std::string_view> kLost = {"position", "lost"};

}  // namespace

Error position_lost(std::string message, std::string hint) {
  return Error(Code::kRead, std::move(message), std::move(hint)).note(kLost.first, kLost.second);
}

bool is_position_lost(const Error& error) {
  return std::ranges::any_of(error.notes(), [](const auto& note) {
    return note.first == kLost.first && note.second == kLost.second;
  });
}

std::unique_ptr<Feed> Source::feed() { return nullptr; }

std::unique_ptr<FeedWatch> Source::watch() { return nullptr; }

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
