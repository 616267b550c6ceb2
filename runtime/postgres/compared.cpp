#include "postgres/compared.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "postgres/key_hashes.hpp"
#include "postgres/layout.hpp"
#include "postgres/server_text.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {

namespace {

bool is_builtin(const ColumnType& type) {
  return type.kind != Kind::kOther && !(type.is_array() && type.element == Kind::kOther);
}

/// "vector" of "extensions.vector(3)".
std::string_view bare_name(std::string_view type) {
  type = type.substr(0, type.find('('));
  const size_t dot = type.rfind('.');
  return dot == std::string_view::npos ? type : type.substr(dot + 1);
}

/// Kinds whose values have one canonical form, so that one may stand in a column of the other.
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

/// The same of a type as the database knows it: its name may be that of another in the mapping.
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

/// "(3)" of "timestamp(3) without time zone"; "": the column takes values as they are.
std::string_view modifier(std::string_view type) noexcept {
  const size_t open = type.find('('), close = type.find(')');
  return open == std::string_view::npos ? std::string_view() : type.substr(open, close - open + 1);
}

/// Microseconds that time(p) and its like round to.
int64_t unit_of(std::string_view stored) noexcept {
  int64_t out = 1;
  if (modifier(stored).size() != 3) return out;
  for (char digit = modifier(stored)[1]; digit < '6'; ++digit) out *= 10;
  return out;
}

/// Does the column alter values as they come in, in a way that the mapping does not?
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

/// Types that a cast to their length cuts off, where a load is refused; their arrays too.
bool is_cut_by_cast(uint32_t oid) noexcept {
  constexpr std::array<uint32_t, 8> kCut = {1042, 1043, 1560, 1562,  // bpchar, varchar, bit, varbit
                                            1014, 1015, 1561, 1563};
  return std::find(kCut.begin(), kCut.end(), oid) != kCut.end();
}

/// Types whose values newer_rank orders as the server does. Not those that it orders by a
/// collation, by parts, or by more bytes than a rank has.
bool is_ranked(Kind kind) noexcept {
  switch (kind) {
    case Kind::kBool:
    case Kind::kInt2:
    case Kind::kInt4:
    case Kind::kInt8:
    case Kind::kFloat4:
    case Kind::kFloat8:
    case Kind::kNumeric:
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestamptz: return true;
    default: return false;
  }
}

class Maker {
 public:
  Maker(PgSession& session, const PlanShape& shape, const std::vector<std::string>& only,
        Comparison& out)
      : session_(session),
        shape_(shape),
        only_(only),
        out_(out),
        types_(session, written_types(shape)) {}

  void run() {
    check_only();
    for (size_t t = 0; t < shape_.tables().size(); ++t) make_table(t);
  }

 private:
  void check_only() const {
    for (const std::string& name : only_) {
      std::vector<std::string_view> names;
      for (const TablePlan& table : shape_.tables()) {
        for (const Column& column : table.columns) names.push_back(column.name);
      }
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      const std::string_view near = nearest(name, names);
      throw Error(
          Code::kConfig, fmt::format("--columns: no table has a column {}", name),
          near.empty() ? "name columns of the mapping" : fmt::format("did you mean {}?", near));
    }
  }

  PgTable inspect(const std::string& name) {
    std::optional<PgTable> found = inspect_table(session_, name);
    if (!found) {
      throw Error(Code::kVerify, fmt::format("table {} does not exist", name),
                  "load it first with lugger run, or name the target that holds it with --into");
    }
    if (!found->may_select) {
      throw Error(Code::kVerify, fmt::format("no right to SELECT from {}", name),
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

  void make_table(size_t index) {
    const TablePlan& plan = shape_.tables()[index];
    const PgTable actual = inspect(plan.name);
    ComparedTable table;
    table.table = index;
    table.name = plan.name;
    table.quoted = PgSession::quote_table(plan.name);
    table.own = plan.parent < 0;
    table.ranges = actual.kind == "r" && !has_children(actual.oid);
    std::vector<int> place(plan.columns.size(), -1);
    for (size_t slot = 0; slot < plan.columns.size(); ++slot) {
      const Column& column = plan.columns[slot];
      if (table.own && column.name == shape_.mapping().newer) table.newer = static_cast<int>(slot);
      const bool key = std::find(plan.key.begin(), plan.key.end(), slot) != plan.key.end() ||
                       table.newer == static_cast<int>(slot);
      if (!key && !wanted(column.name)) continue;
      if (!repeats(index, slot)) {
        table.left_out.push_back(column.name);
        continue;
      }
      const PgColumn* stored = actual.column(column.name);
      if (stored == nullptr) {
        out_.altered.push_back({plan.name, column.name, column.type.sql, ""});
        continue;
      }
      place[slot] = static_cast<int>(table.columns.size());
      if (!make_column(plan, column, slot, *stored, table)) place[slot] = -1;
    }
    bind_key(plan, place, table);
    bind_newer(plan, place, table);
    find_doubled(actual, table);
    out_.unsettled = out_.unsettled || actual.comment == kUnfinishedComment;
    tell_left_out(plan, table);
    bind_key_hashes(session_, actual, own_of(plan), table, out_.notes);
    out_.tables.push_back(std::move(table));
  }

  bool wanted(const std::string& name) const {
    return only_.empty() || std::find(only_.begin(), only_.end(), name) != only_.end();
  }

  /// Is the value the same whenever it is made? A parent key is what the parent's is.
  bool repeats(size_t index, size_t slot) const {
    const TablePlan& table = shape_.tables()[index];
    const Column::Generate generate = table.columns[slot].generate;
    if (generate == Column::Generate::kParentKey) {
      const auto parent = static_cast<size_t>(table.parent);
      return repeats(parent, shape_.tables()[parent].key[slot]);
    }
    return generate != Column::Generate::kV7 && generate != Column::Generate::kServer;
  }

  bool has_children(const std::string& oid) {
    return session_.query("SELECT relhassubclass FROM pg_class WHERE oid = $1::oid", {oid})
               .text(0, 0) == "t";
  }

  bool make_column(const TablePlan& plan, const Column& column, size_t slot, const PgColumn& stored,
                   ComparedTable& table) {
    ComparedColumn out;
    out.slot = slot;
    out.name = column.name;
    out.type = column.type;
    out.stored = stored.bare_type;
    const std::string& base = types_.of(column.type.sql);
    out.oid = static_cast<uint32_t>(std::stoul(stored.base_oid));
    out.reads_as = pg_reads_as(out.oid, stored.type);
    // A name that the role's search_path does not find is taken for the type of that name.
    const bool same = base.empty() ? bare_name(column.type.sql) == bare_name(stored.bare_type)
                                   : base == stored.base_oid;
    const int stored_family = family_of_oid(out.oid);
    const bool kin = stored_family != 0 && stored_family == family(column.type.kind);
    const bool newer = table.newer == static_cast<int>(slot);
    const bool exact = newer || !rounds(column.type, stored);
    if (is_builtin(column.type) && (same || kin) && out.reads_as != ValueType::kPgText && exact) {
      if (is_time(column.type.kind)) out.unit = unit_of(stored.type);
      out.as = {column.type.kind, column.type.is_array() ? column.type.element : Kind::kText};
      table.columns.push_back(std::move(out));
      return true;
    }
    out.by_server = true;
    out.as = {Kind::kOther, Kind::kText};
    out.reads_as = ValueType::kPgText;
    out.via = is_builtin(column.type) ? column.type.sql : "text";
    out.cast = "::" + (is_cut_by_cast(out.oid) ? stored.bare_type : stored.type);
    if (!same && column.type.kind != Kind::kText && column.type.kind != Kind::kVarchar)
      out_.altered.push_back({plan.name, column.name, column.type.sql, stored.type});
    if (!can_bind(plan, out)) return false;
    table.columns.push_back(std::move(out));
    return true;
  }

  /// False: the server has no cast between the two types. What cannot be asked at all ends the
  /// verification: no value could be compared, and every row would seem to be too many.
  bool can_bind(const TablePlan& plan, const ComparedColumn& column) {
    try {
      require_cast(session_, column.via, column.cast);
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

  static void bind_key(const TablePlan& plan, const std::vector<int>& place, ComparedTable& table) {
    const size_t root = plan.parent < 0 ? plan.key.size() : 0;
    for (const size_t slot : plan.key) {
      if (place[slot] < 0) {
        table.key.clear();
        return;
      }
      table.key.push_back(static_cast<size_t>(place[slot]));
    }
    for (size_t i = 0; i < root; ++i) table.root.push_back(table.key[i]);
  }

  void bind_newer(const TablePlan& plan, const std::vector<int>& place, ComparedTable& table) {
    if (table.newer < 0) return;
    const auto slot = static_cast<size_t>(table.newer);
    const Kind kind = plan.columns[slot].type.kind;
    const int at = place[slot];
    table.version = at;
    if (at >= 0 && !table.columns[static_cast<size_t>(at)].by_server && is_ranked(kind)) {
      table.newer_compared = at;
      table.newer_exact = kind != Kind::kNumeric;
      if (table.newer_exact) table.version = -1;
      return;
    }
    out_.notes.push_back(
        fmt::format("{}: which of two rows is newer by {}, only the server can tell: a row that is "
                    "newer than its document counts as different, and of several documents of one "
                    "key any may be there",
                    plan.name, plan.columns[slot].name));
  }

  /// Of a child: the table of its documents' own rows. Parents come before their children.
  const ComparedTable* own_of(const TablePlan& plan) const {
    if (plan.parent < 0) return nullptr;
    auto parent = static_cast<size_t>(plan.parent);
    while (shape_.tables()[parent].parent >= 0)
      parent = static_cast<size_t>(shape_.tables()[parent].parent);
    return &out_.tables[parent];
  }

  static std::string key_list(const ComparedTable& table, const PgTable& actual,
                              std::string_view alias) {
    std::string out;
    for (const size_t i : table.key) {
      const std::string& name = table.columns[i].name;
      out += fmt::format("{}{}.{}{}", out.empty() ? "" : ", ", alias, PgSession::quote_name(name),
                         actual.column(name)->comparable ? "" : "::text");
    }
    return out;
  }

  /// Child rows of one key come with documents of one key: those are looked for alone.
  static void find_doubled(const PgTable& actual, ComparedTable& table) {
    if (!table.own || table.key.empty()) return;
    std::set<std::string> key;
    for (const size_t i : table.key) key.insert(table.columns[i].name);
    // An index does not reach into tables that inherit.
    const bool whole = table.ranges || actual.kind == "p";
    const bool unique =
        std::any_of(actual.indexes.begin(), actual.indexes.end(), [&](const PgIndex& index) {
          return index.unique &&
                 std::all_of(index.columns.begin(), index.columns.end(),
                             [&](const std::string& name) { return key.contains(name); });
        });
    if (whole && unique) return;
    table.doubled = fmt::format("({}) IN (SELECT {} FROM {} AS o GROUP BY {} HAVING count(*) > 1)",
                                key_list(table, actual, "t"), key_list(table, actual, "o"),
                                table.quoted, key_list(table, actual, "o"));
  }

  void tell_left_out(const TablePlan& plan, ComparedTable& table) {
    // The front of any descendant's key is the key of the document's own row.
    if (!table.own && !table.key.empty()) {
      const size_t root = shape_.tables()[0].key.size();
      table.root.assign(table.key.begin(), table.key.begin() + static_cast<std::ptrdiff_t>(root));
    }
    if (!plan.key.empty() && table.key.empty()) {
      out_.notes.push_back(
          fmt::format("{}: its key cannot be computed again, so rows are compared without it: they "
                      "are missing or extra, never different",
                      plan.name));
    }
    if (table.left_out.empty()) return;
    std::string names;
    for (const std::string& name : table.left_out) names += (names.empty() ? "" : ", ") + name;
    out_.notes.push_back(fmt::format(
        "{}: not compared, since the server or the clock fills them: {}", plan.name, names));
  }

  PgSession& session_;
  const PlanShape& shape_;
  const std::vector<std::string>& only_;
  Comparison& out_;
  TypeOids types_;
};

}  // namespace

Comparison make_comparison(PgSession& session, const PlanShape& shape,
                           const std::vector<std::string>& only) {
  Comparison out;
  Maker(session, shape, only, out).run();
  return out;
}

}  // namespace lugger
