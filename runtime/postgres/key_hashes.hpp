// Keys whose equality only the server knows: citext, a collation that ignores case, 0 and -0, '1
// day' and '24 hours'. Its own hashes stand for them, which are equal whenever the keys are.
#pragma once
#include "postgres/catalog.hpp"
#include "postgres/compared.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// Decides by the catalog which columns of the table's key are compared by the server's hash.
/// `own`: of a child, the table of its documents' own rows, whose hashes the child's root needs;
/// null: the table is one. Columns whose type has no hash are named in a note.
void bind_key_hashes(PgSession& session, const PgTable& actual, const PgComparedTable* own,
                     PgComparedTable& table, std::vector<std::string>& notes);

/// SQL: the hash of an expression of the column's type, as text.
std::string key_hash_sql(const KeyHash& hash, const std::string& expression);

/// The hashes of the source's keys, a batch at a time. Belongs to one worker.
class KeyHasher {
 public:
  KeyHasher(PgSession& session, const PgComparedTables& tables)
      : session_(session), tables_(tables) {}
  /// Asks the server for those of every row that loads; what ServerText does has been done.
  void make(Batch& batch, KeyHashes& out);

 private:
  void make(Batch& batch, const PgComparedTable& table, size_t column, std::vector<Value>& out);
  PgSession& session_;
  const PgComparedTables& tables_;
  std::vector<size_t> rows_;  // with a value, of the column under way
};

}  // namespace lugger
