// The table a fix works on, as the server describes it, and the SQL that names its parts.
#pragma once
#include <string>
#include <vector>

#include "plan/mapping.hpp"
#include "postgres/session.hpp"
#include "postgres/vectors_types.hpp"
#include "value/document.hpp"

namespace lugger {

/// One entry of `set`: a column, or a path into a jsonb column.
struct FixField {
  std::string name;               // as the script says it: "phone", "profile.phone"
  std::string column;             // the column it lies in
  std::vector<std::string> path;  // below the column; empty: the column itself
  std::string type;               // what its text is cast to
  std::string equal_as;  // a type whose values are equal though their texts differ; else empty
  size_t slot = 0;       // place in the row the hook sees
  bool json = false;
};

struct FixTable {
  std::string name;      // as the script names it
  std::string relation;  // quoted, with its schema when that was given
  std::string alias;     // quoted; what a condition of the script may qualify columns by
  std::vector<std::string> key, key_types;
  RowShape shape;                  // what the hook sees: columns, then paths
  std::vector<VectorsWire> wires;  // as PgReading's
  Mapping mapping;
  std::vector<FixField> fields;
  std::vector<std::string> triggers;  // that an UPDATE fires
  std::vector<std::string> notes;
  /// Distributed by Citus: ctid and xmin cannot identify a row's version, so its version is the
  /// content of all readable columns.
  struct Held {
    std::string name, type;  // quoted; without its modifier
    bool equality = true;    // the type has one; else its text is compared
  };
  bool distributed = false;
  std::vector<Held> held;

  /// The output function's text of an expression, NULL for NULL.
  static std::string text_of(const std::string& expression);
  /// "customers"."phone"
  std::string column(std::string_view name, std::string_view alias_or_empty = {}) const;
  std::string select_shape() const;
  /// SQL for the version of a row, as text; it changes whenever the row is written.
  std::string version_of(std::string_view qualifier) const;
  /// The value of a field as SQL: the column, or what stands at the path.
  std::string field_value(const FixField& field, std::string_view alias_or_empty = {}) const;
};

/// A path as a text[] of SQL: ARRAY['phones', '0'].
std::string sql_path(const std::vector<std::string>& path);

/// Error{config} says what is wrong: no such table, no key, unknown columns, a view and so on.
/// `options` are the target's: table, key.
FixTable inspect_fix(PgSession& session, const std::string& table,
                     const std::vector<std::string>& key, const std::vector<std::string>& set);
/// Throws Error{config | auth} unless this session may write what the fix writes.
void check_may_write(PgSession& session, const FixTable& table);

}  // namespace lugger
