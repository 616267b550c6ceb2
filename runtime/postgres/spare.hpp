// A session between two steps that leave nothing behind in it: the next one need not connect again.
#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "postgres/session.hpp"

namespace lugger {

/// At most one session, shared by all targets of one URL, and never one behind a pooler. One that
/// lay for more than a second may be dead by now, so it is not given out.
class SpareSession {
 public:
  static std::shared_ptr<SpareSession> of(const std::string& url);

  /// nullptr: there is none.
  std::unique_ptr<PgSession> take(const std::string& purpose);
  void put(std::unique_ptr<PgSession> session);
  /// Before what may take long: an idle session is one that others cannot have.
  void drop();

 private:
  using Clock = std::chrono::steady_clock;
  std::mutex mutex_;
  std::unique_ptr<PgSession> session_;
  Clock::time_point fresh_until_;
};

}  // namespace lugger
