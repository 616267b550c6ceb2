#include "postgres/place.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "base/url.hpp"
#include "postgres/settings.hpp"

namespace lugger {
namespace {

/// One process, one way to wait: sessions are opened in many places, by many threads.
struct Waiting {
  std::mutex mutex;
  ConnectWait how;
  std::set<std::string> reached;  // or waited for once, in vain
};

Waiting& waiting() {
  static Waiting one;
  return one;
}

bool may_pass(const Error& error) {
  return error.sqlstate() == "57P03" || error.sqlstate() == "53300" ||
         error.message().find("Connection refused") != std::string::npos;
}

}  // namespace

bool is_postgres_place(const std::string& place) {
  const std::string_view scheme = url_scheme(place);
  if (scheme == "postgresql" || scheme == "postgres" || scheme == "local") return true;
  const size_t equals = place.find('=');
  if (!scheme.empty() || equals == std::string::npos) return false;
  std::string_view word = std::string_view(place).substr(0, equals);
  const std::string_view space = " \t\r\n";
  const size_t begin = std::min(word.find_first_not_of(space), word.size());
  word = word.substr(begin, word.find_last_not_of(space) + 1 - begin);
  std::error_code ignored;
  return is_connection_keyword(word) && !std::filesystem::exists(place, ignored);
}

void set_connect_wait(ConnectWait wait) {
  const std::lock_guard lock(waiting().mutex);
  waiting().how = std::move(wait);
}

FirstConnection::FirstConnection(const std::string& url) : url_(url) {}

bool FirstConnection::wait(const Error& error) {
  constexpr int kStepMs = 250;
  ConnectWait how;
  {
    const std::lock_guard lock(waiting().mutex);
    if (waiting().reached.contains(url_)) return false;
    how = waiting().how;
    if (!may_pass(error) || waited_ms_ >= how.seconds * 1000) {
      if (waited_ms_ != 0) waiting().reached.insert(url_);
      return false;
    }
  }
  if (waited_ms_ == 0 && how.tell)
    how.tell(fmt::format("{}; waiting up to {} s for the server", error.message(), how.seconds));
  for (int ms = 0; ms < kStepMs; ms += 50) {
    if (how.stop != nullptr && how.stop->requested()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  waited_ms_ += kStepMs;
  return true;
}

void FirstConnection::reached() {
  const std::lock_guard lock(waiting().mutex);
  waiting().reached.insert(url_);
}

}  // namespace lugger
