#include "engine/task_unit.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/added_lists.hpp"
#include "engine/rejects.hpp"
#include "registry/registry.hpp"
#include "value/bson_reader.hpp"
#include "value/id_text.hpp"

namespace lugger {

namespace {

/// The mapping for rows with named columns: each column reads the field of its own name, an id of
/// version 5 too (AddedIds). Tables of a route have the same columns, so any of them will do.
Mapping by_name(Mapping mapping, const std::string& table) {
  for (Column& column : mapping.columns) {
    column.from.clear();
    column.id_text_column = false;
    if (column.generate == Column::Generate::kV5) column.generate = Column::Generate::kNone;
  }
  mapping.table = table;
  mapping.route = {};
  mapping.indexes.clear();
  mapping.constraints.clear();
  mapping.unmapped = Unmapped::kError;
  return mapping;
}

void copy_row(const RowSet& from, size_t row, RowSet& to, uint32_t document) {
  std::copy_n(from.row(row), from.width(), to.add(document));
}

Fate fate_of(GivenBatch& batch, uint32_t document) {
  switch (batch.marks[document]) {
    case GivenBatch::Mark::kRejected: return Fate::kReject;
    case GivenBatch::Mark::kSkipped: return Fate::kSkip;
    default: return std::exchange(batch.told[document], 1) == 0 ? Fate::kLoad : Fate::kLoadAlso;
  }
}

GivenBatch& given(const GivenDocument& document) {
  return static_cast<GivenBatch&>(*document.batch);
}

void mark_rows(GivenBatch& batch, uint32_t document) noexcept {
  GivenBatch::Mark& mark = batch.marks[document];
  if (mark == GivenBatch::Mark::kNone) mark = GivenBatch::Mark::kRows;
}

}  // namespace

void GivenBatch::begin(bool counts_every) {
  every = counts_every;
  marks.assign(documents.size(), Mark::kNone);
  told.assign(documents.size(), 0);
  skip_reasons.clear();
  seats_of_ = SIZE_MAX;
}

GivenBatch::Seat& GivenBatch::seat(size_t writer, uint32_t document) {
  if (seats_of_ != writer) seats_.assign(documents.size(), {});
  seats_of_ = writer;
  return seats_[document];
}

TaskWriter::TaskWriter(Arena& arena, TaskOutput output)
    : arena_(arena), target_(open_target(output.target, output.options)) {
  Mapping rows = output.mapping;
  shape_ = std::make_shared<const PlanShape>(std::move(output.mapping));
  row_shape_ =
      std::make_shared<const PlanShape>(by_name(std::move(rows), shape_->tables().front().name));
  ids_ = std::make_unique<AddedIds>(*shape_);
  plan_ = std::make_unique<Plan>(shape_);
  row_plan_ = std::make_unique<Plan>(row_shape_);
}

TaskWriter::Piece& TaskWriter::next_piece(GivenBatch* whole) {
  if (used_ == pieces_.size()) pieces_.push_back(std::make_unique<Piece>(arena_));
  Piece& piece = *pieces_[used_++];
  piece.whole = whole;
  return piece;
}

void TaskWriter::write(GivenBatch& batch) {
  ids_->note_written(batch);
  Batch& copy = next_piece(&batch).batch;
  copy.documents = batch.documents;
  copy.operations = batch.operations;
  plan_->run(copy, nullptr);
  for (uint32_t i = 0; i < batch.documents.size(); ++i) mark_rows(batch, i);
}

void TaskWriter::add(Bytes row, std::string_view table, GivenDocument of) {
  const size_t at = table_of(row, table);
  if (of.batch != nullptr && of.batch->operation(of.index) == Operation::kDelete) {
    throw Error(Code::kConfig, "the document was deleted at the source: no row can be added for it",
                "out:write(batch) deletes its rows, out:skip(doc) leaves them");
  }
  const bool goes_on = used_ != 0 && pieces_[used_ - 1]->whole == nullptr;
  added_.clear();
  added_.append(row);
  make_empty_lists(*row_shape_, {added_.data(), added_.size()});
  const Bytes kept = ids_->complete(Bytes(arena_.copy(added_.view()), row.size()), of, arena_);
  Piece& piece = goes_on ? *pieces_[used_ - 1] : next_piece(nullptr);
  piece.added.documents.push_back(
      {kept.data(), static_cast<uint32_t>(kept.size()), Format::kBson, nullptr});
  piece.rows.push_back({at, of});
  if (of.batch != nullptr) mark_rows(given(of), of.index);
}

size_t TaskWriter::table_of(Bytes row, std::string_view table) const {
  std::vector<std::string_view> own;
  for (size_t i = 0; i < shape_->own_tables(); ++i) own.emplace_back(shape_->tables()[i].name);
  if (!table.empty()) {
    if (const auto found = shape_->own_table(table)) return *found;
    for (const TablePlan& child : shape_->tables()) {
      if (child.name != table) continue;
      throw Error(
          Code::kConfig,
          fmt::format("{} is a child table: its rows come within the row of their parent", table),
          fmt::format("out:add {{ ..., {} = {{ ... }} }}", unmarked(child.path)));
    }
    const std::string_view near = nearest(table, own);
    throw Error(Code::kConfig, fmt::format("the writer has no table \"{}\"", table),
                near.empty() ? fmt::format("it has {}", fmt::join(own, ", "))
                             : fmt::format("did you mean {}?", near));
  }
  if (own.size() == 1) return 0;
  const std::string& from = shape_->mapping().route.from;
  ByteBuffer value;
  append_id_text(bson_field(row, from), IdStyle::kPlain, value);
  if (const auto found = shape_->route(value.text())) return *found;
  throw Error(
      Code::kConfig,
      fmt::format("the row does not say which of the tables it is for ({})", fmt::join(own, ", ")),
      fmt::format("out:add(row, doc, '{}')", own.front()));
}

/// The key of a row that belongs to no document; "?" when it has none.
std::string TaskWriter::id_of(const Document& row) const {
  std::string out;
  for (const std::string& key : shape_->mapping().key) {
    ByteBuffer text;
    if (!append_id_text(bson_field(row.bytes(), key), IdStyle::kPlain, text)) continue;
    if (!out.empty()) out += ", ";
    out += text.text();
  }
  return out.empty() ? "?" : out;
}

uint64_t TaskWriter::convert(std::vector<RejectRecord>& rejects) {
  uint64_t of_none = 0;
  const auto refuse = [&](const Refusal& refusal, Batch& batch, const PlanShape& shape,
                          GivenDocument of) -> RejectRecord* {
    if (of.batch != nullptr) {
      GivenBatch::Mark& mark = given(of).marks[of.index];
      if (mark == GivenBatch::Mark::kRejected || mark == GivenBatch::Mark::kSkipped) return nullptr;
      mark = GivenBatch::Mark::kRejected;
    }
    return &rejects.emplace_back(reject_record(refusal, batch, shape));
  };
  for (size_t p = 0; p < used_; ++p) {
    Piece& piece = *pieces_[p];
    if (piece.whole != nullptr) {
      for (const Refusal& refusal : piece.batch.refusals)
        refuse(refusal, piece.batch, *shape_, {piece.whole, refusal.document});
      continue;
    }
    row_plan_->run(piece.added, nullptr);
    for (size_t i = 0; i < piece.rows.size(); ++i) {
      const GivenDocument& of = piece.rows[i].of;
      if (of.batch != nullptr) piece.added.documents[i] = of.batch->documents[of.index];
      of_none += of.batch == nullptr ? 1 : 0;
    }
    for (const Refusal& refusal : piece.added.refusals) {
      const Row& row = piece.rows[refusal.document];
      RejectRecord* record = refuse(refusal, piece.added, *row_shape_, row.of);
      if (record == nullptr) continue;
      if (refusal.table == 0) record->table = shape_->tables()[row.table].name;
      if (row.of.batch != nullptr) continue;
      record->document_id = id_of(piece.added.documents[refusal.document]);
      record->raw.clear();
    }
  }
  return of_none;
}

void TaskWriter::settle(size_t number) {
  for (size_t p = 0; p < used_; ++p) {
    Piece& piece = *pieces_[p];
    piece.whole != nullptr ? settle_whole(number, piece) : settle_rows(number, piece);
  }
}

/// Rows of a document that an earlier piece of this writer has go there.
void TaskWriter::settle_whole(size_t number, Piece& piece) {
  Batch& batch = piece.batch;
  std::vector<GivenBatch::Seat> elsewhere(batch.documents.size());
  bool any = false;
  for (uint32_t i = 0; i < batch.documents.size(); ++i) {
    GivenBatch::Seat& seat = piece.whole->seat(number, i);
    if (seat.batch != nullptr) {
      elsewhere[i] = seat;
      batch.fates[i] = Fate::kSkip;
      any = true;
      continue;
    }
    const Fate fate = fate_of(*piece.whole, i);
    if (batch.fates[i] != Fate::kDelete || fate == Fate::kReject || fate == Fate::kSkip)
      batch.fates[i] = fate;
    seat = {&batch, i};
  }
  for (size_t t = 0; any && t < batch.tables.size(); ++t) {
    RowSet& rows = batch.tables[t];
    for (size_t r = 0; r < rows.rows(); ++r) {
      const GivenBatch::Seat& seat = elsewhere[rows.document(r)];
      if (seat.batch == nullptr || !rows.live(r)) continue;
      copy_row(rows, r, seat.batch->tables[t], seat.document);
      rows.drop(r);
    }
  }
}

/// Where a row that was added goes; nowhere when it is not to be loaded.
GivenBatch::Seat TaskWriter::seat_of_row(size_t number, Piece& piece, size_t row) {
  const GivenDocument& of = piece.rows[row].of;
  const auto sit = [&](Batch& batch, Fate fate) -> GivenBatch::Seat {
    batch.documents.push_back(piece.added.documents[row]);
    batch.fates.push_back(fate);
    return {&batch, static_cast<uint32_t>(batch.documents.size() - 1)};
  };
  if (of.batch == nullptr) {
    if (piece.added.fates[row] != Fate::kLoad) return {};
    return sit(piece.loose, Fate::kLoad);
  }
  GivenBatch::Seat& seat = given(of).seat(number, of.index);
  if (seat.batch == nullptr) seat = sit(piece.batch, fate_of(given(of), of.index));
  return seat;
}

void TaskWriter::settle_rows(size_t number, Piece& piece) {
  const std::vector<TablePlan>& tables = shape_->tables();
  for (Batch* batch : {&piece.batch, &piece.loose}) {
    batch->tables.resize(tables.size());
    for (size_t t = 0; t < tables.size(); ++t) batch->tables[t].shape(tables[t].columns.size());
  }
  std::vector<GivenBatch::Seat> seats(piece.rows.size());
  for (size_t i = 0; i < seats.size(); ++i) seats[i] = seat_of_row(number, piece, i);
  for (size_t t = 0; t < piece.added.tables.size(); ++t) {
    const RowSet& rows = piece.added.tables[t];
    for (size_t r = 0; r < rows.rows(); ++r) {
      const uint32_t row = rows.document(r);
      if (!rows.live(r) || seats[row].batch == nullptr) continue;
      const size_t table = t == 0 ? piece.rows[row].table : shape_->own_tables() - 1 + t;
      copy_row(rows, r, seats[row].batch->tables[table], seats[row].document);
    }
  }
}

void TaskWriter::send(RowSink& sink) const {
  for (size_t p = 0; p < used_; ++p) {
    for (Batch* batch : {&pieces_[p]->batch, &pieces_[p]->loose}) {
      if (!batch->documents.empty()) sink.write(*batch);
    }
  }
}

void TaskWriter::clear() noexcept {
  for (size_t p = 0; p < used_; ++p) {
    pieces_[p]->batch.clear();
    pieces_[p]->loose.clear();
    pieces_[p]->added.clear();
    pieces_[p]->rows.clear();
  }
  used_ = 0;
  ids_->clear();
}

}  // namespace lugger
