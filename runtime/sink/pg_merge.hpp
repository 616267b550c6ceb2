// The SQL that merges staged rows into the tables, by on_conflict. Counts are per document and
// exact:
//   inserted   a row of the document is new
//   updated    a stored row differed and was set, or its child rows differed and were replaced
//   (update, newer); under `update` also a
//              document that a later one of the same unit with the same key superseded
//   skipped    a stored row differs and stays (skip), is as new or newer (newer), or an equal key
//   came earlier in the unit unchanged  the stored row and its child rows are as the document says
#pragma once
#include "sink/pg_layout.hpp"

namespace lugger {

/// Numbers in the outcome relation; a document with several rows counts as the least of theirs.
enum class Outcome : int { kInserted = 1, kUpdated = 2, kSkipped = 3, kUnchanged = 4 };

/// Writes statements against relations "stage t" (seq, doc, c0..cn) and "outcome" (doc, k, outcome,
/// winner, wrote). They are temporary tables, or common table expressions over parameters; then
/// `with` leads each statement.
class MergeSql {
 public:
  enum class Relations : uint8_t { kTemporary, kExpressions };
  MergeSql(const std::vector<PgTableLayout>& tables, OnConflict on_conflict, Relations relations)
      : tables_(tables), on_conflict_(on_conflict), relations_(relations) {}

  std::string stage(size_t table) const;
  std::string outcome() const;
  /// INSERT of all staged rows: on_conflict = error, or no key.
  std::string insert(size_t table) const;
  /// Upsert of an own table: common table expressions, and the SELECT of (doc, k, outcome, winner,
  /// wrote).
  std::string upsert_with(size_t table) const;
  std::string upsert_outcome(size_t table) const;
  /// SELECT of (doc, k) of documents whose child rows in this table are not as stored.
  std::string differing_children(size_t table) const;
  /// DELETE of the child rows of parents that were updated.
  std::string remove_children(size_t table) const;
  /// INSERT of the child rows of parents that were written.
  std::string insert_children(size_t table) const;

 private:
  std::string roots() const;
  static std::string key_text(std::string_view alias, const std::vector<size_t>& fields);
  std::string conflict_action(const PgTableLayout& layout) const;
  std::string winners(size_t table) const;
  const std::vector<PgTableLayout>& tables_;
  OnConflict on_conflict_;
  Relations relations_;
};

/// Names of the temporary tables, with their schema.
std::string stage_table(size_t table);
inline constexpr std::string_view kOutcomeTable = "pg_temp.lugger_outcome";

}  // namespace lugger
