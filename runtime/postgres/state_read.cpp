#include "postgres/state_read.hpp"

#include "base/text.hpp"

namespace lugger {
namespace {

/// A reader may meet an older ledger, without the right to upgrade it: not all counts are there.
std::string count_column(const TallyCount& count) {
  return fmt::format("(pg_catalog.to_jsonb(p) ->> '{}')::bigint", count.name);
}

// Those behind `done` came with versions 6 and 7.
constexpr std::string_view kPartition =
    "p.partition, p.spec, p.position, p.bytes_total, p.done, pg_catalog.to_jsonb(p) ->> 'claim', "
    "pg_catalog.to_jsonb(p) "
    "->> 'holder', NOT p.done AND (pg_catalog.to_jsonb(p) ->> 'expires_at')::timestamptz > "
    "pg_catalog.now(), "
    "pg_catalog.to_jsonb(p) ->> 'start', (pg_catalog.to_jsonb(p) ->> 'phase')::integer, ";

}  // namespace

uint64_t number_at(const PgRows& rows, size_t row, size_t column) {
  const std::string text = rows.text(row, column);
  return text.empty() ? 0 : std::stoull(text);
}

std::string tally_columns(std::string_view form) {
  std::string out;
  for (const TallyCount& count : kTallyCounts)
    out += (out.empty() ? "" : ", ") + fmt::format(fmt::runtime(form), count_column(count));
  return out;
}

Tally tally_at(const PgRows& rows, size_t row, size_t column) {
  Tally out;
  for (const TallyCount& count : kTallyCounts) out.*count.of = number_at(rows, row, column++);
  return out;
}

std::string partition_columns() { return std::string(kPartition) + tally_columns("{}"); }

PartitionRecord partition_at(const PgRows& rows, size_t row) {
  PartitionRecord out;
  size_t column = 0;
  for (std::string* field : {&out.id, &out.spec, &out.position}) *field = rows.text(row, column++);
  out.bytes = number_at(rows, row, column++);
  out.done = rows.text(row, column++) == "t";
  out.claim = rows.text(row, column++);
  out.holder = rows.text(row, column++);
  out.held = rows.text(row, column++) == "t";
  out.start = rows.text(row, column++);
  out.phase = static_cast<int>(number_at(rows, row, column++));
  out.tally = tally_at(rows, row, column);
  return out;
}

Tally tally_of_run(PgSession& session, const std::string& schema, const std::string& run) {
  return tally_at(session.query(fmt::format("SELECT {} FROM {}.partitions p WHERE run = $1",
                                            tally_columns("pg_catalog.sum({})"), schema),
                                {run}),
                  0, 0);
}

std::string ledger_text(PgSession& session, std::string text) {
  std::erase(text, '\0');
  if (!is_utf8(text)) text = replace_invalid_utf8(text);
  return session.stores_utf8() ? text : escape_non_ascii(text);
}

}  // namespace lugger
