// Rows made from documents: gather, coerce, fan out to children, settle what a hook left.
#include <algorithm>

#include "base/error.hpp"
#include "plan/work.hpp"
#include "value/damaged.hpp"
#include "value/looked_into.hpp"
#include "value/pgrow_reader.hpp"
#include "value/plain_json.hpp"

namespace lugger {

namespace {

bool is_json(const ColumnType& type) {
  return type.kind == Kind::kJson || type.kind == Kind::kJsonb;
}

bool comes_again(const BsonReader& at) {
  for (BsonReader later = at; later.next();) {
    if (later.name() == at.name()) return true;
  }
  return false;
}

/// In words where they say more than the failure; empty otherwise.
std::string why_unread(const Document& document, Batch& batch) {
  if (document.format == Format::kBson) return std::string(damage_of(document.bytes()));
  for (PgRowReader row(document, batch.arena()); row.next();) {
    if (row.value().type != ValueType::kJson) continue;
    try {
      bson_from_plain_json(row.value().text());
    } catch (const Error& error) {
      return fmt::format("{}: {}, which lugger does not read", row.name(), error.message());
    }
  }
  return {};
}

}  // namespace

void Plan::Work::make_rows(Batch& batch, uint32_t document) {
  TableWork& own = tables[0];
  const Failure failure =
      own.scope.read(batch.documents[document], read + document + 1, batch.arena());
  if (failure != Failure::kNone) {
    batch.refuse({document, 0, -1, failure, {}, why_unread(batch.documents[document], batch)});
    return;
  }
  if (refuse_left_over(batch, 0, document)) return;
  const std::optional<size_t> table = choose_table();
  if (has_hook) {
    RowSet& rows = table ? batch.tables[*table] : batch.unrouted;
    fill_for_hook(batch, table.value_or(0), document, rows.add(document));
    return;
  }
  if (!table) return refuse_unrouted(batch, document);
  RowSet& rows = batch.tables[*table];
  fill(batch, *table, document, rows.add(document), nullptr, {});
  if (batch.fates[document] == Fate::kLoad)
    add_children(batch, 0, *table, document, rows.rows() - 1);
}

std::optional<size_t> Plan::Work::choose_table() {
  if (shape->mapping().route.from.empty()) return 0;
  const Value& value = tables[0].scope.route();
  text.clear();
  if (!value.absent()) append_id_text(value, IdStyle::kPlain, text);
  return shape->route(text.text());
}

void Plan::Work::refuse_unrouted(Batch& batch, uint32_t document) {
  batch.refuse({document, 0, -1, Failure::kNoRoute, tables[0].scope.route(), {}});
}

bool Plan::Work::refuse_left_over(Batch& batch, size_t table, uint32_t document) {
  if (shape->mapping().unmapped != Unmapped::kError || !tables[table].scope.left_over())
    return false;
  batch.refuse({document, static_cast<int>(table), -1, Failure::kUnmapped, {}, {}});
  return true;
}

Failure Plan::Work::generate(size_t table, size_t column, const Value& raw, const Value* parent_row,
                             ChildPlace place, Value& slot, Arena& arena) {
  const TableWork& work = tables[table];
  switch (work.table->columns[column].generate) {
    case Column::Generate::kParentKey: {
      if (parent_row == nullptr) raise(Code::kBug, "table {} has no parent", work.table->name);
      const TablePlan& above = shape->tables()[static_cast<size_t>(work.table->parent)];
      for (size_t i = 0; i < work.table->parent_key.size(); ++i) {
        if (work.table->parent_key[i] == column) slot = parent_row[above.key[i]];
      }
      return Failure::kNone;
    }
    case Column::Generate::kOrdinal:
      slot = Value::of(ValueType::kInt64, place.ordinal);
      return Failure::kNone;
    case Column::Generate::kEntry:
      return tables[table].coercers[column](Value::of(ValueType::kString, place.entry), slot,
                                            arena);
    case Column::Generate::kConstant: slot = work.defaults[column]; return Failure::kNone;
    case Column::Generate::kServer: slot = Value::null(); return Failure::kNone;
    case Column::Generate::kV7: {
      const Uuid id = uuid_v7();
      slot = Value::of(ValueType::kUuid, Bytes{arena.copy(Bytes{id.data(), id.size()}), id.size()});
      return Failure::kNone;
    }
    case Column::Generate::kV5: {
      text.clear();
      if (!append_id_text(raw, IdStyle::kSafe, text)) return Failure::kRequired;
      const Uuid id = uuid_v5(id_namespace, text.text());
      slot = Value::of(ValueType::kUuid, Bytes{arena.copy(Bytes{id.data(), id.size()}), id.size()});
      return Failure::kNone;
    }
    case Column::Generate::kNone: break;
  }
  return Failure::kNone;
}

void Plan::Work::fill(Batch& batch, size_t table, uint32_t document, Value* row,
                      const Value* parent_row, ChildPlace place) {
  for (size_t i = 0; i < tables[table].table->columns.size(); ++i)
    fill_column(batch, table, document, i, row, parent_row, place);
}

void Plan::Work::fill_column(Batch& batch, size_t table, uint32_t document, size_t column,
                             Value* row, const Value* parent_row, ChildPlace place) {
  const TableWork& work = tables[table];
  const Value& raw = (table < shape->own_tables() ? tables[0].scope : work.scope).column(column);
  if (work.table->columns[column].computed) {  // of a rehearsal, which calls no hook
    row[column] = Value::null();
    return;
  }
  if (work.table->columns[column].generate == Column::Generate::kNone) {
    settle(batch, table, document, column, raw, row[column]);
    return;
  }
  const Failure failure =
      generate(table, column, raw, parent_row, place, row[column], batch.arena());
  if (failure != Failure::kNone)
    batch.refuse({document, static_cast<int>(table), static_cast<int>(column), failure, raw, {}});
}

void Plan::Work::make_key(Batch& batch, uint32_t document, const Document& key) {
  TableWork& own = tables[0];
  const Failure failure = own.scope.read(key, read + document + 1, batch.arena());
  if (failure != Failure::kNone) {
    batch.refuse({document, 0, -1, failure, {}, why_unread(key, batch)});
    return;
  }
  const Fate fate = batch.fates[document];
  const size_t refused = batch.refusals.size();
  Value* row = batch.tables[0].add(document);
  std::fill_n(row, own.table->columns.size(), Value::null());
  for (const size_t column : own.table->key) {
    fill_column(batch, 0, document, column, row, nullptr, {});
    if (row[column].absent())
      batch.refuse({document, 0, static_cast<int>(column), Failure::kRequired, {}, {}});
  }
  if (batch.refusals.size() == refused) return;
  // The document was refused for its key too, if it ever came: no row is to go.
  batch.refusals.resize(refused);
  batch.tables[0].drop(batch.tables[0].rows() - 1);
  batch.fates[document] = fate == Fate::kDelete ? Fate::kLoad : Fate::kSkip;
  batch.skip(document, "deleted; no key can be made of its _id");
}

/// Whether a value that the column refuses is replaced by NULL or the default.
static bool is_replaced(const Column& column) noexcept {
  return column.on_error == OnError::kDefault ||
         (column.on_error == OnError::kNull && !column.required);
}

void Plan::Work::fill_for_hook(Batch& batch, size_t table, uint32_t document, Value* row) {
  TableWork& work = tables[table];
  for (size_t i = 0; i < work.table->columns.size(); ++i) {
    const Column& column = work.table->columns[i];
    const Value& raw = tables[0].scope.column(i);
    if (column.generate != Column::Generate::kNone) {
      const Failure failure = generate(table, i, raw, nullptr, {}, row[i], batch.arena());
      if (failure != Failure::kNone)
        batch.refuse({document, static_cast<int>(table), static_cast<int>(i), failure, raw, {}});
      continue;
    }
    if (column.id_text_column && raw.type != ValueType::kMissing) {
      settle(batch, table, document, i, raw, row[i]);
      continue;
    }
    // Json stays a document that the hook can look into; what is refused may yet be mended by it.
    const bool later = is_json(column.type) || raw.absent() || column.embed;
    const Failure failure = later ? Failure::kNone : work.coercers[i](raw, row[i], batch.arena());
    if (!later && failure == Failure::kNone && !row[i].absent()) continue;
    row[i] = raw;
    row[i].flags = Value::kPending;
    if (failure != Failure::kNone)
      row[i].flags |= is_replaced(column) ? Value::kReplaced : Value::kRefused;
  }
}

void Plan::Work::settle(Batch& batch, size_t table, uint32_t document, size_t column,
                        const Value& raw, Value& slot) {
  TableWork& work = tables[table];
  const Column& spec = work.table->columns[column];
  Failure failure = Failure::kNone;
  if (spec.embed && waits_for_model(raw)) {
    slot = raw;
    return;
  }
  if (spec.id_text_column && (slot.flags & Value::kWritten) == 0 &&
      raw.type != ValueType::kMissing) {
    text.clear();
    if (append_id_text(raw, spec.policy.id_text, text))
      slot = Value::of(ValueType::kString, batch.arena().copy(text.text()));
    else
      failure = Failure::kNul;
  } else {
    Value out;
    failure = work.coercers[column](raw, out, batch.arena());
    slot = out;
  }
  if (failure == Failure::kNone) {
    if (!slot.absent()) return;
    slot = Value::null();
    if (work.defaults[column].type != ValueType::kMissing)
      slot = work.defaults[column];
    else if (spec.required)
      batch.refuse({document,
                    static_cast<int>(table),
                    static_cast<int>(column),
                    Failure::kRequired,
                    raw,
                    {}});
    return;
  }
  slot = Value::null();
  if (spec.on_error == OnError::kDefault) slot = work.defaults[column];
  if (is_replaced(spec)) {
    ++work.replaced[column];
    return;
  }
  if (spec.on_error == OnError::kError) {
    throw Error(Code::kCoerce,
                fmt::format("{}: {}", spec.name, describe_failure(failure, raw, spec.type.sql)),
                "on_error = \"error\" stops the run; on_error = \"reject\" would go on")
        .note("column", spec.name);
  }
  batch.refuse({document, static_cast<int>(table), static_cast<int>(column), failure, raw, {}});
}

void Plan::Work::add_children(Batch& batch, size_t table, size_t rows, uint32_t document,
                              size_t row) {
  const TableWork& above = tables[table];
  for (size_t i = 0; i < above.children.size() && batch.fates[document] == Fate::kLoad; ++i) {
    const Value source = above.scope.array(i);
    if (source.absent()) continue;
    const size_t child = above.children[i];
    const bool entries = tables[child].table->of_entries();
    if (entries ? source.type != ValueType::kDocument : !is_array(source.type)) {
      batch.refuse({document, static_cast<int>(child), -1, Failure::kWrongType, source, {}});
      return;
    }
    add_rows(batch, child, source, document, batch.tables[rows].row(row));
  }
}

bool Plan::Work::has_doubles(const Value& source) {
  names.clear();
  for (BsonReader reader(source.bytes()); reader.next();) names.push_back(reader.name());
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

void Plan::Work::add_rows(Batch& batch, size_t child, const Value& source, uint32_t document,
                          const Value* parent_row) {
  const bool entries = tables[child].table->of_entries();
  const bool doubled = entries && has_doubles(source);
  ChildPlace place;
  if (source.type == ValueType::kPgArray) {
    ElementReader reader(source, batch.arena());
    while (reader.next()) {
      ++place.ordinal;
      if (!add_child(batch, child, reader.value(), place, document, parent_row)) return;
    }
    if (reader.malformed())
      batch.refuse({document, static_cast<int>(child), -1, Failure::kMalformed, source, {}});
    return;
  }
  for (BsonReader reader(source.bytes()); reader.next();) {
    if (doubled && comes_again(reader)) continue;  // the last one counts
    ++place.ordinal;
    place.entry = reader.name();
    if (!add_child(batch, child, reader.value(), place, document, parent_row)) return;
  }
}

bool Plan::Work::add_child(Batch& batch, size_t child, const Value& element, ChildPlace place,
                           uint32_t document, const Value* parent_row) {
  const Failure failure = tables[child].scope.read(element, read + document + 1, batch.arena());
  if (failure != Failure::kNone) {
    batch.refuse({document, static_cast<int>(child), -1, failure, element, {}});
    return false;
  }
  if (refuse_left_over(batch, child, document)) return false;
  Value* made = batch.tables[child].add(document);
  fill(batch, child, document, made, parent_row, place);
  if (batch.fates[document] == Fate::kLoad)
    add_children(batch, child, child, document, batch.tables[child].rows() - 1);
  return batch.fates[document] == Fate::kLoad;
}

void Plan::Work::finish_hooked(Batch& batch) {
  for (size_t table = 0; table < shape->own_tables(); ++table) {
    RowSet& rows = batch.tables[table];
    uint32_t with_children = UINT32_MAX;  // children hang off a document's first row
    for (size_t row = 0; row < rows.rows(); ++row) {
      const uint32_t document = rows.document(row);
      if (!rows.live(row) || batch.fates[document] != Fate::kLoad) continue;
      finish_row(batch, table, row);
      const bool wanted = !tables[0].children.empty() && with_children != document;
      if (!wanted || batch.fates[document] != Fate::kLoad) continue;
      with_children = document;
      // The scope holds the last document of the batch by now: read this one's arrays again.
      if (tables[0].scope.read_again(batch.documents[document], batch.arena()) == Failure::kNone)
        add_children(batch, 0, table, document, row);
    }
  }
  for (size_t row = 0; row < batch.unrouted.rows(); ++row) {
    const uint32_t document = batch.unrouted.document(row);
    if (!batch.unrouted.live(row) || batch.fates[document] != Fate::kLoad) continue;
    if (tables[0].scope.read_again(batch.documents[document], batch.arena()) == Failure::kNone)
      refuse_unrouted(batch, document);
  }
}

void Plan::Work::finish_row(Batch& batch, size_t table, size_t row) {
  TableWork& work = tables[table];
  Value* slots = batch.tables[table].row(row);
  const uint32_t document = batch.tables[table].document(row);
  for (size_t i = 0; i < work.table->columns.size(); ++i) {
    const Value raw = slots[i];
    if (raw.flags == 0 && raw.type != ValueType::kMissing) continue;
    if (raw.type == ValueType::kMissing &&
        work.table->columns[i].generate != Column::Generate::kNone)
      continue;
    settle(batch, table, document, i, raw, slots[i]);
  }
  for (size_t i = 0; i < work.table->columns.size(); ++i) {
    const bool missing = slots[i].type == ValueType::kMissing;
    if (missing && work.table->columns[i].generate != Column::Generate::kNone)
      generate_emitted(batch, table, row, i);
    slots[i].flags = 0;
  }
}

void Plan::Work::generate_emitted(Batch& batch, size_t table, size_t row, size_t column) {
  RowSet& rows = batch.tables[table];
  Value& slot = rows.row(row)[column];
  if (tables[table].table->columns[column].generate != Column::Generate::kV5) {
    generate(table, column, {}, nullptr, {}, slot, batch.arena());
    return;
  }
  const uint32_t document = rows.document(row);
  size_t first = row;
  while (first != 0 && rows.live(first - 1) && rows.document(first - 1) == document) --first;
  std::string name = emitted_key(table, rows.row(row), column);
  if (name.empty()) {
    name = fmt::format("{}\x1f{}", document_id(batch.documents[document], shape->mapping()),
                       row - first);
  } else if (first != row && name == emitted_key(table, rows.row(first), column)) {
    slot = rows.row(first)[column];
    return;
  }
  const Uuid id = uuid_v5(id_namespace, name);
  slot = Value::of(ValueType::kUuid,
                   Bytes{batch.arena().copy(Bytes{id.data(), id.size()}), id.size()});
}

/// What a row's id is computed from: its key but for the id itself; empty when there is no more.
/// The canonical text of an `_id` stands alone, as it does for a document.
std::string Plan::Work::emitted_key(size_t table, const Value* row, size_t column) const {
  const TablePlan& plan = *tables[table].table;
  std::string key;
  for (const size_t part : plan.key) {
    if (part == column) continue;
    const bool alone = plan.columns[part].id_text_column && plan.key.size() == 1;
    key += coerced_text(row[part], plan.columns[part].type) + (alone ? "" : "\x1f");
  }
  return key;
}

}  // namespace lugger
