#include "postgres/seen_keys.hpp"

#include <mutex>

#include "base/text.hpp"
#include "postgres/array_text.hpp"
#include "postgres/session_pool.hpp"

namespace lugger {
namespace {

constexpr size_t kPageRows = 2000;
constexpr size_t kStatementRows = 2000;
constexpr std::string_view kSeen = "pg_temp.lugger_seen";

std::string stranger_table(size_t table) {
  return fmt::format("pg_temp.lugger_strangers_{}", table);
}

/// "a.k0 = b.k0 AND a.k1 = b.k1".
std::string same_key(std::string_view left, std::string_view right, size_t columns) {
  std::string out;
  for (size_t k = 0; k < columns; ++k)
    out += fmt::format("{}{}.k{} = {}.k{}", k == 0 ? "" : " AND ", left, k, right, k);
  return out;
}

/// "k0, k1", each in `form`, where {0} is its name.
std::string key_list(size_t columns, std::string_view form = "{0}") {
  std::string out;
  for (size_t k = 0; k < columns; ++k)
    out += (k == 0 ? "" : ", ") + fmt::format(fmt::runtime(form), fmt::format("k{}", k));
  return out;
}

std::vector<uint64_t> numbers_of(std::string_view array) {
  std::vector<uint64_t> out;
  for (size_t at = 1; at + 1 < array.size();) {
    const size_t end = std::min(array.find(',', at), array.size() - 1);
    out.push_back(std::stoull(std::string(array.substr(at, end - at))));
    at = end + 1;
  }
  return out;
}

/// All of it is one transaction, so that a pooler in front of the server keeps the session; each
/// statement sees what is committed when it begins.
class PgSeenKeys final : public SeenKeys {
 public:
  PgSeenKeys(const std::string& url, bool pooled, const PgComparedTables& tables)
      : session_(SessionPool::of(url)->lend("verify", pooled)), tables_(tables) {
    const PgComparedTable& own = tables_.front();
    width_ = own.key.size();
    for (const PgComparedTable& table : tables_) {
      if (table.root.size() == width_ && width_ != 0 && !table.spread) continue;
      throw Error(Code::kConfig,
                  fmt::format("{} cannot be verified while it changes: {}", table.name,
                              table.spread ? "its rows are distributed over servers"
                                           : "it has no key that can be computed again"),
                  "pause the application, and verify it without --live");
    }
    std::string columns;
    for (size_t k = 0; k < width_; ++k)
      columns += fmt::format("{} AS k{}, ", name(own, own.key[k]), k);
    session_->begin();
    session_->execute(fmt::format(
        "CREATE TEMPORARY TABLE lugger_seen ON COMMIT DROP AS SELECT {} NULL::bytea AS id, "
        "NULL::bigint[] AS rows FROM {} AS t WITH NO DATA",
        columns, own.quoted));
    oldest_ =
        session_->query("SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())")
            .text(0, 0);
  }
  ~PgSeenKeys() override {
    if (session_->alive()) session_->rollback();
  }
  PgSeenKeys(const PgSeenKeys&) = delete;
  PgSeenKeys& operator=(const PgSeenKeys&) = delete;

  void add(std::span<const SeenKey> keys) override {
    while (!keys.empty()) {
      const std::span<const SeenKey> some = keys.first(std::min(keys.size(), kStatementRows));
      insert(some);
      keys = keys.subspan(some.size());
    }
  }

  std::string moment() override {
    const std::lock_guard lock(mutex_);
    const PgRows now = session_->query(
        "SELECT pg_catalog.pg_current_snapshot(), CASE WHEN pg_catalog.pg_is_in_recovery() THEN "
        "pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END");
    return fmt::format("snapshot {}, lsn {}", now.text(0, 0), now.text(0, 1));
  }

  void each_moved(const std::function<void(MovedKey&&)>& use) override {
    std::string moved = fmt::format("SELECT id FROM {} WHERE rows IS NULL", kSeen);
    for (const PgComparedTable& table : tables_) {
      moved += fmt::format(
          " UNION SELECT s.id FROM {} AS s LEFT JOIN ({}) AS x ON {} WHERE s.rows IS NOT NULL AND "
          "(coalesce(x.n, 0) <> s.rows[{}] OR x.m)",
          kSeen, grouped(table), same_key("s", "x", width_), table.table + 1);
    }
    MovedKey key;
    each_row(fmt::format("SELECT pg_catalog.encode(s.id, 'hex'), s.rows FROM {} AS s JOIN ({}) AS "
                         "m ON m.id = s.id ORDER BY s.id",
                         kSeen, moved),
             [&](const PgRows& rows, size_t i) {
               std::string id = from_hex(rows.text(i, 0)).value_or("");
               if (id != key.id) {
                 if (!key.id.empty()) use(std::exchange(key, {}));
                 key.id = std::move(id);
               }
               const std::vector<uint64_t> counts = numbers_of(rows.text(i, 1));
               key.rows.resize(std::max(key.rows.size(), counts.size()));
               for (size_t t = 0; t < counts.size(); ++t) key.rows[t] += counts[t];
             });
    if (!key.id.empty()) use(std::move(key));
  }

  void keep_strangers(size_t table) override {
    const std::lock_guard lock(mutex_);
    session_->execute("DROP TABLE IF EXISTS " + stranger_table(table));
    session_->execute(fmt::format(
        "CREATE TEMPORARY TABLE lugger_strangers_{} ON COMMIT DROP AS SELECT DISTINCT {} FROM ({}) "
        "AS x WHERE NOT EXISTS (SELECT FROM {} AS s WHERE {})",
        table, key_list(width_), keys_of(tables_[table]), kSeen, same_key("s", "x", width_)));
  }

  void each_stranger(size_t table,
                     const std::function<void(KeyText&&, uint64_t rows)>& use) override {
    each_row(
        fmt::format("SELECT count(*), {} FROM ({}) AS x JOIN {} AS k USING ({}) WHERE NOT EXISTS "
                    "(SELECT FROM {} AS s WHERE {}) GROUP BY {}",
                    key_list(width_, "{0}::text"), keys_of(tables_[table]), stranger_table(table),
                    key_list(width_), kSeen, same_key("s", "x", width_), key_list(width_)),
        [&](const PgRows& rows, size_t i) {
          KeyText key(rows[i].begin() + 1, rows[i].end());
          use(std::move(key), std::stoull(rows.text(i, 0)));
        });
  }

 private:
  static std::string name(const PgComparedTable& table, size_t column) {
    return "t." + PgSession::quote_name(table.columns[column].name);
  }

  std::string keys_of(const PgComparedTable& table, std::string_view more = "") const {
    std::string columns;
    for (size_t k = 0; k < width_; ++k)
      columns += fmt::format("{}{} AS k{}", k == 0 ? "" : ", ", name(table, table.root[k]), k);
    return fmt::format("SELECT {}{} FROM {} AS t", columns, more, table.quoted);
  }

  /// How many rows a table has of each document, and whether one of them was written by a
  /// transaction that had not ended when this object was made. Numbers of transactions come round
  /// after four thousand millions: a row that an equal number wrote long ago is taken for new,
  /// which costs a look at it.
  std::string grouped(const PgComparedTable& table) const {
    const std::string written = fmt::format(
        ", (t.xmin::text::bigint - ({0}::bigint % 4294967296) + 4294967296) % 4294967296 <= "
        "pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint - "
        "{0}::bigint AS w",
        oldest_);
    return fmt::format(
        "SELECT {0}, pg_catalog.count(*) AS n, pg_catalog.bool_or(w) AS m FROM ({1}) AS r GROUP BY "
        "{0}",
        key_list(width_), keys_of(table, written));
  }

  void insert(std::span<const SeenKey> keys) {
    std::vector<ArrayText> texts(width_);
    ArrayText ids, rows;
    for (const SeenKey& key : keys) {
      for (size_t k = 0; k < width_; ++k) key.key[k] ? texts[k].text(*key.key[k]) : texts[k].null();
      ids.text(to_hex(as_bytes(key.id)));
      key.rows.empty() ? rows.null() : rows.text(fmt::format("{{{}}}", fmt::join(key.rows, ",")));
    }
    PgParams params;
    std::string arrays, casts;
    for (size_t k = 0; k < width_; ++k) {
      params.emplace_back(texts[k].finish());
      arrays += fmt::format("pg_catalog.unnest(${}::text[]), ", k + 1);
      casts += fmt::format("u.k{}::{}, ", k, tables_.front().stored[tables_.front().key[k]].type);
    }
    params.emplace_back(ids.finish());
    params.emplace_back(rows.finish());
    const std::lock_guard lock(mutex_);
    session_->query(
        fmt::format("INSERT INTO {} SELECT {}pg_catalog.decode(u.id, 'hex'), u.rows::bigint[] FROM "
                    "ROWS FROM ({}pg_catalog.unnest(${}::text[]), pg_catalog.unnest(${}::text[])) "
                    "AS u({}, id, rows)",
                    kSeen, casts, arrays, width_ + 1, width_ + 2, key_list(width_)),
        params);
  }

  /// The lock is not held while `use` runs: it may add keys.
  void each_row(const std::string& sql, const std::function<void(const PgRows&, size_t)>& use) {
    {
      const std::lock_guard lock(mutex_);
      session_->execute(fmt::format("ANALYZE {}", kSeen));
      session_->execute("DECLARE lugger_looked NO SCROLL CURSOR FOR " + sql);
    }
    for (;;) {
      std::unique_lock lock(mutex_);
      const PgRows rows = session_->query(fmt::format("FETCH {} FROM lugger_looked", kPageRows));
      if (rows.size() == 0) {
        session_->execute("CLOSE lugger_looked");
        return;
      }
      lock.unlock();
      for (size_t i = 0; i < rows.size(); ++i) use(rows, i);
    }
  }

  LentSession session_;
  const PgComparedTables& tables_;
  size_t width_ = 0;
  std::string oldest_;  // transaction: all before it had ended
  std::mutex mutex_;    // guards the session
};

}  // namespace

std::unique_ptr<SeenKeys> make_pg_seen_keys(const std::string& url, bool pooled,
                                            const PgComparedTables& tables) {
  return std::make_unique<PgSeenKeys>(url, pooled, tables);
}

}  // namespace lugger
