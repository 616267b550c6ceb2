#include "files/json_row.hpp"

#include <algorithm>

#include "value/datetime.hpp"

namespace lugger {
namespace {

/// The value as BSON has it; kMissing: BSON has no type for it.
Value as_bson(const Value& value, const ColumnType& type, uint8_t* room16) {
  switch (value.type) {
    case ValueType::kBool:
    case ValueType::kDouble:
    case ValueType::kBinary: return value;
    case ValueType::kInt64:
      return Value::of(type.kind == Kind::kInt8 ? ValueType::kInt64 : ValueType::kInt32, value.i64);
    case ValueType::kUuid: return Value::of(ValueType::kBinary, value.bytes(), 4);
    case ValueType::kNumeric: {
      DecimalDigits digits;
      decimal_from_numeric(value.bytes(), digits);
      if (!decimal_to_bson(digits, room16)) return {};
      return Value::of(ValueType::kDecimal, Bytes(room16, 16));
    }
    case ValueType::kMicros: {
      const std::optional<int64_t> ms = unix_ms_from_micros(value.i64);
      if (!ms || micros_from_unix_ms(*ms) != value.i64)
        return {};  // finer than BSON's milliseconds
      return Value::of(ValueType::kDate, *ms);
    }
    default: return {};
  }
}

}  // namespace

void write_column_json(const Value& value, const ColumnType& type, JsonStyle style,
                       std::string& out) {
  if (style == JsonStyle::kCanonical || style == JsonStyle::kRelaxed) {
    uint8_t room[16];
    const Value bson = as_bson(value, type, room);
    if (bson.type != ValueType::kMissing) {
      out += value_json(bson, style);
      return;
    }
  }
  write_coerced_json(value, type, out);
}

JsonRows::JsonRows(const PlanShape& plan, JsonStyle style, bool documents)
    : plan_(plan), style_(style) {
  if (documents) assembler_.emplace(plan);
  document_.children.resize(plan.tables().size());
  for (const TablePlan& table : plan.tables()) {
    write_json_string(table.name, names_.emplace_back());
    std::vector<std::string>& columns = columns_.emplace_back();
    std::vector<bool>& shown = shown_.emplace_back();
    for (const Column& column : table.columns) {
      write_json_string(column.name, columns.emplace_back());
      columns.back() += ":";
      shown.push_back(table.parent < 0 || (column.generate != Column::Generate::kParentKey &&
                                           column.generate != Column::Generate::kOrdinal));
    }
  }
  by_document_.resize(plan.tables().size());
}

void JsonRows::index_children(const Batch& batch) {
  for (size_t t = plan_.own_tables(); t < plan_.tables().size(); ++t) {
    std::vector<uint32_t>& index = by_document_[t];
    index.clear();
    const RowSet& rows = batch.tables[t];
    for (size_t i = 0; i < rows.rows(); ++i) {
      if (rows.live(i)) index.push_back(static_cast<uint32_t>(i));
    }
    std::stable_sort(index.begin(), index.end(),
                     [&](uint32_t a, uint32_t b) { return rows.document(a) < rows.document(b); });
  }
}

void JsonRows::append(const Batch& batch, Tally& tally, std::string& out) {
  index_children(batch);
  has_row_.assign(batch.documents.size(), 0);
  for (size_t t = 0; t < plan_.own_tables() && t < batch.tables.size(); ++t) {
    const RowSet& rows = batch.tables[t];
    for (size_t i = 0; i < rows.rows(); ++i) {
      if (!rows.live(i) || batch.fates[rows.document(i)] != Fate::kLoad) continue;
      has_row_[rows.document(i)] = 1;
      ++tally.rows;
      assembler_ ? write_document(batch, t, i, tally, out)
                 : write_object(batch, 0, t, i, tally, out);
      out += '\n';
    }
  }
  for (size_t i = 0; i < batch.documents.size(); ++i) {
    if (batch.fates[i] == Fate::kLoad) ++(has_row_[i] != 0 ? tally.inserted : tally.skipped);
  }
}

void JsonRows::write_document(const Batch& batch, size_t table, size_t row, Tally& tally,
                              std::string& out) {
  const uint32_t document = batch.tables[table].document(row);
  document_.table = table;
  document_.row = batch.tables[table].row(row);
  for (size_t child = plan_.own_tables(); child < plan_.tables().size(); ++child) {
    const RowSet& rows = batch.tables[child];
    const auto [first, last] = rows_of(child, rows, document);
    document_.children[child].clear();
    for (auto at = first; at != last; ++at) document_.children[child].push_back(rows.row(*at));
  }
  arena_.reset();
  bson_.clear();
  const size_t children = assembler_->append(document_, arena_, bson_);
  tally.rows += children, tally.child_rows += children;
  out += value_json(Value::of(ValueType::kDocument, bson_.view()), style_);
}

JsonRows::Rows JsonRows::rows_of(size_t child, const RowSet& rows, uint32_t document) const {
  const std::vector<uint32_t>& index = by_document_[child];
  const auto first =
      std::lower_bound(index.begin(), index.end(), document,
                       [&](uint32_t i, uint32_t wanted) { return rows.document(i) < wanted; });
  const auto last =
      std::upper_bound(first, index.end(), document,
                       [&](uint32_t wanted, uint32_t i) { return wanted < rows.document(i); });
  return {first, last};
}

void JsonRows::write_object(const Batch& batch, size_t shape, size_t table, size_t row,
                            Tally& tally, std::string& out) {
  const RowSet& rows = batch.tables[table];
  const Value* values = rows.row(row);
  const TablePlan& plan = plan_.tables()[table];
  char between = '{';
  for (size_t c = 0; c < plan.columns.size(); ++c) {
    if (!shown_[table][c]) continue;
    // With json_null a line tells NULL, which it leaves out, from JSON's null.
    if (plan.columns[c].policy.json_null && values[c].absent()) continue;
    out += between;
    out += columns_[table][c];
    write_column_json(values[c], plan.columns[c].type, style_, out);
    between = ',';
  }
  for (size_t child = plan_.own_tables(); child < plan_.tables().size(); ++child) {
    if (plan_.tables()[child].parent != static_cast<int>(shape)) continue;
    out += between;
    out += names_[child];
    out += ':';
    write_children(batch, child, rows.document(row), values, table, tally, out);
    between = ',';
  }
  if (between == '{') out += '{';
  out += '}';
}

void JsonRows::write_children(const Batch& batch, size_t child, uint32_t document,
                              const Value* parent, size_t parent_shape, Tally& tally,
                              std::string& out) {
  const RowSet& rows = batch.tables[child];
  const TablePlan& plan = plan_.tables()[child];
  const std::vector<size_t>& parent_key = plan_.tables()[parent_shape].key;
  const auto [begin, end] = rows_of(child, rows, document);
  out += '[';
  bool first = true;
  for (auto at = begin; at != end; ++at) {
    const Value* values = rows.row(*at);
    bool ours = true;
    for (size_t k = 0; k < parent_key.size() && ours; ++k) {
      ours = same_slot(values[plan.parent_key[k]], parent[parent_key[k]]);
    }
    if (!ours) continue;
    if (!first) out += ',';
    first = false;
    ++tally.rows, ++tally.child_rows;
    write_object(batch, child, child, *at, tally, out);
  }
  out += ']';
}

}  // namespace lugger
