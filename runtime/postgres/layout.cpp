#include "postgres/layout.hpp"

#include <algorithm>

#include "postgres/vectors_types.hpp"

namespace lugger {
namespace {

bool is_builtin(const ColumnType& type) {
  return type.kind != Kind::kOther && !(type.is_array() && type.element == Kind::kOther);
}

bool has_vectors(const PlanShape& plan) {
  return std::ranges::any_of(plan.tables(), [](const TablePlan& table) {
    return std::ranges::any_of(
        table.columns, [](const Column& column) { return may_be_vectors(column.type.kind); });
  });
}

bool is_text(Kind kind) { return kind == Kind::kText || kind == Kind::kVarchar; }

/// The collation of a column's equality, as PgColumn::collation. For a key it is the collation of
/// the unique index, which may differ from the column's.
std::string equal_by(const TablePlan& table, size_t slot, const PgTable& actual) {
  const std::string& name = table.columns[slot].name;
  std::string found;
  if (std::find(table.key.begin(), table.key.end(), slot) != table.key.end()) {
    std::vector<std::string> key;
    for (size_t one : table.key) key.push_back(table.columns[one].name);
    found = actual.key_collation(key, name);
  }
  const PgColumn* column = actual.column(name);
  return found.empty() && column != nullptr ? column->collation : found;
}

/// The types that the plan's columns have in the database.
struct KnownTypes {
  TypeOids& oids;
  std::optional<VectorsTypes> vectors;  // where a column may be of them

  /// nullptr: the type is not PGVecto.rs'.
  const VectorsType* vectors_type(const ColumnType& type) const {
    return vectors && may_be_vectors(type.kind) ? vectors->of(oids.of(type.sql)) : nullptr;
  }
};

PgField make_field(const KnownTypes& types, const Column& column, size_t slot,
                   const PgColumn* actual, const std::string& collation, PgTableLayout& layout) {
  PgField field;
  field.slot = slot;
  field.column = column.name;
  field.name = PgSession::quote_name(column.name);
  const VectorsType* const of_vectors = types.vectors_type(column.type);
  const bool as_text = of_vectors != nullptr && of_vectors->writes == VectorsWire::kText;
  field.plan_type = is_builtin(column.type) && !as_text ? column.type.sql : "text";
  field.encode =
      of_vectors == nullptr ? field_encoder(column.type.kind) : vectors_encoder(of_vectors->writes);
  field.update = column.generate != Column::Generate::kV7;
  const std::string wanted = actual == nullptr ? column.type.sql : actual->type;
  const bool same = is_builtin(column.type) && !as_text &&
                    (actual == nullptr || types.oids.of(column.type.sql) == actual->base_oid);
  if (!collation.empty()) field.collate = " COLLATE " + collation;
  field.text_key = same && is_text(column.type.kind) && collation.empty();
  if (same) {
    if (actual != nullptr && actual->type != column.type.sql)
      field.compare_cast = "::" + actual->type;
    field.compare_cast += field.collate;
    return field;
  }
  field.cast = "::" + (actual == nullptr ? column.type.sql : actual->bare_type);
  field.compare_cast = "::" + wanted + field.collate;
  if (!layout.foreign_types) {
    layout.foreign_types = true;
    layout.foreign_reason = fmt::format("column {} is {}, which the server casts from {}",
                                        column.name, wanted, field.plan_type);
  }
  return field;
}

size_t field_of_slot(const PgTableLayout& layout, size_t slot) {
  for (size_t i = 0; i < layout.fields.size(); ++i) {
    if (layout.fields[i].slot == slot) return i;
  }
  raise(Code::kConfig, "table {}: a key column must be filled by lugger, not by the server",
        layout.name);
}

/// The number of columns in the root's key. A grandchild's parent key begins with its parent's
/// parent key, and so on up; so the root's key comes first.
size_t root_key_size(const PlanShape& plan, const TablePlan& child) {
  return std::min(plan.tables()[0].key.size(), child.parent_key.size());
}

/// May rows of a document have equal keys? Names of fields are equal by the column's type, or come
/// twice in a document; places in an array differ.
bool may_share_keys(const TablePlan& table) {
  return std::any_of(table.key.begin(), table.key.end(), [&](size_t slot) {
    const bool of_parent =
        std::find(table.parent_key.begin(), table.parent_key.end(), slot) != table.parent_key.end();
    return !of_parent && table.columns[slot].generate != Column::Generate::kOrdinal;
  });
}

/// Two rows that swap values would violate any other unique index in between. Two rows of one key
/// are refused by an INSERT; an upsert would let the second take the place of the first, if that is
/// as stored.
bool sets_in_place(const TablePlan& table, const PgTableLayout& layout, const PgTable& actual) {
  if (may_share_keys(table)) return false;
  std::vector<std::string> key;
  for (const size_t slot : table.key) key.push_back(table.columns[slot].name);
  if (actual.kind != "r" || layout.guarded || layout.rules || layout.mend) return false;
  return actual.one_rule && actual.unique_on(key) &&
         std::all_of(layout.fields.begin(), layout.fields.end(), [&](const PgField& field) {
           const PgColumn* column = actual.column(field.column);
           return !field.update || (column != nullptr && column->may_update);
         });
}

PgTableLayout make_table(const KnownTypes& types, const PlanShape& plan, size_t index,
                         const PgTable* actual) {
  const TablePlan& table = plan.tables()[index];
  PgTableLayout out;
  out.name = table.name;
  out.table = PgSession::quote_table(table.name);
  out.own = table.parent < 0;
  out.mend = plan.mapping().mend;
  out.has_xmax = actual == nullptr || actual->kind == "r";
  out.distributed = actual != nullptr && actual->distributed;
  out.guarded = actual != nullptr && actual->may_keep_out();
  out.rules = actual != nullptr && !actual->rules.empty();
  for (int at = table.parent; at >= 0; at = plan.tables()[static_cast<size_t>(at)].parent)
    ++out.depth;
  for (size_t slot = 0; slot < table.columns.size(); ++slot) {
    const Column& column = table.columns[slot];
    if (!is_written(column)) continue;
    const PgColumn* stored = actual == nullptr ? nullptr : actual->column(column.name);
    PgField field =
        make_field(types, column, slot, stored,
                   actual == nullptr ? std::string() : equal_by(table, slot, *actual), out);
    if (stored != nullptr && stored->identity_always) {
      out.identity_always = true;
      field.update = false;
    }
    if (column.name == plan.mapping().newer) out.newer = stage_column(out.fields.size());
    out.fields.push_back(std::move(field));
  }
  for (size_t slot : table.key) {
    out.key.push_back(field_of_slot(out, slot));
    out.fields[out.key.back()].update = false;
  }
  for (size_t i = 0; i < root_key_size(plan, table); ++i) {
    out.root_key.push_back(field_of_slot(out, table.parent_key[i]));
  }
  out.in_place = !out.own && actual != nullptr && sets_in_place(table, out, *actual);
  out.found_by_root = out.own || (actual != nullptr && finds_by_root(plan, table, *actual));
  return out;
}

/// Child rows are found by the equality of the root key's type, whatever the types of their own
/// columns are: an index with another equality cannot be used.
void cast_root_key(PgSession& session, const PgTable& root, const PgTable& child,
                   const PgTableLayout& root_layout, PgTableLayout& layout) {
  for (size_t i = 0; i < layout.root_key.size(); ++i) {
    const PgField& key = root_layout.fields[root_layout.key[i]];
    PgField& field = layout.fields[layout.root_key[i]];
    const PgColumn* to = root.column(key.column);
    const PgColumn* from = child.column(field.column);
    if (to == nullptr || from == nullptr) continue;
    if (to->base_oid != from->base_oid && !share_equality(session, from->base_oid, to->base_oid))
      field.root_cast = "::" + to->bare_type;
    if (!field.root_cast.empty() || field.collate != key.collate) layout.found_by_root = false;
  }
}

}  // namespace

std::vector<std::string> root_key_names(const PlanShape& plan, const TablePlan& child) {
  std::vector<std::string> out;
  for (size_t i = 0; i < root_key_size(plan, child); ++i)
    out.push_back(child.columns[child.parent_key[i]].name);
  return out;
}

bool finds_by_root(const PlanShape& plan, const TablePlan& child, const PgTable& actual) {
  const std::vector<std::string> names = root_key_names(plan, child);
  const bool stored = actual.kind == "r" || actual.kind == "p";
  return !stored || names.empty() || actual.finds_by(names);
}

bool is_written(const Column& column) noexcept {
  return column.generate != Column::Generate::kServer;
}

std::vector<std::string> written_types(const PlanShape& plan) {
  std::vector<std::string> out;
  for (const TablePlan& table : plan.tables()) {
    for (const Column& column : table.columns) out.push_back(column.type.sql);
  }
  return out;
}

bool equal_by_bytes(const PgField& field, const ColumnType& type) noexcept {
  // A cast, a modifier or a collation may make two different values equal.
  if (!field.compare_cast.empty()) return false;
  switch (type.kind) {
    case Kind::kInt2:
    case Kind::kInt4:
    case Kind::kInt8:
    case Kind::kUuid: return true;
    default: return field.text_key && type.length == 0;
  }
}

std::string stage_column(size_t field) { return fmt::format("c{}", field); }

std::string PgTableLayout::column_list() const {
  std::string out;
  for (const PgField& field : fields) {
    if (!out.empty()) out += ", ";
    out += field.name;
  }
  return out;
}

std::vector<PgTableLayout> make_layout(PgSession& session, const PlanShape& plan,
                                       const std::vector<std::optional<PgTable>>& tables,
                                       TypeOids& types) {
  std::vector<PgTableLayout> out;
  KnownTypes known{types, std::nullopt};
  if (has_vectors(plan)) known.vectors.emplace(session);
  for (size_t i = 0; i < plan.tables().size(); ++i) {
    out.push_back(make_table(known, plan, i, tables[i] ? &*tables[i] : nullptr));
    if (!out[i].own && tables[0] && tables[i])
      cast_root_key(session, *tables[0], *tables[i], out[0], out[i]);
  }
  // When rows of one table are deleted and inserted, rows that refer to them must be deleted first.
  const bool all = std::all_of(out.begin(), out.end(), [](const PgTableLayout& table) {
    return table.own || table.in_place;
  });
  for (PgTableLayout& table : out) table.in_place = table.in_place && all;
  return out;
}

std::vector<PgTableLayout> make_layout(PgSession& session, const PlanShape& plan) {
  std::vector<std::optional<PgTable>> tables;
  for (const TablePlan& table : plan.tables()) tables.push_back(inspect_table(session, table.name));
  TypeOids types(session, written_types(plan));
  return make_layout(session, plan, tables, types);
}

}  // namespace lugger
