// Rows of compared tables, read by COPY BINARY from sessions that share a snapshot.
#pragma once
#include "base/arena.hpp"
#include "postgres/binary_copy.hpp"
#include "postgres/compared.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// Where a row lies: good while the snapshot that showed it is.
struct RowPlace {
  uint32_t table = 0;  // its oid: of a partition, or of a table that inherits
  uint32_t page = 0;
  uint16_t item = 0;
};

/// Rows of one SELECT of a table's compared columns.
class ComparedReader {
 public:
  explicit ComparedReader(PgSession& session, bool places = false)
      : session_(session), places_(places) {}
  /// `condition`: SQL, or "". use(StoredRow, RowPlace) is true until no more is wanted. False: that
  /// came before the end.
  template <typename Use>
  bool read(const PgComparedTable& table, const std::string& condition, Use&& use) {
    BinaryCopy rows = start(table, condition);
    for (Bytes tuple; rows.next(tuple);) {
      decode(table, tuple);
      if (use(StoredRow{table.table, values_, hashes_}, place_)) continue;
      session_.cancel();
      return false;
    }
    return true;
  }

 private:
  BinaryCopy start(const PgComparedTable& table, const std::string& condition);
  void decode(const PgComparedTable& table, Bytes tuple);

  PgSession& session_;
  bool places_;
  Arena arena_;
  std::vector<Value> values_, hashes_;
  RowPlace place_;
};

/// Sessions in transactions that see the same rows. Through a pooler, where a session's snapshot
/// cannot be lent, there is one.
std::unique_ptr<RowSnapshot> make_pg_snapshot(const std::string& url, bool pooled, int readers,
                                              const PgComparedTables& tables);

}  // namespace lugger
