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

}  // namespace lugger
