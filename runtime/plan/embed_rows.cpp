// Columns with a model: the texts of a batch become vectors, which then pass the column's coercer
// like any other value.
#include <algorithm>

#include "plan/work.hpp"

namespace lugger {
namespace {

/// A vector of length 1 that the column takes.
Value stand_in(const Column& column, Arena& arena) {
  const size_t dimensions = std::max<size_t>(static_cast<size_t>(column.type.length), 1);
  const size_t bytes = dimensions * sizeof(float);
  uint8_t* out = arena.allocate(bytes);
  std::fill_n(out, bytes, uint8_t{0});
  store_le(out, 1.0F);
  return Value::of(ValueType::kVector, Bytes(out, bytes));
}

}  // namespace

void Plan::embed_rows(Batch& batch) {
  for (size_t table = 0; table < work_->tables.size(); ++table) {
    const std::vector<Column>& columns = work_->tables[table].table->columns;
    for (size_t column = 0; column < columns.size(); ++column)
      if (columns[column].embed) work_->embed_column(batch, table, column);
  }
}

void Plan::Work::embed_column(Batch& batch, size_t table, size_t column) {
  RowSet& rows = batch.tables[table];
  const Column& spec = tables[table].table->columns[column];
  std::vector<size_t> places;
  std::vector<std::string_view> texts;
  const auto refuse = [&](size_t row, Failure failure, std::string words) {
    const uint32_t document = rows.document(row);
    Value& slot = rows.row(row)[column];
    const Value raw = std::exchange(slot, Value::null());
    if (spec.on_error == OnError::kNull && !spec.required) {
      tables[table].replaced[column] += raw.absent() ? 0 : 1;
      return;
    }
    if (!words.empty()) words = fmt::format("{}: {}", spec.name, words);
    batch.refuse({document, static_cast<int>(table), static_cast<int>(column), failure, raw,
                  std::move(words)});
  };
  for (size_t row = 0; row < rows.rows(); ++row) {
    if (!rows.live(row) || batch.fates[rows.document(row)] != Fate::kLoad) continue;
    const Value& raw = rows.row(row)[column];
    if (!waits_for_model(raw)) continue;  // the hook has made it
    if (raw.absent() || raw.size == 0) {
      refuse(row, Failure::kNoText, {});
      continue;
    }
    places.push_back(row);
    texts.push_back(raw.text());
  }
  std::vector<TextVectors::Made> made(texts.size());
  if (vectors && !texts.empty()) vectors->make(spec, texts, batch.arena(), made);
  for (size_t i = 0; i < places.size(); ++i) {
    Value& slot = rows.row(places[i])[column];
    if (!made[i].refusal.empty()) {
      refuse(places[i], Failure::kNotEmbedded, std::move(made[i].refusal));
      continue;
    }
    const Value vector = made[i].vector.absent() ? stand_in(spec, batch.arena()) : made[i].vector;
    settle(batch, table, rows.document(places[i]), column, vector, slot);
  }
}

}  // namespace lugger
