// The SQL that merges staged rows into the tables, by on_conflict. A document does what it would do
// if it came alone when its turn comes, in the order of the source:
//   inserted    a row of the document is new
//   updated     a row that stood there differed and was set, or its child rows differed and were
//               replaced (update, newer); child rows that are as they come stay
//   skipped     a row that stood there, or its child rows, differ and stay (skip; newer, when the
//               row is as new)
//   unchanged   the row and its child rows are as the document says
//   suppressed  the server did not take a row, and no error said so: a trigger, a rule, or row
//               security
// One statement cannot set a row twice. So rows of one key take turns: the first of each key, then
// the second, and so on; each turn is a merge of its own. Most units have one.
#pragma once
#include "postgres/layout.hpp"

namespace lugger {

/// Numbers in the outcome relation; a document with several rows counts as the least of theirs.
enum class Outcome : int {
  kSuppressed = 0,
  kInserted = 1,
  kUpdated = 2,
  kSkipped = 3,
  kUnchanged = 4,
  kUnsure = 5  // not taken, and it stands otherwise: rehearse() tells
};

/// Writes statements against relations "stage t" (seq, doc, turn, c0..cn) and "outcome" (turn, doc,
/// k, outcome, wrote, others, gone); k: the texts of the own row's key as it was staged, an array;
/// others: its child rows differ and are replaced; gone: some of those stored do not come again. They
/// are temporary tables, or common table
/// expressions over parameters; then `with` leads each statement. The temporary table of outcomes
/// holds no row of what is unchanged.
class MergeSql {
 public:
  enum class Relations : uint8_t { kTemporary, kExpressions };
  MergeSql(const std::vector<PgTableLayout>& tables, OnConflict on_conflict, Relations relations)
      : tables_(tables), on_conflict_(on_conflict), relations_(relations) {}

  std::string stage(size_t table) const;
  std::string outcome() const;
  /// INSERT of all staged rows: on_conflict = error, or no key.
  std::string insert(size_t table) const;
  /// SELECT of how many rows of an own table share a key, at most.
  std::string most_of_a_key(size_t table) const;
  /// SELECT of (seq, turn) of rows that are not the first of their key.
  std::string turns(size_t table) const;
  /// Upsert of an own table: common table expressions, and the SELECT of (turn, doc, k, outcome,
  /// wrote, others, gone). `sorted`: the rows were staged in the order of their keys.
  std::string upsert_with(size_t table, int turn, bool sorted = false) const;
  std::string upsert_outcome(size_t table, int turn) const;
  /// Does the server give back all that it inserts or updates, and only that? Then this is the
  /// SELECT of how many rows were inserted, and how many in all.
  bool counts_itself(size_t table) const;
  std::string upsert_counts() const;
  /// Of rows that are kUnsure: common table expressions and the SELECT of (doc, k) of those that
  /// the server takes when they are set whatever stands there. To be rolled back.
  std::string rehearse(size_t table, int turn) const;
  /// SELECT of (doc, k, gone) of documents whose child rows in this table are not as stored.
  std::string differing_children(size_t table, int turn) const;
  /// INSERT of differing_children() into the temporary table of outcomes; `other` is what becomes of
  /// them. `first`: nothing is told of this turn yet. Otherwise they stand there under -turn, and
  /// settle_marks() brings them together with what is told.
  std::string mark_children(size_t table, int turn, Outcome other, bool first) const;
  std::string settle_marks(int turn) const;
  /// DELETE of the child rows of parents whose child rows are to be replaced; where rows can be set
  /// in place, only of parents some of whose do not come again.
  std::string remove_children(size_t table, int turn) const;
  /// INSERT of the child rows of parents that are new, or whose child rows are to be replaced. Where
  /// rows can be set in place, the latter take an upsert of their own.
  std::string insert_children(size_t table, int turn) const;
  std::string set_children(size_t table, int turn) const;
  /// Where every document is told of already, and its row stood before: DELETE of the child rows that
  /// do not come again, and an upsert of all that come, in place.
  std::string remove_missing_children(size_t table) const;
  std::string set_all_children(size_t table) const;
  /// The same for a guarded table: common table expressions, and the SELECT of (doc, k, taken).
  std::string children_with(size_t table, int turn) const;
  std::string children_taken(size_t table, int turn) const;
  // Against a relation "gone" (doc, the key's columns as staged) of documents that were deleted:
  /// DELETE of their child rows.
  std::string remove_gone_children(size_t table) const;
  /// DELETE of their rows in an own table; gives back their doc.
  std::string remove_gone(size_t table) const;
  /// SELECT of the doc of those whose row stands in an own table.
  std::string standing_of_gone(size_t table) const;
  /// The key's columns of alias s, as they will be stored.
  std::string key_list(const PgTableLayout& layout) const;
  /// Does child row s belong to own row p of the same document?
  std::string of_root(const PgTableLayout& child) const;

 private:
  std::string roots(int turn) const;
  static std::string key_text(std::string_view alias, const std::vector<size_t>& fields);
  std::string conflict_action(const PgTableLayout& layout, bool always) const;
  template <typename Comes>
  std::string beats(const PgTableLayout& layout, Comes&& comes) const;
  static std::string returned_key(const PgTableLayout& layout);
  static std::string same_as_returned(const PgTableLayout& layout);
  std::string conflict_clause(const PgTableLayout& layout) const;
  std::string untaken(const PgTableLayout& layout) const;
  bool gives_back_changes(const PgTableLayout& layout) const;
  std::string stored_of_root(const PgTableLayout& child) const;
  static std::string stored_of_gone(const PgTableLayout& layout);
  std::string of_outcome(const PgTableLayout& child) const;
  std::string same_child(const PgTableLayout& child) const;
  std::string children_of(size_t table, int turn, std::string_view condition) const;
  std::string children_to_insert(size_t table, int turn) const;
  std::string set_children_of(size_t table, const std::string& staged) const;
  const std::vector<PgTableLayout>& tables_;
  OnConflict on_conflict_;
  Relations relations_;
};

/// Names of the temporary tables, with their schema.
std::string stage_table(size_t table);
inline constexpr std::string_view kOutcomeTable = "pg_temp.lugger_outcome";

}  // namespace lugger
