#include "http/endpoint.hpp"

#include <algorithm>

namespace lugger {

std::chrono::steady_clock::time_point HttpEndpoint::next_turn() {
  const std::lock_guard lock(mutex_);
  const Clock::time_point turn = std::max({Clock::now(), next_, rests_until_});
  if (settings_.per_second > 0) {
    const std::chrono::duration<double> gap(1 / settings_.per_second);
    next_ = turn + std::chrono::duration_cast<Clock::duration>(gap);
  }
  return turn;
}

void HttpEndpoint::rest(std::chrono::duration<double> time) {
  const std::lock_guard lock(mutex_);
  rests_until_ =
      std::max(rests_until_, Clock::now() + std::chrono::duration_cast<Clock::duration>(time));
}

}  // namespace lugger
