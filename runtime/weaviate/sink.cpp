#include "weaviate/sink.hpp"

#include <algorithm>
#include <map>

#include "value/json_writer.hpp"
#include "value/keep.hpp"
#include "weaviate/importer.hpp"
#include "weaviate/object_message.hpp"
#include "weaviate/object_writer.hpp"

namespace lugger {

void SharedLedger::add(const UnitRecord& unit) {
  const std::lock_guard lock(mutex_);
  if (!ledger_) ledger_ = std::make_unique<UnitLedger>(directory_);
  ledger_->add(unit, 0);
}

namespace {

/// A document of the unit.
struct UnitDocument {
  Batch* batch = nullptr;
  uint32_t document = 0;
  size_t place = 0;  // among all of the unit

  auto operator<=>(const UnitDocument& other) const noexcept { return place <=> other.place; }
  bool operator==(const UnitDocument& other) const noexcept { return place == other.place; }
};

std::unique_ptr<ObjectEncoder> make_encoder(const TablePlan& table, const WeaviateLoad& load) {
  if (load.calls) return std::make_unique<ObjectMessages>(table, load.layout);
  return std::make_unique<ObjectWriter>(table, load.layout, false);
}

std::unique_ptr<ObjectCall> make_call(WeaviateServer& server, const WeaviateLoad& load) {
  if (!load.calls) return make_rest_call(server);
  return make_grpc_call(server, load.calls, load.layout.class_name, load.layout.tenant);
}

/// Objects are sent as soon as they fill a request, and may be sent again: only the ledger says that
/// a unit is done.
class WeaviateSink final : public RowSink {
 public:
  WeaviateSink(const PlanShape& plan, WeaviateLoad load)
      : plan_(plan),
        load_(std::move(load)),
        server_(load_.endpoint),
        encoder_(make_encoder(plan.tables()[0], load_)),
        importer_(server_, make_call(server_, load_), load_.layout.class_name, load_.layout.tenant,
                  load_.fingerprint, IfRefused::kTakeBack) {}

  void write(Batch& batch) override {
    encode(batch);
    std::vector<bool> has_row(batch.documents.size());
    for (const Encoded& row : encoded_) {
      if (batch.fates[row.document] != Fate::kLoad) continue;
      has_row[row.document] = true;
      importer_.add(text_.text().substr(row.begin, row.end - row.begin));
      objects_.push_back({&batch, row.document, documents_ + row.document});
      ++tally_.rows;
    }
    for (size_t i = 0; i < batch.documents.size(); ++i) {
      if (batch.fates[i] == Fate::kLoad) ++(has_row[i] ? loaded() : tally_.skipped);
    }
    documents_ += batch.documents.size();
    importer_.send(false);
  }

  void commit(UnitRecord& unit) override {
    importer_.send(true);
    take_refused(unit);
    unit.tally += tally_;
    load_.ledger->add(unit);
    rollback();
  }

  void rollback() noexcept override {
    importer_.forget();
    objects_.clear();
    documents_ = 0;
    tally_ = {};
  }

 private:
  struct Encoded {
    size_t begin, end;
    uint32_t document;
  };

  uint64_t& loaded() { return load_.replaces ? tally_.updated : tally_.inserted; }

  /// Of a document all rows are sent, or none.
  void encode(Batch& batch) {
    text_.clear();
    encoded_.clear();
    const RowSet& rows = batch.tables[0];
    for (size_t i = 0; i < rows.rows(); ++i) {
      const uint32_t document = rows.document(i);
      if (!rows.live(i) || batch.fates[document] != Fate::kLoad) continue;
      const size_t before = text_.size();
      int column = -1;
      const Failure failure = encoder_->append(rows.row(i), column, text_);
      if (failure == Failure::kNone) {
        encoded_.push_back({before, text_.size(), document});
        continue;
      }
      text_.truncate(before);
      Refusal refusal;
      refusal.document = document;
      refusal.column = column;
      refusal.failure = failure;
      if (column >= 0) refusal.value = rows.row(i)[column];
      if (failure == Failure::kInexact) refusal.message = why_inexact(refusal);
      batch.refuse(std::move(refusal));
    }
  }

  std::string why_inexact(const Refusal& refusal) const {
    const Column& column = plan_.tables()[0].columns[static_cast<size_t>(refusal.column)];
    return fmt::format(
        "{}: {} is beyond 2^53, and Weaviate would round it: a text column "
        "keeps it",
        column.name, coerced_text(refusal.value, column.type));
  }

  void take_refused(UnitRecord& unit) {
    std::map<UnitDocument, std::string> reasons;
    for (const RefusedObject& refused : importer_.refused()) {
      --tally_.rows;
      reasons.emplace(objects_[refused.object], refused.reason);
    }
    for (auto& [document, reason] : reasons) {
      --loaded();
      ++tally_.rejected;
      unit.rejects.push_back(reject(unit, document, reason));
    }
  }

  RejectRecord reject(const UnitRecord& unit, const UnitDocument& at, std::string reason) const {
    const Document& document = at.batch->documents[at.document];
    RejectRecord out;
    out.run = unit.run;
    out.place = at.place;
    out.table = plan_.tables()[0].name;
    out.document_id = document_id(document, plan_.mapping());
    out.code = "server";
    out.message = std::move(reason);
    out.document = document_json(document);
    if (!at.batch->of_script) out.raw = keep_document(document);
    return out;
  }

  const PlanShape& plan_;
  WeaviateLoad load_;
  WeaviateServer server_;
  std::unique_ptr<ObjectEncoder> encoder_;
  ObjectImporter importer_;
  ByteBuffer text_;
  std::vector<Encoded> encoded_;       // of the batch
  std::vector<UnitDocument> objects_;  // where each object of the unit came from
  size_t documents_ = 0;               // of the unit
  Tally tally_;
};

}  // namespace

std::unique_ptr<RowSink> make_weaviate_sink(const PlanShape& plan, WeaviateLoad load) {
  return std::make_unique<WeaviateSink>(plan, std::move(load));
}

}  // namespace lugger
