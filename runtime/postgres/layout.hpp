// How the plan's tables meet the database's: which slots are written, as which types, under which
// names.
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
  size_t slot = 0;           // in the plan's row
  std::string column;        // as the catalog has it
  std::string name;          // quoted
  std::string plan_type;     // what the slot encodes: the staging column's type ("text" for types
                             // without an encoder of ours), with the collation where it alters "="
  std::string cast;          // "::inet", from staging to the column; "" when the types agree
  std::string compare_cast;  // the same with the modifier and the collation: what is stored, and
                             // other staged values, are compared with it by the column's equality
  std::string collate;       // " COLLATE x" of compare_cast: equal values may differ in their bytes
  std::string root_cast;     // children: "::citext", from the stored column to the root key's type
                             // where the two share no equality
  bool update = true;        // in SET and in the comparison; key columns and values that change by
                             // themselves are not
  bool text_key = false;     // text: sorted by bytes, which is quicker and as good
};

struct PgTableLayout {
  std::string name;   // as scripts name it
  std::string table;  // quoted
  std::vector<PgField> fields;
  std::vector<size_t> key;       // indices into fields
  std::vector<size_t> root_key;  // children: the fields that hold the key of the document's own row
  bool own = true;               // one of the document's own tables, not a child
  int depth = 0;
  bool mend = false;             // as the mapping says
  bool identity_always = false;  // INSERT needs OVERRIDING SYSTEM VALUE
  bool has_xmax = true;          // rows of ordinary tables alone tell whether they are new
  bool distributed = false;      // by Citus
  bool guarded = false;          // triggers or row security may keep rows out, or under another key
  bool in_place = false;         // children: a row can be set where it stands; no other row minds
  bool rules = false;            // what becomes of an INSERT is said by rules
  bool found_by_root = true;     // children: an index finds the rows of a root key
  bool foreign_types = false;    // a column that only the server can cast to
  std::string foreign_reason;    // names the first of them
  std::string newer;             // field's staging name, kNewer

  std::string column_list() const;  // quoted names, comma separated
};

/// The plan's tables against the database's. A table that does not exist is taken as the plan would
/// create it.
std::vector<PgTableLayout> make_layout(PgSession& session, const PlanShape& plan);
/// The same with tables and types that were inspected already (the tables in the plan's order).
std::vector<PgTableLayout> make_layout(PgSession& session, const PlanShape& plan,
                                       const std::vector<std::optional<PgTable>>& tables,
                                       TypeOids& types);
/// As the columns of the plan's tables spell them.
std::vector<std::string> written_types(const PlanShape& plan);

/// The columns of a child by which the rows of a document are found.
std::vector<std::string> root_key_names(const PlanShape& plan, const TablePlan& child);
/// Has the child's table an index for them? What is no ordinary table is taken to have one.
bool finds_by_root(const PlanShape& plan, const TablePlan& child, const PgTable& actual);
/// Written by COPY: everything but what the server generates.
bool is_written(const Column& column) noexcept;
/// Name of a field in staging: "c0", "c1", ... so that no name of the user's can clash with ours.
std::string stage_column(size_t field);

/// Do values of the field that the server finds equal have the same bytes, and the same text?
bool equal_by_bytes(const PgField& field, const ColumnType& type) noexcept;

/// Set as comment on tables this tool has made and not yet finished: loading goes straight in, and
/// finishing gives them their keys.
inline constexpr std::string_view kUnfinishedComment = "lugger: load not finished";

}  // namespace lugger
