// How the database has the tables and columns that are compared with the plan's.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "place/rows.hpp"

namespace lugger {

/// What the database adds to a compared column.
struct PgComparedColumn {
  std::string type;       // without its modifier
  std::string via, cast;  // by_server: text is read as `via`, then cast: "int4", "::public.money"
  uint32_t oid = 0;       // of the field as it is read
  ValueType reads_as = ValueType::kPgText;
  int64_t unit = 1;  // of times: microseconds that the column rounds to
};

/// A key column that the server's hash stands for, in every digest: values that the server calls
/// equal are equal.
struct KeyHash {
  size_t column = 0;
  std::string type, collation;  // that it is taken in; quoted, "": without one
  bool is_array = false;
};

struct PgComparedTable : ComparedTable {
  std::string quoted;
  bool ranges = false;  // can be read in parts, by the place of its rows
  bool spread = false;  // over servers: a row's place does not name it, its key does
  std::vector<PgComparedColumn> stored;  // one a compared column
  std::vector<KeyHash> key_hashes;
  // SQL: the rows whose key another row has, too; "" where an index rules them out.
  std::string doubled;
};

/// One a table of the plan.
using PgComparedTables = std::vector<PgComparedTable>;

/// Fills `out`, which like the plan lives longer. By a session of its own.
std::unique_ptr<RowsLook> make_pg_look(const std::string& url, bool pooled, const PlanShape& plan,
                                       PgComparedTables& out);

}  // namespace lugger
