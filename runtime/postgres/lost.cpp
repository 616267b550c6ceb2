#include "postgres/lost.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <thread>

namespace lugger {
namespace {

constexpr int kLooks = 100;
constexpr auto kBetween = std::chrono::milliseconds(50);
constexpr std::string_view kNotOurs = "42501";

/// One list for the process, because sessions are lost and opened in different places.
struct Lost {
  std::mutex mutex;
  std::map<std::string, std::vector<PgBackend>> of;  // by URL
};

Lost& lost() {
  static Lost one;
  return one;
}

std::vector<PgBackend> take_lost(const std::string& url) {
  const std::lock_guard lock(lost().mutex);
  const auto found = lost().of.find(url);
  if (found == lost().of.end()) return {};
  std::vector<PgBackend> out = std::move(found->second);
  lost().of.erase(found);
  return out;
}

/// `sql` terminates the sessions it finds and returns a row for each.
void end_until_gone(PgSession& session, const std::string& sql, const PgParams& params) try {
  for (int look = 0; session.query(sql, params).size() != 0 && look < kLooks; ++look)
    std::this_thread::sleep_for(kBetween);
} catch (const Error& error) {
  if (error.sqlstate() != kNotOurs) throw;
}

}  // namespace

PgBackend backend_after(PgSession& session, const std::string& statements) {
  const PgRows rows = session.query(statements +
                                    "SELECT pid, backend_start FROM "
                                    "pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())");
  if (rows.size() == 0) return {};
  return {rows.text(0, 0), rows.text(0, 1)};
}

void remember_lost(const std::string& url, PgBackend backend) noexcept try {
  const std::lock_guard lock(lost().mutex);
  lost().of[url].push_back(std::move(backend));
} catch (const std::exception&) {
  // Out of memory: the server must notice by itself.
}

void end_lost(PgSession& session, const std::string& url) {
  for (const PgBackend& backend : take_lost(url)) {
    end_until_gone(session,
                   "SELECT pg_catalog.pg_terminate_backend(pid) FROM "
                   "pg_catalog.pg_stat_get_activity($1::int) WHERE backend_start = "
                   "$2::timestamptz",
                   {backend.pid, backend.started});
  }
}

void end_holders(PgSession& session, const std::vector<std::string>& keys) {
  PgParams params(keys.begin(), keys.end());
  std::string list;
  for (size_t i = 1; i <= keys.size(); ++i) list += fmt::format("{}${}", i == 1 ? "" : ", ", i);
  end_until_gone(
      session,
      fmt::format(
          "SELECT pg_catalog.pg_terminate_backend(l.pid) FROM pg_catalog.pg_locks l WHERE "
          "l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.pid <> "
          "pg_catalog.pg_backend_pid() AND l.database = (SELECT oid FROM pg_catalog.pg_database "
          "WHERE datname = pg_catalog.current_database()) AND ((l.classid::bigint << 32) | "
          "l.objid::bigint) IN (SELECT pg_catalog.hashtextextended(k, 0) FROM "
          "pg_catalog.unnest(ARRAY[{}]::text[]) k)",
          list),
      params);
}

}  // namespace lugger
