// How the plan's tables are compared with the database's: which columns, in which form, by which
// key.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "postgres/catalog.hpp"
#include "verify/canonical.hpp"

namespace lugger {

struct ComparedColumn {
  size_t slot = 0;  // in the plan's row
  std::string name;
  ColumnType type;  // of the mapping
  CompareAs as;     // kOther: as text that the server makes on both sides
  bool by_server = false;
  std::string via, cast;  // by_server: text is read as `via`, then cast: "int4", "::public.money"
  std::string stored;     // the column's type in the database, without its modifier
  uint32_t oid = 0;       // of the field as it is read from the target
  ValueType reads_as = ValueType::kPgText;
};

struct ComparedTable {
  size_t table = 0;  // in the plan
  std::string name, quoted;
  bool own = true;
  bool ranges = false;  // can be read in parts, by the place of its rows
  std::vector<ComparedColumn> columns;
  std::vector<size_t> key;   // indices into columns; empty: rows are compared as a multiset
  std::vector<size_t> root;  // of these, the key of the document's own row
  // Of a document's own table: plan slot of the column that says which row is newer.
  int newer = -1;
  // The same column's index in columns, where lugger orders its values as the server does.
  int newer_compared = -1;
  // No two values of it share a rank.
  bool newer_exact = false;
  std::vector<std::string> left_out;  // columns that are not compared: filled by the server

  const ComparedColumn* column(std::string_view column_name) const noexcept;
};

/// A column that is not what the mapping says. No value needs to be read to know.
struct ColumnFinding {
  std::string table, column, wanted, found;  // found: "" when the column is missing
};

struct Comparison {
  std::vector<ComparedTable> tables;
  std::vector<ColumnFinding> altered;
  std::vector<std::string> notes;
};

/// `only`: names of the columns to compare besides keys; empty: all. Error{verify} for a table that
/// is missing or must not be read, Error{config} for an unknown column in `only`.
Comparison make_comparison(PgSession& session, const PlanShape& shape,
                           const std::vector<std::string>& only);

/// SELECT of the compared columns, those compared by the server as text. `condition`: "" or SQL.
/// `places`: with tableoid and ctid in front.
std::string select_compared(const ComparedTable& table, const std::string& condition,
                            bool places = false);

}  // namespace lugger
