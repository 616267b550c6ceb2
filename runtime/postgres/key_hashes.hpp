// Keys whose equality only the server knows: citext, a collation that ignores case, 0 and -0, '1
// day' and '24 hours'. They are compared by the server's own hashes, which are equal for equal
// keys.
#pragma once
#include "postgres/catalog.hpp"
#include "postgres/compared.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// Finds out from the catalog which columns of the table's key are compared by the server's hash.
/// `own`: for a child table, its document's own table, whose hashes the child's root needs; null:
/// this is an own table. Adds a note for columns whose type has no hash.
void bind_key_hashes(PgSession& session, const PgTable& actual, const PgComparedTable* own,
                     PgComparedTable& table, std::vector<std::string>& notes);

/// SQL: the hash, as text, of an expression of the column's type.
std::string key_hash_sql(const KeyHash& hash, const std::string& expression);

/// Makes the hashes of the source's keys, one batch at a time. Belongs to one worker.
class KeyHasher {
 public:
  KeyHasher(PgSession& session, const PgComparedTables& tables)
      : session_(session), tables_(tables) {}
  /// Asks the server for the hashes of all rows that load. ServerText must have been applied
  /// before.
  void make(Batch& batch, KeyHashes& out);

 private:
  void make(Batch& batch, const PgComparedTable& table, size_t column, std::vector<Value>& out);
  PgSession& session_;
  const PgComparedTables& tables_;
  std::vector<size_t> rows_;  // rows with a value in the current column
};

}  // namespace lugger
