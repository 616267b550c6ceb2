#include "postgres/load_trial.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "place/whole.hpp"
#include "plan/infer.hpp"
#include "plan/plan.hpp"
#include "postgres/copy_rows.hpp"
#include "postgres/layout.hpp"

namespace lugger {

namespace {

constexpr size_t kTrialBytes = 16 << 20, kTrialDocuments = 20000, kBatchDocuments = 500;

/// The first documents of a source, in batches that share an arena.
struct Sample {
  Arena arena;
  std::vector<std::unique_ptr<Batch>> batches;
  std::unique_ptr<Cursor> cursor;
  FieldsSeen seen;
  uint64_t bytes = 0;

  explicit Sample(Source& source) : cursor(open_whole(source)) {
    while (bytes < kTrialBytes && seen.documents() < kTrialDocuments) {
      batches.push_back(std::make_unique<Batch>(arena));
      batches.back()->max_documents = kBatchDocuments;
      if (!read(*batches.back())) break;
      for (const Document& document : batches.back()->documents) {
        seen.add(document);
        bytes += document.size;
      }
    }
  }
  /// An error in the source ends the sample; the census reports it.
  bool read(Batch& batch) {
    try {
      return cursor->fill(batch);
    } catch (const Error& error) {
      if (error.code() != Code::kRead && error.code() != Code::kParse) throw;
      return false;
    }
  }
};

std::shared_ptr<const PlanShape> shape_of(const Source& source, const FieldsSeen& seen) {
  const SourceInfo info = source.info();
  Mapping mapping;
  mapping.table = "trial", mapping.database = info.database, mapping.collection = info.collection;
  mapping.columns = infer_columns(seen);
  mapping.unmapped = Unmapped::kIgnore;
  return std::make_shared<const PlanShape>(std::move(mapping));
}

/// Encodes the rows of one batch. Returns the bytes of the values only.
uint64_t encode(const Batch& batch, const std::vector<RowEncoder>& encoders, ByteBuffer& out) {
  uint64_t bytes = 0;
  for (size_t table = 0; table < batch.tables.size(); ++table) {
    const RowSet& rows = batch.tables[table];
    for (size_t i = 0; i < rows.rows(); ++i) {
      if (!rows.live(i) || batch.fates[rows.document(i)] != Fate::kLoad) continue;
      out.clear();
      encoders[table].begin(out);
      encoders[table].fields(rows.row(i), out);
      bytes += out.size();
    }
  }
  return bytes;
}

}  // namespace

LoadTrial try_load(Source& source, double seconds, const StopFlag* stop) {
  LoadTrial out;
  Sample sample(source);
  if (sample.seen.documents() == 0) return out;
  const auto shape = shape_of(source, sample.seen);
  Plan plan(shape);
  std::vector<RowEncoder> encoders;
  for (const TablePlan& table : shape->tables()) {
    RowEncoder& encoder = encoders.emplace_back();
    for (size_t slot = 0; slot < table.columns.size(); ++slot) {
      if (is_written(table.columns[slot]))
        encoder.add(slot, field_encoder(table.columns[slot].type.kind));
    }
    out.columns += table.columns.size();
  }
  Arena arena;
  ByteBuffer row;
  const Stopwatch watch;
  do {
    for (const std::unique_ptr<Batch>& read : sample.batches) {
      Batch batch(arena);
      batch.documents = read->documents;
      plan.run(batch, nullptr);
      out.row_bytes += encode(batch, encoders, row);
      out.refused += batch.refusals.size();
      out.documents += batch.documents.size();
      arena.reset();
      if (stop != nullptr && stop->requested())
        throw Error(Code::kInterrupted, "stopped during the trial of a load");
    }
    out.bytes += sample.bytes;
  } while (watch.seconds() < seconds);
  out.seconds = watch.seconds();
  return out;
}

}  // namespace lugger
