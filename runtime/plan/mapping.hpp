// A job's mapping as the script gave it: tables, columns, children, routing, policies. plan.hpp
// binds it.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plan/column.hpp"
#include "plan/manifest.hpp"

namespace lugger {

enum class OnConflict : uint8_t { kError, kSkip, kUpdate, kNewer };
enum class Unmapped : uint8_t { kWarn, kError, kIgnore };

struct ChildMapping {
  std::string table;  // "user_tags" or "schema.user_tags"
  std::string from;  // "tags[]", "order.lines[]": an array's path relative to the parent's document
                     // or element; "names{}": a document's, each field of it is a row
  std::vector<Column> columns;
  /// Names of the columns that hold the parent's key; empty: "parent_" + the key's name.
  std::vector<std::string> parent;
  std::string ordinal;  // of arrays, the column of the 1-based place; empty: "ordinal"
  std::string entry;    // of documents, the column of the field's name; empty: "entry"
  std::vector<ChildMapping> children;
};

/// Which table a document goes to, by the text of a field. All tables have the same columns.
struct Route {
  std::string from;                           // path of the discriminator; empty: no routing
  std::map<std::string, std::string> tables;  // value -> table
  std::string otherwise;  // table for any other value; empty: such documents are rejected
};

/// Built after the load.
struct IndexMapping {
  std::string table;                 // empty: the job's table
  std::string name;                  // empty: table_columns_idx
  std::vector<std::string> columns;  // column names, or expressions in parentheses
  bool unique = false;
  std::string method;                       // "btree" when empty
  std::string where;                        // SQL condition of a partial index, from the script
  std::vector<std::string> include;         // columns that are only stored
  std::string opclass;                      // of every column that names none itself
  std::string metric;                       // hnsw, ivfflat: in place of an opclass: "cosine"
  std::map<std::string, std::string> with;  // storage parameters: fillfactor, m, lists, ...
  bool nulls_not_distinct = false;          // unique: NULL is one value
  std::optional<bool> concurrently;         // nullopt: unless this run has made the table
  std::string setup;                        // SQL that must come first, as for a collation
};

/// One of not_null, check, unique, foreign_key and sql is given.
struct ConstraintMapping {
  std::string table, name;
  /// "check (age >= 0)", "foreign key (team) references teams (id)": from the script.
  std::string sql;
  std::vector<std::string> not_null;  // columns
  std::string check;                  // a condition
  std::vector<std::string> unique;    // columns
  bool nulls_not_distinct = false;
  std::vector<std::string> foreign_key;  // columns
  std::string references;                // table
  std::vector<std::string> referenced;   // its columns; empty: its primary key
  std::string on_delete;                 // "cascade", "set null", ...
};

struct Mapping {
  std::string table;                 // "users" or "schema.users"
  std::string database, collection;  // of the source: the name space of ids
  std::vector<Column> columns;
  std::vector<std::string> key;  // columns that identify a row; empty: none
  OnConflict on_conflict = OnConflict::kError;
  std::string newer;  // kNewer: the column that says which row is newer
  bool mend = false;  // a repair, kUpdate: doubled child rows are replaced too, and where `newer`
                      // is set, a stored row of a greater version stays
  std::vector<ChildMapping> children;
  Route route;
  std::string distribute;  // column by which Citus is to distribute the tables; empty: none
  Unmapped unmapped = Unmapped::kWarn;
  std::vector<IndexMapping> indexes;
  std::vector<ConstraintMapping> constraints;
  std::vector<VectorManifest> manifests;  // as given: column "" is all of them; bound: one a column
  bool other_manifest = false;            // vectors of another making are told, and no obstacle
};

}  // namespace lugger
