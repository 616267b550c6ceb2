// Rows of compared tables, read by COPY BINARY from sessions that share a snapshot.
#pragma once
#include "base/arena.hpp"
#include "postgres/binary_copy.hpp"
#include "postgres/compared.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// The place of a row (tableoid, ctid). Valid only with the snapshot it was read in.
struct RowPlace {
  uint32_t table = 0;  // its oid: of a partition or an inheriting table
  uint32_t page = 0;
  uint16_t item = 0;
};

/// Reads the rows of one SELECT of a table's compared columns.
class ComparedReader {
 public:
  explicit ComparedReader(PgSession& session, bool places = false)
      : session_(session), places_(places) {}
  /// `condition`: SQL, or "". use(StoredRow, RowPlace) returns false when it wants no more rows;
  /// then this returns false too.
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

/// Opens sessions whose transactions see the same rows. Through a pooler a snapshot cannot be
/// exported, so there is only one session.
std::unique_ptr<RowSnapshot> make_pg_snapshot(const std::string& url, bool pooled, int readers,
                                              const PgComparedTables& tables);

}  // namespace lugger
