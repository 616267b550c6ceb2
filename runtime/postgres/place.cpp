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
#include "postgres/error.hpp"
#include "postgres/settings.hpp"

namespace lugger {
namespace {

/// One for the process, because many threads open sessions in many places.
struct Waiting {
  std::mutex mutex;
  ConnectWait how;
  std::set<std::string> reached;  // or waited for once, without success
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
  if (!scheme.empty()) return false;
  std::error_code ignored;
  std::string_view rest = place;
  while (!rest.empty()) {
    const ConninfoPair pair = next_pair(rest);
    const bool stray = pair.stray.find_first_not_of(" \t\r\n") != std::string_view::npos;
    if (stray || pair.size == 0) return false;
    if (is_connection_keyword(pair.key)) return !std::filesystem::exists(place, ignored);
    rest.remove_prefix(pair.size);
  }
  return false;
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

pg_conn* connect_to(const AllowedUrl& place, const std::string& purpose, const PgKeywords& more) {
  const std::string& url = place.text();
  PgKeywords keywords = connection_keywords(url, purpose);
  for (const auto& [name, value] : more) {
    std::erase_if(keywords, [&](const auto& one) { return one.first == name; });
    keywords.emplace_back(name, value);
  }
  std::vector<const char*> names, values;
  for (const auto& [name, value] : keywords) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  for (FirstConnection first(url);;) {
    std::unique_ptr<PGconn, decltype(&PQfinish)> made(
        PQconnectdbParams(names.data(), values.data(), 0), &PQfinish);
    if (PQstatus(made.get()) == CONNECTION_OK) {
      first.reached();
      return made.release();
    }
    const Error failed = connect_error(PQerrorMessage(made.get()), mask_secrets(url),
                                       PQconnectionNeedsPassword(made.get()) != 0,
                                       PQconnectionUsedPassword(made.get()) != 0);
    if (!first.wait(failed)) throw failed;
  }
}

}  // namespace lugger
