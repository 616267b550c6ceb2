#include "postgres/compared_values.hpp"

#include "postgres/key_hashes.hpp"
#include "postgres/server_text.hpp"
#include "postgres/session_pool.hpp"
#include "value/datetime.hpp"

namespace lugger {

namespace {

/// Rounds as the server does: half a unit away from zero; infinity is unchanged.
int64_t rounded_time(int64_t micros, int64_t unit) noexcept {
  if (micros == kInfinityMicros || micros == kMinusInfinityMicros) return micros;
  const int64_t half = unit / 2;
  return micros >= 0 ? (micros + half) / unit * unit : -((-micros + half) / unit * unit);
}

struct Needs {
  bool text = false, hashes = false, rounding = false;
};

Needs needs_of(const PgComparedTables& tables) {
  Needs out;
  for (const PgComparedTable& table : tables) {
    for (const ComparedColumn& column : table.columns) out.text |= column.by_server;
    for (const PgComparedColumn& column : table.stored) out.rounding |= column.unit > 1;
    out.hashes |= table.hashes != 0;
  }
  return out;
}

class PgValues final : public TargetValues {
 public:
  PgValues(const std::string& url, bool pooled, const PgComparedTables& tables, const Needs& needs)
      : tables_(tables) {
    if (!needs.text && !needs.hashes) return;
    session_ = SessionPool::of(url)->lend("verify", pooled);
    if (needs.text) text_ = std::make_unique<ServerText>(*session_, tables);
    if (needs.hashes) hasher_ = std::make_unique<KeyHasher>(*session_, tables);
  }

  void apply(Batch& batch, KeyHashes& hashes) override {
    round_times(batch);
    if (text_) text_->apply(batch);
    if (hasher_) hasher_->make(batch, hashes);
  }

 private:
  /// Rounds to the precision of their columns.
  void round_times(Batch& batch) {
    for (const PgComparedTable& table : tables_) {
      RowSet& rows = batch.tables[table.table];
      for (size_t k = 0; k < table.columns.size(); ++k) {
        const int64_t unit = table.stored[k].unit;
        for (size_t i = 0; i < rows.rows() && unit > 1; ++i) {
          Value& value = rows.row(i)[table.columns[k].slot];
          const bool loads = rows.live(i) && batch.fates[rows.document(i)] == Fate::kLoad;
          if (loads && !value.absent()) value.i64 = rounded_time(value.i64, unit);
        }
      }
    }
  }

  const PgComparedTables& tables_;
  LentSession session_;
  std::unique_ptr<ServerText> text_;
  std::unique_ptr<KeyHasher> hasher_;
};

}  // namespace

std::unique_ptr<TargetValues> make_pg_values(const std::string& url, bool pooled,
                                             const PgComparedTables& tables) {
  const Needs needs = needs_of(tables);
  if (!needs.text && !needs.hashes && !needs.rounding) return nullptr;
  return std::make_unique<PgValues>(url, pooled, tables, needs);
}

}  // namespace lugger
