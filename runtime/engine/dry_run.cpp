#include "engine/dry_run.hpp"

#include "place/books.hpp"

namespace lugger {

namespace {

class DryRunSink final : public RowSink {
 public:
  void write(Batch& batch) override {
    for (const Fate fate : batch.fates) {
      loaded_ += fate == Fate::kLoad ? 1 : 0;
      deleted_ += fate == Fate::kDelete ? 1 : 0;
    }
    for (size_t table = 0; table < batch.tables.size(); ++table) {
      const RowSet& rows = batch.tables[table];
      for (size_t i = 0; i < rows.rows(); ++i) {
        const Fate fate = batch.fates[rows.document(i)];
        if (rows.live(i) && (fate == Fate::kLoad || fate == Fate::kLoadAlso)) ++rows_;
      }
    }
  }
  void commit(UnitRecord& unit) override {
    unit.tally.inserted += loaded_;
    unit.tally.deleted += deleted_;
    unit.tally.rows += rows_;
    unit.tally.child_rows += rows_ > loaded_ ? rows_ - loaded_ : 0;
    check_books(unit.tally);
    rollback();
  }
  void rollback() noexcept override { loaded_ = deleted_ = rows_ = 0; }

 private:
  uint64_t loaded_ = 0, deleted_ = 0, rows_ = 0;
};

}  // namespace

std::unique_ptr<RowSink> dry_run_sink() { return std::make_unique<DryRunSink>(); }

}  // namespace lugger
