// How the database stores the tables and columns that are compared with the plan's.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "place/rows.hpp"
#include "postgres/vectors_types.hpp"

namespace lugger {

/// What the database knows about a compared column.
struct PgComparedColumn {
  std::string type;       // without type modifier
  std::string via, cast;  // by_server: text is read as `via`, then cast: "int4", "::public.money"
  uint32_t oid = 0;       // of the field as it is read
  ValueType reads_as = ValueType::kPgText;
  VectorsWire wire = VectorsWire::kNone;
  int64_t unit = 1;  // of times: the column rounds to this many microseconds
};

/// A key column that is represented by the server's hash in every digest, so that values which the
/// server finds equal have equal digests.
struct KeyHash {
  size_t column = 0;
  std::string type, collation;  // of the hashed expression; quoted, "": none
  bool is_array = false;
};

struct PgComparedTable : ComparedTable {
  std::string quoted;
  bool ranges = false;  // can be read in parts, by the place of its rows
  bool spread = false;  // distributed over servers: a row's place is not unique, its key is
  std::vector<PgComparedColumn> stored;  // one for each compared column
  std::vector<KeyHash> key_hashes;
  // SQL: the rows whose key another row has too; "" where a unique index prevents them.
  std::string doubled;
};

/// One for each table of the plan.
using PgComparedTables = std::vector<PgComparedTable>;

/// Fills `out` through a session of its own. `out` and the plan must outlive the look.
std::unique_ptr<RowsLook> make_pg_look(const std::string& url, bool pooled, const PlanShape& plan,
                                       PgComparedTables& out);

}  // namespace lugger
