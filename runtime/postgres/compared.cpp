#include "postgres/compared.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.hpp"
#include "plan/plan.hpp"
#include "postgres/catalog.hpp"
#include "postgres/key_hashes.hpp"
#include "postgres/layout.hpp"
#include "postgres/server_text.hpp"
#include "postgres/session_pool.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {

namespace {

bool is_builtin(const ColumnType& type) {
  return type.kind != Kind::kOther && !(type.is_array() && type.element == Kind::kOther);
}

/// "vector" from "extensions.vector(3)".
std::string_view bare_name(std::string_view type) {
  type = type.substr(0, type.find('('));
  const size_t dot = type.rfind('.');
  return dot == std::string_view::npos ? type : type.substr(dot + 1);
}

/// Kinds in the same family have the same canonical form, so a value of one can be compared with a
/// column of the other.
int family(Kind kind) noexcept {
  switch (kind) {
    case Kind::kText:
    case Kind::kVarchar: return 1;
    case Kind::kInt2:
    case Kind::kInt4:
    case Kind::kInt8: return 2;
    default: return 0;
  }
}

/// The family of a type in the database. It is found by OID, since the mapping may use the type's
/// name for another type.
int family_of_oid(uint32_t oid) noexcept {
  switch (oid) {
    case 25:              // text
    case 1043: return 1;  // varchar
    case 21:              // int2
    case 23:              // int4
    case 20: return 2;    // int8
    default: return 0;
  }
}

bool is_time(Kind kind) noexcept {
  return kind == Kind::kTime || kind == Kind::kTimestamp || kind == Kind::kTimestamptz;
}

/// "(3)" from "timestamp(3) without time zone"; "": the column does not modify values.
std::string_view modifier(std::string_view type) noexcept {
  const size_t open = type.find('('), close = type.find(')');
  return open == std::string_view::npos ? std::string_view() : type.substr(open, close - open + 1);
}

/// The microseconds to which time(p) and similar types round.
int64_t unit_of(std::string_view stored) noexcept {
  int64_t out = 1;
  if (modifier(stored).size() != 3) return out;
  for (char digit = modifier(stored)[1]; digit < '6'; ++digit) out *= 10;
  return out;
}

/// True when the column modifies values on input in a way that the mapping does not.
bool rounds(const ColumnType& type, const PgColumn& stored) {
  if (stored.type == stored.bare_type) return false;
  switch (type.is_array() ? type.element : type.kind) {
    case Kind::kInterval: return true;
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestamptz: return type.is_array();
    case Kind::kNumeric:
      return modifier(stored.type) != fmt::format("({},{})", type.precision, type.scale);
    default: return false;
  }
}

/// True for types where a cast truncates to the length, but a load would be refused; also for their
/// arrays.
bool is_cut_by_cast(uint32_t oid) noexcept {
  constexpr std::array<uint32_t, 8> kCut = {1042, 1043, 1560, 1562,  // bpchar, varchar, bit, varbit
                                            1014, 1015, 1561, 1563};
  return std::find(kCut.begin(), kCut.end(), oid) != kCut.end();
}

class PgLook final : public RowsLook {
 public:
  PgLook(const std::string& url, bool pooled, const PlanShape& plan, PgComparedTables& out)
      : lent_(SessionPool::of(url)->lend("verify", pooled)),
        session_(*lent_),
        plan_(plan),
        out_(out),
        actual_(plan.tables().size()) {
    out_.assign(plan.tables().size(), {});
  }

  RowsFacts facts() override {
    const PgServerFacts server = server_facts(session_);
    const PgRows names = session_.query(
        "SELECT pg_catalog.current_database(), "
        "coalesce(pg_catalog.host(pg_catalog.inet_server_addr()) || ':' "
        "|| "
        "pg_catalog.inet_server_port(), 'unix socket'), (SELECT oid FROM pg_database WHERE datname "
        "= "
        "pg_catalog.current_database())");
    return {"PostgreSQL " + server.version_text,
            fmt::format("database {} ({}) at {}", names.text(0, 0), names.text(0, 2),
                        names.text(0, 1))};
  }

  StoredTable columns(size_t index, const std::vector<size_t>& slots) override {
    const TablePlan& plan = plan_.tables()[index];
    PgTable& actual = actual_[index];
    actual = inspect(plan.name);
    PgComparedTable& table = out_[index];
    table.quoted = PgSession::quote_table(plan.name);
    table.ranges = actual.kind == "r" && !has_children(actual.oid);
    table.spread = actual.distributed;
    StoredTable out;
    out.unsettled = actual.comment == kUnfinishedComment;
    for (const size_t slot : slots) {
      const Column& column = plan.columns[slot];
      if (const PgColumn* stored = actual.column(column.name); stored != nullptr)
        make_column(plan, slot, *stored, out, table.stored);
      else
        out.altered.push_back({plan.name, column.name, column.type.sql, ""});
    }
    return out;
  }

  void bind_key(ComparedTable& bound, std::vector<std::string>& notes) override {
    PgComparedTable& table = out_[bound.table];
    ComparedTable& common = table;
    common = bound;
    const PgTable& actual = actual_[bound.table];
    find_doubled(actual, table);
    bind_key_hashes(session_, actual, own_of(bound.table), table, notes);
    bound = common;
  }

 private:
  PgTable inspect(const std::string& name) {
    std::optional<PgTable> found = inspect_table(session_, name);
    if (!found) {
      throw Error(Code::kVerify, fmt::format("table {} does not exist", name),
                  "load it first with lugger run, or name the target that holds it with --into");
    }
    if (!found->may_select) {
      throw Error(Code::kVerify, fmt::format("permission denied: SELECT on {}", name),
                  fmt::format("GRANT SELECT ON {} TO this role", PgSession::quote_table(name)));
    }
    if (found->row_security) {
      throw Error(
          Code::kVerify,
          fmt::format(
              "row-level security is in force on {} for this role: rows that it hides can be "
              "neither compared nor called equal",
              name),
          "verify as the table's owner, or as a role with BYPASSRLS");
    }
    return std::move(*found);
  }

  bool has_children(const std::string& oid) {
    return session_.query("SELECT relhassubclass FROM pg_class WHERE oid = $1::oid", {oid})
               .text(0, 0) == "t";
  }

  void make_column(const TablePlan& plan, size_t slot, const PgColumn& stored, StoredTable& out,
                   std::vector<PgComparedColumn>& in_database) {
    const Column& column = plan.columns[slot];
    ComparedColumn compared;
    compared.slot = slot;
    compared.name = column.name;
    compared.type = column.type;
    PgComparedColumn made;
    made.type = stored.bare_type;
    const std::string& base = types_.of(column.type.sql);
    made.oid = static_cast<uint32_t>(std::stoul(stored.base_oid));
    made.reads_as = pg_reads_as(made.oid, stored.type);
    if (const VectorsType* type = vectors_type(column, stored)) {
      made.wire = type->writes;
      made.reads_as = type->writes == VectorsWire::kText ? ValueType::kPgText : type->reads_as;
    }
    // When the role's search_path does not find the type, only its bare name is compared.
    const bool same = base.empty() ? bare_name(column.type.sql) == bare_name(stored.bare_type)
                                   : base == stored.base_oid;
    const int stored_family = family_of_oid(made.oid);
    const bool kin = stored_family != 0 && stored_family == family(column.type.kind);
    const bool newer = plan.parent < 0 && column.name == plan_.mapping().newer;
    const bool exact = newer || !rounds(column.type, stored);
    if (is_builtin(column.type) && (same || kin) && made.reads_as != ValueType::kPgText && exact) {
      if (is_time(column.type.kind)) made.unit = unit_of(stored.type);
      compared.as = {column.type.kind, column.type.is_array() ? column.type.element : Kind::kText};
    } else {
      compared.by_server = true;
      compared.as = {Kind::kOther, Kind::kText};
      made.reads_as = ValueType::kPgText;
      made.via = is_builtin(column.type) ? column.type.sql : "text";
      made.cast = "::" + (is_cut_by_cast(made.oid) ? stored.bare_type : stored.type);
      if (!same && column.type.kind != Kind::kText && column.type.kind != Kind::kVarchar)
        out.altered.push_back({plan.name, column.name, column.type.sql, stored.type});
      if (!can_cast(plan, column, made)) return;
    }
    out.columns.push_back(std::move(compared));
    in_database.push_back(std::move(made));
  }

  /// nullptr: it is not of PGVecto.rs. What only the server can write it compares, too.
  const VectorsType* vectors_type(const Column& column, const PgColumn& stored) {
    if (!may_be_vectors(column.type.kind)) return nullptr;
    if (!vectors_) vectors_.emplace(session_);
    return vectors_->of(stored.base_oid);
  }

  /// False: the server has no cast between the two types. When the server cannot be asked, this
  /// throws and ends the verification; otherwise no value could be compared, and every row would
  /// seem extra.
  bool can_cast(const TablePlan& plan, const Column& column, const PgComparedColumn& made) {
    try {
      require_cast(session_, made.via, made.cast);
      return true;
    } catch (const Error& error) {
      if (error.code() == Code::kConnect) throw;
      constexpr std::string_view kCannotCoerce = "42846";
      if (error.sqlstate() == kCannotCoerce) return false;
      throw Error(
          Code::kVerify,
          fmt::format("{}.{} cannot be compared: {}", plan.name, column.name, error.message()),
          "the type must be found in the role's search_path, and the role needs USAGE on "
          "its schema; nothing was compared",
          error.sqlstate());
    }
  }

  /// For a child table: the table of its documents' own rows.
  const PgComparedTable* own_of(size_t index) const {
    if (plan_.tables()[index].parent < 0) return nullptr;
    while (plan_.tables()[index].parent >= 0)
      index = static_cast<size_t>(plan_.tables()[index].parent);
    return &out_[index];
  }

  static std::string key_list(const PgComparedTable& table, const PgTable& actual,
                              std::string_view alias) {
    std::string out;
    for (const size_t i : table.key) {
      const std::string& name = table.columns[i].name;
      out += fmt::format("{}{}.{}{}", out.empty() ? "" : ", ", alias, PgSession::quote_name(name),
                         actual.column(name)->comparable ? "" : "::text");
    }
    return out;
  }

  /// Child rows with equal keys belong to documents with equal keys; so only own tables are
  /// searched.
  static void find_doubled(const PgTable& actual, PgComparedTable& table) {
    if (!table.own || table.key.empty()) return;
    std::set<std::string> key;
    for (const size_t i : table.key) key.insert(table.columns[i].name);
    // An index does not include inheriting tables.
    const bool whole = table.ranges || actual.kind == "p";
    const bool unique =
        std::any_of(actual.indexes.begin(), actual.indexes.end(), [&](const PgIndex& index) {
          return index.unique &&
                 std::all_of(index.columns.begin(), index.columns.end(),
                             [&](const std::string& name) { return key.contains(name); });
        });
    if (whole && unique) return;
    table.may_double = true;
    table.doubled =
        fmt::format("({}) IN (SELECT {} FROM {} AS o GROUP BY {} HAVING pg_catalog.count(*) > 1)",
                    key_list(table, actual, "t"), key_list(table, actual, "o"), table.quoted,
                    key_list(table, actual, "o"));
  }

  LentSession lent_;
  PgSession& session_;
  const PlanShape& plan_;
  PgComparedTables& out_;
  std::vector<PgTable> actual_;  // one for each table of the plan
  TypeOids types_{session_, written_types(plan_)};
  std::optional<VectorsTypes> vectors_;
};

}  // namespace

std::unique_ptr<RowsLook> make_pg_look(const std::string& url, bool pooled, const PlanShape& plan,
                                       PgComparedTables& out) {
  return std::make_unique<PgLook>(url, pooled, plan, out);
}

}  // namespace lugger
