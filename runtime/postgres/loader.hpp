// The ways to load documents into tables, inside an open transaction: direct COPY, staging and
// merge, or statements.
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

/// The way of loading. The engine and the ledger use its word.
enum class PgLoadMode : uint8_t { kDirect, kStaged, kStatement };
inline constexpr std::array<std::string_view, 3> kPgLoadModeWords = {"direct", "staged",
                                                                     "statement"};

/// What loaders share: one worker's session and the layout of its tables.
struct PgLoad {
  PgSession& session;
  const PlanShape& plan;
  std::vector<PgTableLayout> tables;
  bool pooled = false;
  std::vector<uint8_t> marks = {};  // memory that count_own_rows() reuses
};

class PgLoader {
 public:
  explicit PgLoader(PgLoad& load) : load_(load) {}
  virtual ~PgLoader() = default;

  /// Creates temporary tables that several transactions of the session can share. Call it outside a
  /// transaction, or in one that loads several units. Otherwise each transaction creates its own.
  virtual void prepare() {}
  /// Call this when a new transaction has begun, or (`again`) when an earlier load in the same
  /// transaction has been finished or aborted.
  virtual void start(bool again) = 0;
  /// Takes documents [first, last). Successive calls must not leave gaps or overlap.
  virtual void write(const UnitDocuments& unit, size_t first, size_t last) = 0;
  /// Loads what was written, and adds documents by outcome and rows to the tally.
  virtual void finish(const UnitDocuments& unit, Tally& tally) = 0;
  /// Drops the temporary tables of the open transaction, so that another loader can make its own in
  /// it. Call it after finish().
  virtual void release() {}
  /// Discards what was written. The caller is about to roll back the transaction or savepoint.
  virtual void abort() noexcept = 0;
  /// The document that an error of the server names; unit.size(): it names none.
  virtual size_t guilty(const UnitDocuments& unit, const Error& error) const = 0;

 protected:
  PgLoad& load_;
};

/// Numbers of documents in [first, last) to be loaded, with and without a row in the document's own
/// tables. A hook may have removed that row; then nothing of the document is loaded, child rows
/// neither. `elsewhere`: those with a row that are counted by rows in another plan's unit.
struct OwnRows {
  uint64_t with = 0, without = 0, elsewhere = 0;
};
OwnRows count_own_rows(PgLoad& load, const UnitDocuments& unit, size_t first, size_t last);

/// True when the server reports the outcome of each row. Otherwise every row is inserted and the
/// server's count is used.
bool tells_outcomes(const PgLoad& load);
/// Counts documents whose rows were all inserted except `kept_out` rows. Without a key the
/// documents of those rows are unknown, so the same number of documents counts as suppressed.
void count_insert(uint64_t documents, uint64_t kept_out, Tally& tally);
void count_outcome(Outcome outcome, uint64_t documents, Tally& tally);
/// Runs a statement and rolls back its effects.
PgRows rehearse(PgSession& session, const std::string& sql, const PgParams& params = {});
/// The outcome of a row that the server accepts but that changes nothing, because the stored row is
/// equal or newer.
Outcome of_taken(OnConflict policy) noexcept;
/// The outcome of an equal row with different child rows, which are replaced or stay, by policy.
Outcome of_other_children(OnConflict policy) noexcept;
/// Runs a statement that looks for child rows of many documents. Where there is no index for the
/// rows of one document, a single pass over the table finds all of them. The server does not know
/// the number of documents and might otherwise choose one pass for each.
PgRows query_children(PgSession& session, const PgTableLayout& child, const std::string& sql,
                      const PgParams& params = {});
/// The single number that a query returned; `otherwise` for NULL.
int number_or(const PgRows& rows, int otherwise);

/// Thrown by a direct load when a key already exists or rows were suppressed. Staging resolves the
/// first and reports the second.
struct NeedsStaging {
  bool kept_out;
};

/// COPY directly into the tables: every row is new.
std::unique_ptr<PgLoader> make_direct_loader(PgLoad& load);
/// COPY into temporary tables, then a merge by on_conflict. `choose` is called between the two. It
/// removes rows that must not be merged; only the outcomes of the remaining rows are counted.
std::unique_ptr<PgLoader> make_staged_loader(PgLoad& load, std::function<void()> choose = {});
/// One statement for each batch and table, without COPY and temporary tables.
std::unique_ptr<PgLoader> make_statement_loader(PgLoad& load);

}  // namespace lugger
