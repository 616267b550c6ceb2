// What only the server can spell: values of types without a form of ours, cast there and read back
// as text, a batch at a time.
#pragma once
#include "plan/batch.hpp"
#include "postgres/compared.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// Throws what the server says when it cannot cast from one type to the other, whatever the value.
/// `cast`: "::public.money".
void require_cast(PgSession& session, const std::string& from, const std::string& cast);

class ServerText {
 public:
  ServerText(PgSession& session, const PgComparedTables& tables)
      : session_(session), tables_(tables) {}
  /// Puts the server's text in the place of each such value. A document with a value that the
  /// server refuses is refused here too, as it was when it was loaded.
  void apply(Batch& batch);

 private:
  void apply(Batch& batch, const PgComparedTable& table, size_t column);
  void convert(Batch& batch, const PgComparedTable& table, size_t column, size_t first,
               size_t last);
  PgSession& session_;
  const PgComparedTables& tables_;
  std::vector<size_t> rows_;  // with a value, of the column under way
};

}  // namespace lugger
