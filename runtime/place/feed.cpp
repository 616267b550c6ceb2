#include "place/feed.hpp"

namespace lugger {

std::unique_ptr<Feed> Source::feed() { return nullptr; }

}  // namespace lugger
