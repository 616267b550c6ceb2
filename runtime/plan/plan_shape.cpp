// Tables of a mapping: the document's own (one a route), then children to any depth, keys and
// parent keys worked out.
#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "plan/object_names.hpp"
#include "plan/plan.hpp"
#include "plan/work.hpp"

namespace lugger {

namespace {

size_t column_index(const TablePlan& table, std::string_view name, std::string_view what) {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].name == name) return i;
    names.push_back(table.columns[i].name);
  }
  const std::string_view close = nearest(name, names);
  throw Error(
      Code::kConfig,
      fmt::format("{}: {} names column \"{}\", which the mapping of {} does not have", table.name,
                  what, name, table.name),
      close.empty() ? "add the column to `columns`" : fmt::format("did you mean {}?", close));
}

bool is_tagged(const CoercePolicy& policy) noexcept {
  return policy.nul == JsonPolicy::Text::kTag || policy.utf8 == JsonPolicy::Text::kTag;
}

void check_columns(const TablePlan& table) {
  if (table.columns.empty()) {
    throw Error(Code::kConfig, fmt::format("{}: no columns", table.name),
                "give `columns = { { name, type }, ... }`, \"auto\" or \"document\"");
  }
  std::set<std::string_view> seen;
  for (const Column& column : table.columns) {
    if (column.name.empty()) raise(Code::kConfig, "{}: a column has no name", table.name);
    if (column.name.size() > kLongestName) {
      throw Error(Code::kConfig,
                  fmt::format("{}: column name {} is longer than 63 bytes, PostgreSQL would cut it",
                              table.name, quoted_excerpt(column.name, 80)),
                  "give it a shorter name and say where it comes from with `from`");
    }
    if (!seen.insert(column.name).second)
      raise(Code::kConfig, "{}: column \"{}\" is there twice", table.name, column.name);
    if (is_tagged(column.policy) &&
        ((column.type.kind != Kind::kJson && column.type.kind != Kind::kJsonb) ||
         column.policy.json != JsonStyle::kTyped)) {
      throw Error(Code::kConfig,
                  fmt::format("{}.{}: \"tag\" keeps a string as {{\"$string\": ...}}, which only "
                              "typed jsonb and json can say",
                              table.name, column.name),
                  "make it { ..., 'jsonb', json = 'typed', nul = 'tag' }");
    }
    if (column.on_error == OnError::kDefault && !column.default_value) {
      raise(Code::kConfig, "{}.{}: on_error = \"default\" needs a default", table.name,
            column.name);
    }
  }
}

/// Columns as the plan uses them: source paths filled in, the lossless form where a column takes
/// the rest of the document.
std::vector<Column> complete_columns(std::vector<Column> columns) {
  for (Column& column : columns) {
    if (column.from.empty() && !column.computed) {
      for (const char c : column.name) {
        if (c == '.' || c == '\\') column.from += '\\';
        column.from += c;
      }
    }
    if (column.from == "*" && column.policy.json == JsonStyle::kPlain)
      column.policy.json = JsonStyle::kTyped;
    if (column.type.kind == Kind::kOther || !column.id_text_column) continue;
    if (column.type.kind != Kind::kText && column.type.kind != Kind::kVarchar)
      column.id_text_column = false;
  }
  return columns;
}

/// "tags[]" or "names{}": the mark is required so that a reader of the script sees the fan-out.
void check_child(const ChildMapping& child) {
  const bool entries = child.from.ends_with("{}");
  if (child.from.size() < 3 || (!entries && !child.from.ends_with("[]"))) {
    const std::string path = child.from.empty() ? "tags" : child.from;
    throw Error(
        Code::kConfig,
        fmt::format("child table {}: from = \"{}\" is not an array path", child.table, child.from),
        fmt::format("write from = \"{0}[]\" for the elements of an array, \"{0}{{}}\" for "
                    "the fields of a document",
                    path));
  }
  if (entries ? !child.ordinal.empty() : !child.entry.empty()) {
    throw Error(Code::kConfig,
                fmt::format("child table {}: `{}` does not go with from = \"{}\"", child.table,
                            entries ? "ordinal" : "entry", child.from),
                entries ? "entry = 'name' names the column that has the field's name"
                        : "ordinal = 'line' names the column that has the place in the array");
  }
}

/// What tells a child row from its siblings: its place in the array, or the name of its field.
Column place_column(const ChildMapping& child) {
  const bool entries = child.from.ends_with("{}");
  const std::string& given = entries ? child.entry : child.ordinal;
  Column out;
  out.name = !given.empty() ? given : entries ? "entry" : "ordinal";
  out.type = parse_column_type(entries ? "text" : "int4");
  out.generate = entries ? Column::Generate::kEntry : Column::Generate::kOrdinal;
  out.required = true;
  return out;
}

TablePlan child_table(const ChildMapping& child, const std::vector<TablePlan>& tables, int parent,
                      int depth) {
  const TablePlan& above = tables[static_cast<size_t>(parent)];
  if (above.key.empty()) {
    throw Error(
        Code::kConfig,
        fmt::format("{} has child table {}, but no key to link them by", above.name, child.table),
        fmt::format("name the key in the target: key = '{}'",
                    above.columns.empty() ? "id" : above.columns[0].name));
  }
  if (!child.parent.empty() && child.parent.size() != above.key.size()) {
    raise(Code::kConfig, "child table {}: `parent` names {} columns, the key of {} has {}",
          child.table, child.parent.size(), above.name, above.key.size());
  }
  TablePlan table;
  table.name = child.table;
  table.parent = parent;
  check_child(child);
  table.path = above.path.empty() ? child.from : above.path + "." + child.from;
  for (size_t i = 0; i < above.key.size(); ++i) {
    const Column& key = above.columns[above.key[i]];
    Column column;
    column.type = key.type;
    column.generate = Column::Generate::kParentKey;
    column.required = true;
    if (!child.parent.empty())
      column.name = child.parent[i];
    else if (key.generate == Column::Generate::kOrdinal)
      column.name = fmt::format("ordinal_{}", depth - 1);
    else if (key.generate == Column::Generate::kEntry)
      column.name = fmt::format("entry_{}", depth - 1);
    else if (key.generate == Column::Generate::kParentKey)
      column.name = key.name;
    else
      column.name = "parent_" + key.name;
    table.parent_key.push_back(i);
    table.key.push_back(i);
    table.columns.push_back(std::move(column));
  }
  table.key.push_back(table.columns.size());
  table.columns.push_back(place_column(child));
  for (Column& column : complete_columns(child.columns)) table.columns.push_back(std::move(column));
  check_columns(table);
  return table;
}

void add_children(const std::vector<ChildMapping>& children, std::vector<TablePlan>& tables,
                  int parent, int depth) {
  for (const ChildMapping& child : children) {
    tables.push_back(child_table(child, tables, parent, depth));
    add_children(child.children, tables, static_cast<int>(tables.size()) - 1, depth + 1);
  }
}

/// A row's shard follows from this column: a key that does not hold it could not be looked after by
/// one shard alone, and rows of children would not lie with their parent's.
void check_distribute(const Mapping& mapping, const TablePlan& own) {
  if (mapping.distribute.empty()) return;
  const size_t slot = column_index(own, mapping.distribute, "distribute");
  if (mapping.key.empty() || std::find(own.key.begin(), own.key.end(), slot) != own.key.end())
    return;
  std::vector<std::string> wider{mapping.distribute};
  wider.insert(wider.end(), mapping.key.begin(), mapping.key.end());
  throw Error(
      Code::kConfig,
      fmt::format("{}: the key ({}) does not hold {}, by which the table is to be "
                  "distributed: Citus keeps a key unique only with that column in it",
                  own.name, fmt::join(mapping.key, ", "), mapping.distribute),
      fmt::format("distribute = '{}' goes with this key; or widen the key: key = {{ '{}' }}",
                  mapping.key.front(), fmt::join(wider, "', '")));
}

void check_newer(const Mapping& mapping, const TablePlan& own) {
  if (mapping.on_conflict == OnConflict::kError) return;
  if (mapping.key.empty()) {
    throw Error(Code::kConfig,
                fmt::format("{}: on_conflict other than \"error\" needs a key", own.name),
                fmt::format("name it in the target: key = '{}'",
                            own.columns.empty() ? "id" : own.columns[0].name));
  }
  if (mapping.on_conflict != OnConflict::kNewer) return;
  if (mapping.newer.empty()) {
    throw Error(Code::kConfig,
                fmt::format("{}: on_conflict = \"newer\" needs a column to compare", own.name),
                "add newer = 'updated_at' to the target");
  }
  column_index(own, mapping.newer, "newer");
}

/// Where a route leads to several tables, leaving the name out means none of them; but NOT NULL has
/// no name and no place for one, so it is meant for all, as columns are.
void settle_tables(Mapping& mapping, const std::vector<TablePlan>& own) {
  if (own.size() < 2) return;
  std::vector<std::string> names;
  for (const TablePlan& table : own) names.push_back(table.name);
  const auto ask = [&](std::string_view what) {
    throw Error(Code::kConfig,
                fmt::format("{}: the route leads to several tables ({}), and one without a table "
                            "does not say which",
                            what, fmt::join(names, ", ")),
                fmt::format("write one for each of them: {} = {{ {{ table = '{}', ... }} }}", what,
                            names.front()));
  };
  for (const IndexMapping& index : mapping.indexes) {
    if (index.table.empty()) ask("indexes");
  }
  std::vector<ConstraintMapping> settled;
  for (ConstraintMapping& constraint : mapping.constraints) {
    if (!constraint.table.empty()) {
      settled.push_back(std::move(constraint));
      continue;
    }
    if (constraint.not_null.empty()) ask("constraints");
    for (const std::string& name : names) settled.emplace_back(constraint).table = name;
  }
  mapping.constraints = std::move(settled);
}

}  // namespace

PlanShape::PlanShape(Mapping mapping) : mapping_(std::move(mapping)) {
  bind_references(mapping_);
  TablePlan own;
  own.name = mapping_.table;
  own.columns = complete_columns(mapping_.columns);
  const Route& route = mapping_.route;
  std::set<std::string> names;
  for (const auto& [value, table] : route.tables) names.insert(table);
  if (!route.otherwise.empty()) names.insert(route.otherwise);
  if (names.empty()) names.insert(own.name);
  for (const std::string& name : names) {
    own.name = name;
    own.key.clear();
    check_columns(own);
    for (const std::string& key : mapping_.key) own.key.push_back(column_index(own, key, "key"));
    for (const size_t key : own.key) own.columns[key].required = true;
    tables_.push_back(own);
  }
  own_tables_ = tables_.size();
  settle_tables(mapping_, tables_);
  check_distribute(mapping_, tables_.front());
  check_newer(mapping_, tables_.front());
  add_children(mapping_.children, tables_, 0, 1);
  add_reference_constraints(tables_, mapping_);
  Arena scratch(4096);
  for (const TablePlan& table : tables_) {
    for (const Column& column : table.columns) default_of(table, column, scratch);
  }
  const ObjectNames checked(*this);  // refuses what the server would cut, before the first row
}

std::optional<size_t> PlanShape::own_table(std::string_view name) const {
  for (size_t i = 0; i < own_tables_; ++i) {
    if (tables_[i].name == name) return i;
  }
  return std::nullopt;
}

std::optional<size_t> PlanShape::route(std::string_view value) const {
  const Route& route = mapping_.route;
  const auto at = route.tables.find(std::string(value));
  if (at != route.tables.end()) return own_table(at->second);
  if (!route.otherwise.empty()) return own_table(route.otherwise);
  return std::nullopt;
}

}  // namespace lugger
