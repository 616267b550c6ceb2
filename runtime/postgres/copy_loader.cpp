#include "postgres/copy_loader.hpp"

#include "postgres/merge.hpp"

namespace lugger {

CopyLoader::CopyLoader(PgLoad& load, bool staged)
    : PgLoader(load), staged_(staged), streams_(load.tables.size()) {
  for (size_t t = 0; t < streams_.size(); ++t) {
    const PgTableLayout& layout = load.tables[t];
    Stream& stream = streams_[t];
    if (staged) stream.encoder.set_leading(2);
    for (const PgField& field : layout.fields) stream.encoder.add(field.slot, field.encode);
    std::string columns = layout.column_list();
    if (staged) {
      columns = "seq, doc";
      for (size_t f = 0; f < layout.fields.size(); ++f) columns += ", " + stage_column(f);
    }
    stream.sql = fmt::format("COPY {} ({}) FROM STDIN (FORMAT binary)",
                             staged ? stage_table(t) : layout.table, columns);
  }
  copying_ = refused_ = streams_.size();
}

void CopyLoader::start(bool) {
  for (Stream& stream : streams_) {
    stream.buffer.clear();
    stream.rows = 0;
  }
  copying_ = refused_ = streams_.size();
  first_ = last_ = 0;
}

void CopyLoader::write(const UnitDocuments& unit, size_t first, size_t last) {
  if (last_ == 0) first_ = first;
  last_ = last;
  if (copying_ != 0) {
    load_.session.copy_in_start(streams_[0].sql);
    copying_ = refused_ = 0;
    append_copy_header(streams_[0].buffer);
  }
  for (size_t t = 0; t < streams_.size(); ++t) encode(t, unit, first, last);
}

void CopyLoader::encode(size_t table, const UnitDocuments& unit, size_t first, size_t last) {
  Stream& stream = streams_[table];
  unit.each_row(table, first, last, [&](const Value* row, size_t number) {
    if (stream.rows++ == 0 && table != 0) append_copy_header(stream.buffer);
    stream.encoder.begin(stream.buffer);
    if (staged_) {
      append_int8_field(stream.rows, stream.buffer);
      append_int4_field(static_cast<int32_t>(number), stream.buffer);
    }
    stream.encoder.fields(row, stream.buffer);
    if (table == 0 && stream.buffer.size() >= kCopyChunkBytes) send_chunk(stream);
  });
  // So the server works on this batch while the next one is read.
  if (table == 0) send_chunk(stream);
}

void CopyLoader::send_chunk(Stream& stream) {
  load_.session.copy_in_put(stream.buffer.view());
  stream.buffer.clear();
}

void CopyLoader::finish_one(Stream& stream) {
  append_copy_trailer(stream.buffer);
  send_chunk(stream);
  copying_ = streams_.size();
  // Rows were suppressed, although nothing could do that when the run began. The merge can tell
  // which.
  if (load_.session.copy_in_end() != static_cast<uint64_t>(stream.rows)) throw NeedsStaging{true};
}

void CopyLoader::finish_copies() {
  if (copying_ == 0) finish_one(streams_[0]);
  for (size_t t = 1; t < streams_.size(); ++t) {
    if (streams_[t].rows == 0) continue;
    load_.session.copy_in_start(streams_[t].sql);
    copying_ = refused_ = t;
    finish_one(streams_[t]);
  }
  refused_ = streams_.size();
}

void CopyLoader::finish(const UnitDocuments& unit, Tally& tally) {
  finish_copies();
  const OwnRows own = count_own_rows(load_, unit, first_, last_);
  tally.inserted += own.with;
  tally.skipped += own.without;
  for (size_t t = 0; t < streams_.size(); ++t) {
    tally.rows += rows(t);
    if (!load_.tables[t].own) tally.child_rows += rows(t);
  }
}

void CopyLoader::abort() noexcept {
  if (copying_ < streams_.size()) load_.session.copy_in_abort("lugger rolls back");
  copying_ = streams_.size();
}

size_t CopyLoader::guilty(const UnitDocuments& unit, const Error& error) const {
  const auto* refused = dynamic_cast<const CopyRefused*>(&error);
  if (refused == nullptr || refused->where().row == 0 || refused_ == streams_.size())
    return unit.size();
  return unit.document_of_row(refused_, first_, last_, refused->where().row);
}

std::unique_ptr<PgLoader> make_direct_loader(PgLoad& load) {
  return std::make_unique<CopyLoader>(load, false);
}

}  // namespace lugger
