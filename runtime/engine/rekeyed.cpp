#include "engine/rekeyed.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine/run_impl.hpp"
#include "plan/coercer.hpp"

namespace lugger {
namespace {

/// The first key column that differs; -1: none.
int differing(const TablePlan& table, const Value* row, const TablePlan& own, const Value* key) {
  for (size_t i = 0; i < table.key.size(); ++i) {
    const size_t column = table.key[i];
    if (i >= own.key.size()) return static_cast<int>(column);
    const auto text = [i](const TablePlan& of, const Value* values) {
      return coerced_text(values[of.key[i]], of.columns[of.key[i]].type);
    };
    if (text(table, row) != text(own, key)) return static_cast<int>(column);
  }
  return -1;
}

}  // namespace

bool is_followed(RunShared& shared) {
  if (shared.settings.follow) return true;
  const std::lock_guard lock(shared.mutex);  // the ledger has one session for all workers
  return shared.state != nullptr && shared.state->feed(shared.job.spec.name).has_value();
}

void KeyCheck::refuse_rekeyed(Batch& batch) {
  // What a delete of each document would be told by.
  Batch deletes(batch.arena());
  deletes.documents = batch.documents;
  deletes.operations.assign(batch.documents.size(), Operation::kDelete);
  keys_.run(deletes, nullptr);
  const RowSet& keys = deletes.tables.front();
  std::vector<const Value*> key_of(batch.documents.size());
  for (size_t i = 0; i < keys.rows(); ++i)
    if (keys.live(i)) key_of[keys.document(i)] = keys.row(i);
  const std::vector<TablePlan>& tables = keys_.shape().tables();
  for (size_t t = 0; t < keys_.shape().own_tables(); ++t) {
    const RowSet& rows = batch.tables[t];
    for (size_t i = 0; i < rows.rows(); ++i) {
      const uint32_t document = rows.document(i);
      if (!rows.live(i) || batch.fates[document] != Fate::kLoad || !key_of[document]) continue;
      const int column = differing(tables[t], rows.row(i), tables.front(), key_of[document]);
      if (column < 0) continue;
      const Value value = rows.row(i)[column];
      batch.refuse({document, static_cast<int>(t), column, Failure::kHook, value,
                    fmt::format("the hook gave a row the key {}, which is not its document's: a "
                                "delete tells only that one, and the row would stay",
                                quoted_excerpt(coerced_text(
                                    value, tables[t].columns[static_cast<size_t>(column)].type)))});
    }
  }
}

}  // namespace lugger
