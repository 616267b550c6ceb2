// Matches the plan's tables with the database's: which slots are written, with which types and
// under which names.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "postgres/catalog.hpp"
#include "postgres/copy_rows.hpp"

namespace lugger {

/// One column that is written.
struct PgField {
  size_t slot = 0;           // in the row of the plan
  std::string column;        // as in the catalog
  std::string name;          // quoted
  std::string plan_type;     // type of the staging column ("text" for types that we do
                             // not encode), with a collation where that changes "="
  std::string cast;          // "::inet", from staging to the column; "" when the types agree
  std::string compare_cast;  // the same with modifier and collation: stored values and
                             // other staged values are compared with it, by the column's "="
  std::string collate;       // " COLLATE x" of compare_cast: equal values may have different bytes
  std::string root_cast;     // children: "::citext", from the stored column to the root key's type
                             // where the two share no equality
  bool update = true;        // part of SET and of the comparison; not so key columns, and values
                             // that change on every write
  bool text_key = false;     // text: sorted by bytes, which is faster and sufficient
  EncodeField encode = nullptr;  // of the staging column's type
};

struct PgTableLayout {
  std::string name;   // as in scripts
  std::string table;  // quoted
  std::vector<PgField> fields;
  std::vector<size_t> key;       // indices into fields
  std::vector<size_t> root_key;  // children: the fields that hold the key of the document's own row
  bool own = true;               // one of the document's own tables, not a child
  int depth = 0;
  bool mend = false;             // Mapping::mend
  bool identity_always = false;  // INSERT needs OVERRIDING SYSTEM VALUE
  bool has_xmax = true;          // xmax tells whether a row is new; only in ordinary tables
  bool distributed = false;      // by Citus
  bool guarded = false;          // triggers or row security may suppress rows or change their key
  bool in_place = false;         // children: a row can be updated in place without affecting others
  bool rules = false;            // rules decide what an INSERT does
  bool found_by_root = true;     // children: there is an index for the rows of a root key
  bool foreign_types = false;    // a column has a type that only the server can cast to
  std::string foreign_reason;    // names the first such column
  std::string newer;             // staging name of the kNewer field

  std::string column_list() const;  // quoted names, comma separated
};

/// Matches the plan's tables with the database's. A missing table is treated as if the plan had
/// created it.
std::vector<PgTableLayout> make_layout(PgSession& session, const PlanShape& plan);
/// The same for tables and types that were inspected before; tables in the plan's order.
std::vector<PgTableLayout> make_layout(PgSession& session, const PlanShape& plan,
                                       const std::vector<std::optional<PgTable>>& tables,
                                       TypeOids& types);
/// The types of the columns of the plan's tables, as they are spelled there.
std::vector<std::string> written_types(const PlanShape& plan);

/// The columns of a child table that identify the document of a row.
std::vector<std::string> root_key_names(const PlanShape& plan, const TablePlan& child);
/// True when the child's table has an index on them. Other relations than ordinary tables are
/// assumed to have one.
bool finds_by_root(const PlanShape& plan, const TablePlan& child, const PgTable& actual);
/// True for columns written by COPY: all except those that the server generates.
bool is_written(const Column& column) noexcept;
/// Name of a field in the staging table: "c0", "c1" and so on, so that it cannot clash with a
/// user's column.
std::string stage_column(size_t field);

/// True when values of the field that the server finds equal have the same bytes and the same text.
bool equal_by_bytes(const PgField& field, const ColumnType& type) noexcept;

/// The comment of tables that lugger has created but not finished: rows are loaded into them
/// directly, and finishing adds their keys.
inline constexpr std::string_view kUnfinishedComment = "lugger: load not finished";

}  // namespace lugger
