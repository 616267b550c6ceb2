// One way of bringing documents into tables, inside a transaction that is open: direct COPY,
// staging and merge, or statements.
#pragma once
#include <memory>
#include <vector>

#include "net/pg_session.hpp"
#include "plan/mapping.hpp"
#include "plan/tally.hpp"
#include "sink/pg_layout.hpp"
#include "sink/pg_unit.hpp"

namespace lugger {

/// What loaders share: one worker's session and how its tables lie.
struct PgLoad {
  PgSession& session;
  const PlanShape& plan;
  std::vector<PgTableLayout> tables;
  bool pooled = false;
  std::vector<uint8_t> marks = {};  // scratch of count_rowless()
};

class PgLoader {
 public:
  explicit PgLoader(PgLoad& load) : load_(load) {}
  virtual ~PgLoader() = default;

  /// What must stand before the first transaction of the session: temporary tables. No transaction
  /// is open.
  virtual void prepare() {}
  /// A new transaction has begun, or (again) an earlier load of the same transaction is done with.
  virtual void start(bool again) = 0;
  /// Takes documents [first, last); calls follow each other without gap or overlap.
  virtual void write(const UnitDocuments& unit, size_t first, size_t last) = 0;
  /// Brings in what was written and counts it: documents by outcome, rows.
  virtual void finish(const UnitDocuments& unit, Tally& tally) = 0;
  /// Forgets what was written; the transaction or savepoint is about to be rolled back.
  virtual void abort() noexcept = 0;
  /// The document a refusal names; unit.size(): it names none.
  virtual size_t guilty(const UnitDocuments& unit, const Error& error) const = 0;

 protected:
  PgLoad& load_;
};

/// Documents in [first, last) that have no row in the document's own tables. They load nothing
/// themselves: inserted when a child row of theirs goes in, skipped otherwise.
struct RowlessCount {
  uint64_t with_children = 0, without = 0, with_rows = 0;
};
RowlessCount count_rowless(PgLoad& load, const UnitDocuments& unit, size_t first, size_t last);

/// COPY straight into the tables: every row is new.
std::unique_ptr<PgLoader> make_direct_loader(PgLoad& load);
/// COPY into temporary tables, then a merge by on_conflict.
std::unique_ptr<PgLoader> make_staged_loader(PgLoad& load);
/// One statement a batch and table, no COPY, no temporary tables.
std::unique_ptr<PgLoader> make_statement_loader(PgLoad& load);

}  // namespace lugger
