#include "verify/refused_keys.hpp"

#include <algorithm>

namespace lugger {

namespace {

/// A mapping in which only the key can be refused.
Mapping key_mapping(const PlanShape& shape) {
  const TablePlan& own = shape.tables().front();
  Mapping out;
  out.table = own.name;
  out.database = shape.mapping().database;
  out.collection = shape.mapping().collection;
  out.unmapped = Unmapped::kIgnore;
  for (const size_t slot : own.key) {
    Column& column = out.columns.emplace_back(own.columns[slot]);
    column.on_error = OnError::kReject;
    out.key.push_back(column.name);
  }
  return out;
}

bool known_by_lugger(const ComparedTable& table) {
  return !table.key.empty() && std::none_of(table.key.begin(), table.key.end(), [&](size_t i) {
    const ComparedColumn& column = table.columns[i];
    return column.by_server || column.hash >= 0;
  });
}

}  // namespace

RefusedKeys::RefusedKeys(const PlanShape& shape, const std::vector<ComparedTable>& tables)
    : tables_(tables), refused_(arena_) {
  const bool known = std::any_of(tables.begin(), tables.end(), [](const ComparedTable& table) {
    return table.own && known_by_lugger(table);
  });
  if (known) keys_ = std::make_unique<Plan>(std::make_shared<const PlanShape>(key_mapping(shape)));
}

uint64_t RefusedKeys::find(Batch& batch, const std::vector<uint8_t>& passed_over,
                           RowDigester& digester, const Use& use) {
  if (batch.refusals.empty()) return 0;
  refused_.clear();
  arena_.reset();
  numbers_.clear();
  known_.assign(batch.documents.size(), 1);
  for (const Refusal& refusal : batch.refusals) {
    if (passed_over[refusal.document] != 0) continue;
    numbers_.push_back(refusal.document);
    known_[refusal.document] = 0;
    refused_.documents.push_back(batch.documents[refusal.document]);
  }
  use_made_rows(batch, digester, use);
  if (keys_) {
    keys_->run(refused_, nullptr);
    const RowSet& rows = refused_.tables.front();
    for (uint32_t row = 0; row < rows.rows(); ++row) {
      const uint32_t document = rows.document(row);
      if (refused_.fates[document] == Fate::kLoad) use_key(row, numbers_[document], digester, use);
    }
  }
  return static_cast<uint64_t>(std::count(known_.begin(), known_.end(), 0));
}

/// A hook may have given the row a different key from the document's.
void RefusedKeys::use_made_rows(const Batch& batch, RowDigester& digester, const Use& use) {
  for (const ComparedTable& table : tables_) {
    if (!table.own || !known_by_lugger(table)) continue;
    const RowSet& rows = batch.tables[table.table];
    for (size_t i = 0; i < rows.rows(); ++i) {
      const uint32_t document = rows.document(i);
      if (batch.fates[document] != Fate::kReject) continue;
      const Value* slots = rows.row(i);
      const auto slot = [&](size_t k) -> const Value& {
        return slots[table.columns[table.key[k]].slot];
      };
      bool coerced = true;
      for (size_t k = 0; k < table.key.size(); ++k)
        coerced = coerced && !slot(k).absent() && slot(k).flags == 0;
      if (!coerced) continue;
      use(table, digester.key(table, slot), document);
      known_[document] = 1;
    }
  }
}

/// A document without a route may belong to any own table.
void RefusedKeys::use_key(uint32_t row, uint32_t document, RowDigester& digester, const Use& use) {
  const Value* slots = refused_.tables.front().row(row);
  const size_t width = refused_.tables.front().width();
  for (size_t k = 0; k < width; ++k) {
    if (slots[k].absent()) return;
  }
  for (const ComparedTable& table : tables_) {
    if (!table.own || !known_by_lugger(table)) continue;
    use(table, digester.key(table, [&](size_t k) -> const Value& { return slots[k]; }), document);
    known_[document] = 1;
  }
}

}  // namespace lugger
