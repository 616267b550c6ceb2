// Text that only the server can make: values of types that lugger cannot format are cast by the
// server and read back as text, one batch at a time.
#pragma once
#include "plan/batch.hpp"
#include "postgres/compared.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// Throws the server's error when it cannot cast from one type to the other for any value. `cast`:
/// "::public.money".
void require_cast(PgSession& session, const std::string& from, const std::string& cast);

class ServerText {
 public:
  ServerText(PgSession& session, const PgComparedTables& tables)
      : session_(session), tables_(tables) {}
  /// Replaces each such value by the server's text. A document with a value that the server refuses
  /// is refused here too, as it was during the load.
  void apply(Batch& batch);

 private:
  void apply(Batch& batch, const PgComparedTable& table, size_t column);
  void convert(Batch& batch, const PgComparedTable& table, size_t column, size_t first,
               size_t last);
  PgSession& session_;
  const PgComparedTables& tables_;
  std::vector<size_t> rows_;  // rows with a value in the current column
};

}  // namespace lugger
