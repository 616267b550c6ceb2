// One way of bringing documents into tables, inside a transaction that is open: direct COPY,
// staging and merge, or statements.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "plan/mapping.hpp"
#include "plan/tally.hpp"
#include "postgres/merge.hpp"
#include "postgres/session.hpp"
#include "postgres/unit.hpp"

namespace lugger {

/// One for each way. Engine and ledger carry its word.
enum class PgLoadMode : uint8_t { kDirect, kStaged, kStatement };
inline constexpr std::array<std::string_view, 3> kPgLoadModeWords = {"direct", "staged",
                                                                     "statement"};

/// What loaders share: one worker's session and how its tables lie.
struct PgLoad {
  PgSession& session;
  const PlanShape& plan;
  std::vector<PgTableLayout> tables;
  bool pooled = false;
  std::vector<uint8_t> marks = {};  // scratch of count_own_rows()
};

class PgLoader {
 public:
  explicit PgLoader(PgLoad& load) : load_(load) {}
  virtual ~PgLoader() = default;

  /// Makes what several transactions of the session can share: temporary tables. No transaction is
  /// open, or one in which several units are loaded. Without it each transaction makes its own.
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

/// Documents in [first, last) that are to be loaded, with and without a row in the document's own
/// tables. Without one there is nothing to load, child rows neither: a hook took it away.
struct OwnRows {
  uint64_t with = 0, without = 0;
};
OwnRows count_own_rows(PgLoad& load, const UnitDocuments& unit, size_t first, size_t last);

/// Are outcomes told row by row? Otherwise every row is inserted and the server's count is taken.
bool tells_outcomes(const PgLoad& load);
/// Documents of which all rows were inserted but `kept_out`. Without a key nobody can say whose
/// those were: as many documents count as suppressed.
void count_insert(uint64_t documents, uint64_t kept_out, Tally& tally);
void count_outcome(Outcome outcome, uint64_t documents, Tally& tally);
/// Runs a statement and takes back what it did.
PgRows rehearse(PgSession& session, const std::string& sql, const PgParams& params = {});
/// What a row is that the server takes, and that left what stands as it was: as old, or equal.
Outcome of_taken(OnConflict policy) noexcept;
/// What an equal row is whose child rows are others: they are replaced, or stay.
Outcome of_other_children(OnConflict policy) noexcept;
/// A statement that looks for child rows of many documents. Where no index finds those of one, a
/// single pass over the table finds all: the server, which does not know how many documents there
/// are, might make one pass for each.
PgRows query_children(PgSession& session, const PgTableLayout& child, const std::string& sql,
                      const PgParams& params = {});
/// The one number a query gave; `otherwise`: it is NULL.
int number_or(const PgRows& rows, int otherwise);

/// Thrown by a direct load: a key is taken, or rows were kept out; staging settles the one and
/// tells the other.
struct NeedsStaging {
  bool kept_out;
};

/// COPY straight into the tables: every row is new.
std::unique_ptr<PgLoader> make_direct_loader(PgLoad& load);
/// COPY into temporary tables, then a merge by on_conflict. `choose`: called between the two; takes
/// away rows that are not to be merged, and then only the outcomes of the rest are counted.
std::unique_ptr<PgLoader> make_staged_loader(PgLoad& load, std::function<void()> choose = {});
/// One statement a batch and table, no COPY, no temporary tables.
std::unique_ptr<PgLoader> make_statement_loader(PgLoad& load);

}  // namespace lugger
