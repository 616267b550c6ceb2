// Keys whose equality only the server knows: citext, a collation that ignores case, 0 and -0, '1
// day' and '24 hours'. Its own hashes stand for them, which are equal whenever the keys are.
#pragma once
#include "place/compared.hpp"
#include "plan/batch.hpp"
#include "postgres/catalog.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// Decides by the catalog which columns of the table's key are compared by the server's hash.
/// `own`: of a child, the table of its documents' own rows, whose hashes the child's root needs;
/// null: the table is one. Columns whose type has no hash are named in a note.
void bind_key_hashes(PgSession& session, const PgTable& actual, const ComparedTable* own,
                     ComparedTable& table, std::vector<std::string>& notes);

/// SQL: the hash of an expression of the column's type, as text.
std::string key_hash_sql(const KeyHash& hash, const std::string& expression);

/// The hashes of the source's keys, a batch at a time. Belongs to one worker.
class KeyHashes {
 public:
  KeyHashes(PgSession& session, const std::vector<ComparedTable>& tables);
  /// Asks the server for those of every row that loads; what ServerText does has been done.
  void make(Batch& batch);
  const Value& of(const ComparedTable& table, size_t row, size_t column) const {
    const auto hash = static_cast<size_t>(table.columns[column].hash);
    return hashes_[table.table][row * table.hashes.size() + hash];
  }

 private:
  void make(Batch& batch, const ComparedTable& table, size_t column);
  PgSession& session_;
  const std::vector<ComparedTable>& tables_;
  std::vector<std::vector<Value>> hashes_;  // by table of the plan, then by row and hash
  std::vector<size_t> rows_;                // with a value, of the column under way
};

}  // namespace lugger
