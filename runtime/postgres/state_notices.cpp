#include "postgres/state_notices.hpp"

#include "base/text.hpp"
#include "postgres/state_read.hpp"

namespace lugger {
namespace {

// An entry of an index takes 2.7 kB.
constexpr size_t kMostName = 500;

/// Fields may have any name, and a list of indexes may be long.
std::string name_of(PgSession& session, const Notice& notice) {
  std::string out = notice.name;
  if (out.size() > kMostName) {
    size_t end = kMostName;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
    out.resize(end);
    out += "...";
  }
  return ledger_text(session, out);
}

std::string iso(std::string_view column) {
  return fmt::format(R"(pg_catalog.to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))",
                     column);
}

}  // namespace

void write_notices(PgSession& session, const std::string& schema,
                   const std::vector<Notice>& notices) {
  for (const Notice& notice : notices) {
    session.query(fmt::format("INSERT INTO {}.notices AS n (job, kind, name, done, count) VALUES "
                              "($1, $2, $3, $4, $5::bigint) ON CONFLICT (job, kind, name) DO "
                              "UPDATE SET count = n.count + excluded.count, done = excluded.done, "
                              "last_at = pg_catalog.now()",
                              schema),
                  {notice.job, notice.kind, name_of(session, notice),
                   ledger_text(session, notice.done), std::to_string(notice.count)});
  }
}

std::vector<Notice> read_notices(PgSession& session, const std::string& schema,
                                 const std::string& job) {
  const PgRows rows = session.query(
      fmt::format("SELECT kind, name, done, count, {}, {} FROM {}.notices WHERE job = $1 ORDER BY "
                  "first_at, kind, name",
                  iso("first_at"), iso("last_at"), schema),
      {job});
  std::vector<Notice> out;
  for (size_t i = 0; i < rows.size(); ++i) {
    out.push_back({job, rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), number_at(rows, i, 3),
                   rows.text(i, 4), rows.text(i, 5)});
  }
  return out;
}

}  // namespace lugger
