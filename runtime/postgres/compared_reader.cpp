#include "postgres/compared_reader.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "postgres/compared_sql.hpp"
#include "postgres/session_pool.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {

namespace {

constexpr uint64_t kLeastPages = 1024;

[[noreturn]] void malformed() {
  raise(Code::kRead, "a field that the server sent is not of its column's type");
}

LentSession begin_snapshot(const std::string& url, bool pooled) {
  LentSession session = SessionPool::of(url)->lend("verify", pooled);
  session->begin();
  session->execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
  return session;
}

class PgRowReader final : public RowReader {
 public:
  PgRowReader(LentSession session, const PgComparedTables& tables)
      : session_(std::move(session)), tables_(tables), reader_(*session_) {}
  ~PgRowReader() override {
    if (session_->idle_in_transaction()) session_->rollback();
  }
  PgRowReader(const PgRowReader&) = delete;
  PgRowReader& operator=(const PgRowReader&) = delete;

  bool read(const RowPart& part, RowTaker& taker) override {
    return read(tables_[part.table], part.rows, taker);
  }
  void read_keys(size_t table, const std::vector<const KeyText*>& keys, RowTaker& taker) override {
    const PgComparedTable& compared = tables_[table];
    read(compared, keys_condition(compared, compared.key, keys), taker);
  }
  void read_roots(size_t table, const std::vector<const KeyText*>& roots,
                  RowTaker& taker) override {
    const PgComparedTable& compared = tables_[table];
    read(compared, keys_condition(compared, compared.root, roots), taker);
  }
  void read_doubled(size_t table, RowTaker& taker) override {
    const PgComparedTable& compared = tables_[table];
    if (!compared.doubled.empty()) read(compared, compared.doubled, taker);
  }
  PgSession& session() noexcept { return *session_; }

 private:
  bool read(const PgComparedTable& table, const std::string& condition, RowTaker& taker) {
    return reader_.read(table, condition,
                        [&](const StoredRow& row, const RowPlace&) { return taker.row(row); });
  }
  LentSession session_;
  const PgComparedTables& tables_;
  ComparedReader reader_;
};

class PgSnapshot final : public RowSnapshot {
 public:
  PgSnapshot(const std::string& url, bool pooled, int readers, const PgComparedTables& tables)
      : tables_(tables) {
    add(begin_snapshot(url, pooled));
    PgSession& first = readers_.front()->session();
    const PgRows where = first.query(
        "SELECT pg_catalog.pg_current_snapshot()::text, CASE WHEN pg_catalog.pg_is_in_recovery() "
        "THEN "
        "pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END::text");
    position_ = fmt::format("snapshot {}, lsn {}", where.text(0, 0), where.text(0, 1));
    if (pooled || readers < 2) return;
    const std::string name = first.query("SELECT pg_catalog.pg_export_snapshot()").text(0, 0);
    for (int i = 1; i < readers; ++i) {
      LentSession more = begin_snapshot(url, pooled);
      more->execute("SET TRANSACTION SNAPSHOT " + PgSession::quote_literal(name));
      add(std::move(more));
    }
    // Verification may take long, and others may need the connections of idle sessions.
    SessionPool::of(url)->drop();
  }

  const std::string& position() const noexcept override { return position_; }
  size_t readers() const noexcept override { return readers_.size(); }
  RowReader& reader(size_t i) noexcept override { return *readers_[i]; }

  /// By ranges of pages, which need no index and are read at the speed of the disk.
  std::vector<RowPart> parts(size_t index, const std::string& where) override {
    const PgComparedTable& table = tables_[index];
    std::string narrowed = where_condition(tables_, table, where);
    if (!table.ranges || readers_.size() < 2) return {{index, narrowed}};
    const PgRows size = readers_.front()->session().query(
        "SELECT pg_catalog.pg_relation_size($1::regclass) / "
        "pg_catalog.current_setting('block_size')::int8",
        {table.quoted});
    const uint64_t pages = std::stoull(size.text(0, 0));
    const uint64_t step = std::max<uint64_t>(kLeastPages, pages / (4 * readers_.size()) + 1);
    if (!narrowed.empty()) narrowed = " AND " + narrowed;
    std::vector<RowPart> out;
    for (uint64_t page = 0; page == 0 || page < pages; page += step) {
      std::string range = fmt::format("t.ctid >= '({},0)'::tid", page);
      // The last part has no end: later pages are not visible in the snapshot anyway.
      if (page + step < pages) range += fmt::format(" AND t.ctid < '({},0)'::tid", page + step);
      out.push_back({index, range + narrowed});
    }
    return out;
  }

 private:
  void add(LentSession session) {
    readers_.push_back(std::make_unique<PgRowReader>(std::move(session), tables_));
  }
  const PgComparedTables& tables_;
  std::vector<std::unique_ptr<PgRowReader>> readers_;
  std::string position_;
};

}  // namespace

BinaryCopy ComparedReader::start(const PgComparedTable& table, const std::string& condition) {
  constexpr size_t kPlaceFields = 2;
  values_.resize(table.columns.size());
  hashes_.resize(table.hashes);
  return {session_, select_compared(table, condition, places_),
          table.columns.size() + table.hashes + (places_ ? kPlaceFields : 0)};
}

void ComparedReader::decode(const PgComparedTable& table, Bytes tuple) {
  arena_.reset();
  TupleFields fields(tuple);
  if (places_) {
    const std::optional<Bytes> oid = fields.next(), tid = fields.next();
    if (!oid || oid->size() != 4 || !tid || tid->size() != 6) malformed();
    place_ = {load_be<uint32_t>(oid->data()), load_be<uint32_t>(tid->data()),
              load_be<uint16_t>(tid->data() + 4)};
  }
  for (size_t i = 0; i < table.columns.size(); ++i) {
    std::optional<Bytes> field = fields.next();
    if (field && table.stored[i].wire != VectorsWire::kNone) {
      field = from_vectors(table.stored[i].wire, *field, arena_);
      if (!field) malformed();
    }
    if (!field)
      values_[i] = Value::null();
    else if (table.columns[i].by_server)
      values_[i] = Value::of(ValueType::kPgText, *field);
    else if (!read_pg_field(table.stored[i].reads_as, table.stored[i].oid, *field, arena_,
                            values_[i]))
      malformed();
  }
  for (const KeyHash& hash : table.key_hashes) {
    const std::optional<Bytes> field = fields.next();
    if (!field) malformed();
    Value& value = hashes_[static_cast<size_t>(table.columns[hash.column].hash)];
    value = values_[hash.column].absent() ? Value::null() : Value::of(ValueType::kPgText, *field);
  }
}

std::unique_ptr<RowSnapshot> make_pg_snapshot(const std::string& url, bool pooled, int readers,
                                              const PgComparedTables& tables) {
  return std::make_unique<PgSnapshot>(url, pooled, readers, tables);
}

}  // namespace lugger
