// What a PostgreSQL database says about itself: its server, and one table with its columns, keys
// and guards.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "postgres/session.hpp"

namespace lugger {

struct PgServerFacts {
  int version = 0;           // 150018
  std::string version_text;  // "15.18"
  std::string encoding;      // "UTF8"
  bool read_only = false;    // a standby, or default_transaction_read_only
  bool may_make_temporary = true;
};

struct PgColumn {
  std::string name;
  std::string type;         // as format_type() spells it, with its modifier
  std::string bare_type;    // without the modifier: casting to it cuts nothing off silently
  std::string base_oid;     // decimal text of atttypid
  std::string collation;    // quoted; empty: it finds equal what has the same bytes
  bool not_null = false;    // no new row may hold NULL there
  bool never_null = false;  // and no row that is there does
  bool has_default = false, generated = false;
  bool identity = false, identity_always = false;
  bool may_insert = true, may_select = true, may_update = true;  // for us
  bool comparable = true;           // has a default btree or hash operator class
  std::vector<std::string> labels;  // of an enum
};

/// An index of all rows, by which rows that are equal in its columns are found.
struct PgIndex {
  std::string name;
  std::vector<std::string> columns;     // up to the first expression
  std::vector<std::string> collations;  // of the columns, as PgColumn::collation
  bool primary = false;
  bool unique = false;  // without expression, checked at once: what ON CONFLICT can name
};

struct PgTable {
  std::string kind;  // relkind: "r", "p" partitioned, "v" view, "f" foreign
  std::string oid;
  std::string comment;
  std::vector<PgColumn> columns;
  std::vector<PgIndex> indexes;
  // Names; those of foreign keys left out, those of partitions not.
  std::vector<std::string> insert_triggers;
  std::vector<std::string> row_guards;  // row triggers BEFORE, or INSTEAD OF, what a load does
  std::vector<std::string> rules;       // on INSERT, UPDATE, DELETE
  bool row_security = false;            // active for us
  bool distributed = false;             // by Citus: its rows lie in shards on other servers
  std::string distribution_column;      // empty: none, as of a table that every server has whole
  std::string colocation;               // tables that share it have their shards side by side
  bool may_insert = true, may_select = true, may_update = true, may_delete = true, owned = true;
  std::vector<std::string> refers_to;  // oids of the tables that its foreign keys point to
  bool one_rule = false;  // of its unique indexes and exclusion constraints there is but one
  bool empty = true;

  const PgColumn* column(std::string_view name) const noexcept;
  /// Can a row be kept out without an error?
  bool may_keep_out() const noexcept {
    return !row_guards.empty() || row_security || kind == "v" || kind == "f";
  }
  /// Has a unique index on exactly these columns, in any order.
  bool unique_on(const std::vector<std::string>& names) const;
  /// The collation by which a unique index on exactly these columns finds two values of `column`
  /// equal, where that is not by their bytes.
  std::string key_collation(const std::vector<std::string>& names, std::string_view column) const;
  /// Has an index that begins with exactly these columns, in any order.
  bool finds_by(const std::vector<std::string>& names) const;
};

/// SQL over pg_attribute `a`: the column holds no NULL. A NOT NULL that is NOT VALID (from version
/// 18 on) proves nothing of the rows that are there; nor does that of a domain, which has holes.
inline constexpr std::string_view kNeverNull =
    "(a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint nn WHERE nn.conrelid = a.attrelid"
    " AND nn.contype = 'n' AND NOT nn.convalidated AND a.attnum = ANY (nn.conkey)))";

PgServerFacts server_facts(PgSession& session);
/// nullopt: there is no such table. `table` as scripts name it: "users", "sales.users".
std::optional<PgTable> inspect_table(PgSession& session, const std::string& table);
/// "": it has none, or there is no such table.
std::string table_comment(PgSession& session, const std::string& table);
/// OIDs of types as DDL spells them, each asked for once, those named at the start in one question.
class TypeOids {
 public:
  explicit TypeOids(PgSession& session, const std::vector<std::string>& types = {});
  /// Decimal text; empty: the database does not know the type.
  const std::string& of(const std::string& type);

 private:
  PgSession& session_;
  std::map<std::string, std::string> found_;
};
/// Has the server an equality of just these two types (decimal text of their OIDs)?
bool share_equality(PgSession& session, const std::string& left, const std::string& right);
/// Can the server cast between the two, at least through text?
bool castable(PgSession& session, const std::string& from, const std::string& to);

}  // namespace lugger
