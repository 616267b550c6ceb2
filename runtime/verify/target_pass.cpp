#include "verify/target_pass.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {

namespace {

constexpr size_t kCopyHeader = 19;  // signature, flags, length of the extension
constexpr uint64_t kLeastPages = 1024;

[[noreturn]] void malformed() {
  raise(Code::kRead, "the rows that the server sent are not what COPY BINARY looks like");
}

Bytes behind_header(Bytes message) {
  if (message.size() < kCopyHeader) malformed();
  const auto extension = load_be<uint32_t>(message.data() + kCopyHeader - 4);
  if (message.size() - kCopyHeader < extension) malformed();
  return message.subspan(kCopyHeader + extension);
}

std::unique_ptr<PgSession> begin_snapshot(const std::string& url, bool pooled) {
  auto session = std::make_unique<PgSession>(url, "verify", pooled);
  session->begin();
  session->execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
  return session;
}

}  // namespace

TargetSnapshot::TargetSnapshot(const std::string& url, bool pooled, int connections) {
  sessions_.push_back(begin_snapshot(url, pooled));
  PgSession& first = *sessions_.front();
  const PgRows where = first.query(
      "SELECT pg_current_snapshot()::text, CASE WHEN pg_is_in_recovery() THEN "
      "pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text");
  position_ = fmt::format("snapshot {}, lsn {}", where.text(0, 0), where.text(0, 1));
  if (pooled || connections < 2) return;
  const std::string name = first.query("SELECT pg_export_snapshot()").text(0, 0);
  for (int i = 1; i < connections; ++i) {
    std::unique_ptr<PgSession> more = begin_snapshot(url, pooled);
    more->execute("SET TRANSACTION SNAPSHOT " + PgSession::quote_literal(name));
    sessions_.push_back(std::move(more));
  }
}

bool TargetReader::read(const ComparedTable& table, const std::string& condition, TargetUse& use,
                        const Crew* crew) {
  session_.copy_out_start(fmt::format("COPY ({}) TO STDOUT (FORMAT binary)",
                                      select_compared(table, condition, places_)));
  values_.resize(table.columns.size());
  hashes_.resize(table.hashes.size());
  bool begun = false;
  uint64_t rows = 0;
  for (Bytes message; session_.copy_out_get(message);) {
    if (!begun) message = behind_header(message);
    begun = true;
    if (message.empty()) continue;
    if (message.size() < 2) malformed();
    if (load_be<int16_t>(message.data()) == -1) continue;
    row(table, message, use);
    if ((++rows & 1023) != 0) continue;
    context_.target_rows.fetch_add(1024, std::memory_order_relaxed);
    if (crew == nullptr || !crew->stopped()) continue;
    session_.cancel();
    return false;
  }
  context_.target_rows.fetch_add(rows & 1023, std::memory_order_relaxed);
  return true;
}

void TargetReader::row(const ComparedTable& table, Bytes tuple, TargetUse& use) {
  arena_.reset();
  constexpr size_t kPlaceFields = 2;
  const size_t fields = table.columns.size() + table.hashes.size() + (places_ ? kPlaceFields : 0);
  if (static_cast<size_t>(load_be<uint16_t>(tuple.data())) != fields) malformed();
  const uint8_t* at = tuple.data() + 2;
  const uint8_t* const end = tuple.data() + tuple.size();
  const auto next = [&]() -> std::optional<Bytes> {
    if (end - at < 4) malformed();
    const auto size = load_be<int32_t>(at);
    at += 4;
    if (size < 0) return std::nullopt;
    if (end - at < size) malformed();
    const Bytes field(at, static_cast<size_t>(size));
    at += size;
    return field;
  };
  RowPlace place;
  if (places_) {
    const std::optional<Bytes> oid = next(), tid = next();
    if (!oid || oid->size() != 4 || !tid || tid->size() != 6) malformed();
    place = {load_be<uint32_t>(oid->data()), load_be<uint32_t>(tid->data()),
             load_be<uint16_t>(tid->data() + 4)};
  }
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const std::optional<Bytes> field = next();
    if (!field)
      values_[i] = Value::null();
    else if (table.columns[i].by_server)
      values_[i] = Value::of(ValueType::kPgText, *field);
    else if (!read_pg_field(table.columns[i].reads_as, table.columns[i].oid, *field, arena_,
                            values_[i]))
      malformed();
  }
  for (const KeyHash& hash : table.hashes) {
    const std::optional<Bytes> field = next();
    if (!field) malformed();
    Value& value = hashes_[static_cast<size_t>(table.columns[hash.column].hash)];
    value = values_[hash.column].absent() ? Value::null() : Value::of(ValueType::kPgText, *field);
  }
  const RowDigests digests = digester_.digest(table, [&](size_t c) -> const Value& {
    const int hash = table.columns[c].hash;
    return hash < 0 ? values_[c] : hashes_[static_cast<size_t>(hash)];
  });
  if (context_.sampled(digests.root)) use.row({table, values_, digests, place});
}

TargetPass::TargetPass(VerifyContext& context, TargetSnapshot& snapshot, bool own, bool children)
    : context_(context) {
  for (const ComparedTable& table : context.comparison.tables) {
    if (table.own ? own : children)
      divide(snapshot.session(0), table, static_cast<int>(snapshot.size()));
  }
}

void TargetPass::divide(PgSession& session, const ComparedTable& table, int connections) {
  std::string narrowed = where_condition(context_, table);
  if (!table.ranges || connections < 2) {
    parts_.push_back({&table, narrowed});
    return;
  }
  const PgRows size =
      session.query("SELECT pg_relation_size($1::regclass) / current_setting('block_size')::int8",
                    {table.quoted});
  const uint64_t pages = std::stoull(size.text(0, 0));
  const uint64_t step =
      std::max<uint64_t>(kLeastPages, pages / static_cast<uint64_t>(4 * connections) + 1);
  if (!narrowed.empty()) narrowed = " AND " + narrowed;
  for (uint64_t page = 0; page == 0 || page < pages; page += step) {
    std::string range = fmt::format("t.ctid >= '({},0)'::tid", page);
    // The last part has no end: what is behind it came later and is not seen.
    if (page + step < pages) range += fmt::format(" AND t.ctid < '({},0)'::tid", page + step);
    parts_.push_back({&table, range + narrowed});
  }
}

std::optional<TargetPass::Part> TargetPass::claim() {
  const std::lock_guard lock(mutex_);
  if (next_ == parts_.size()) return std::nullopt;
  return parts_[next_++];
}

void TargetPass::work(PgSession& session, TargetUse& use, const Crew& crew) {
  TargetReader reader(context_, session);
  while (!crew.stopped()) {
    const std::optional<Part> part = claim();
    if (!part || !reader.read(*part->table, part->condition, use, &crew)) break;
  }
}

std::string where_condition(const VerifyContext& context, const ComparedTable& table) {
  const std::string& where = context.options.where;
  if (where.empty()) return {};
  if (table.own) return fmt::format("({}\n)", where);
  std::string columns, rows;
  for (const size_t i : table.root)
    columns += fmt::format("{}t.{}", columns.empty() ? "" : ", ",
                           PgSession::quote_name(table.columns[i].name));
  for (const ComparedTable& own : context.comparison.tables) {
    if (!own.own) continue;
    std::string keys;
    for (const size_t i : own.key)
      keys +=
          fmt::format("{}{}", keys.empty() ? "" : ", ", PgSession::quote_name(own.columns[i].name));
    rows += fmt::format("{}SELECT {} FROM {} AS t WHERE ({}\n)", rows.empty() ? "" : " UNION ALL ",
                        keys, own.quoted, where);
  }
  return fmt::format("({}) IN ({})", columns, rows);
}

}  // namespace lugger
