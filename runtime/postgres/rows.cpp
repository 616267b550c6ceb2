#include "postgres/rows.hpp"

#include "postgres/catalog.hpp"
#include "postgres/compared_reader.hpp"
#include "postgres/compared_values.hpp"
#include "postgres/row_eraser.hpp"
#include "postgres/seen_keys.hpp"
#include "postgres/session_pool.hpp"

namespace lugger {

namespace {

class PgStoredRows final : public Rows {
 public:
  PgStoredRows(std::string url, bool pooled, std::shared_ptr<void> keep)
      : url_(std::move(url)), pooled_(pooled), keep_(std::move(keep)) {}

  std::unique_ptr<RowsLook> look(const PlanShape& plan) override {
    return make_pg_look(url_, pooled_, plan, tables_);
  }
  uint64_t count(size_t table) override {
    const LentSession session = SessionPool::of(url_)->lend("verify", pooled_);
    return std::stoull(
        session->query("SELECT pg_catalog.count(*) FROM " + tables_[table].quoted).text(0, 0));
  }
  std::unique_ptr<TargetValues> values() override { return make_pg_values(url_, pooled_, tables_); }
  std::unique_ptr<RowSnapshot> snapshot(int readers) override {
    return make_pg_snapshot(url_, pooled_, readers, tables_);
  }
  std::unique_ptr<SeenKeys> seen_keys() override {
    return make_pg_seen_keys(url_, pooled_, tables_);
  }
  std::unique_ptr<RowEraser> eraser() override {
    return make_pg_row_eraser(url_, pooled_, tables_);
  }
  /// Rows of shards on two servers may have the same tableoid and ctid, so they are identified by
  /// their key.
  std::string why_not_erase(size_t table) override {
    PgSession session(url_, "repair", pooled_);
    const std::optional<PgTable> actual = inspect_table(session, tables_[table].name);
    if (!actual || !actual->distributed) return {};
    std::vector<std::string> key;
    for (const size_t k : tables_[table].key) key.push_back(tables_[table].columns[k].name);
    if (actual->unique_on(key)) return {};
    return "Citus distributes it, and no unique index tells its rows apart by their key";
  }

 private:
  std::string url_;
  bool pooled_;
  std::shared_ptr<void> keep_;
  PgComparedTables tables_;
};

}  // namespace

std::unique_ptr<Rows> make_pg_rows(std::string url, bool pooled, std::shared_ptr<void> keep) {
  return std::make_unique<PgStoredRows>(std::move(url), pooled, std::move(keep));
}

}  // namespace lugger
