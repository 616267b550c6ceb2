#include "store/object_sink.hpp"

#include <map>

#include "store/unheld.hpp"
#include "value/json_writer.hpp"
#include "value/keep.hpp"

namespace lugger {

void RunLedger::add(const UnitRecord& unit) {
  const std::lock_guard lock(mutex_);
  open().add(unit, 0);
}

bool RunLedger::binds(const std::string& run, const std::string& identity) {
  const std::lock_guard lock(mutex_);
  return open().binds(run, identity);
}

UnitLedger& RunLedger::open() {
  if (!ledger_) ledger_ = std::make_unique<UnitLedger>(directory_);
  return *ledger_;
}

void refuse_row(Batch& batch, size_t row, int column, Failure failure, const RowEncoder& encoder) {
  Refusal refusal;
  refusal.document = batch.tables[0].document(row);
  refusal.column = column;
  refusal.failure = failure;
  if (column >= 0) refusal.value = batch.tables[0].row(row)[column];
  refusal.message = encoder.why(refusal);
  batch.refuse(std::move(refusal));
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

class ObjectSink final : public RowSink {
 public:
  ObjectSink(const PlanShape& plan, ObjectLoad load)
      : plan_(plan), load_(std::move(load)), unheld_(plan.tables()[0]) {}

  void write(Batch& batch) override {
    encode(batch);
    std::vector<bool> has_row(batch.documents.size());
    for (const Encoded& row : encoded_) {
      if (batch.fates[row.document] != Fate::kLoad) continue;
      has_row[row.document] = true;
      const std::string_view text = text_.text(), names = names_.text();
      load_.batches->add(text.substr(row.begin, row.end - row.begin),
                         names.substr(row.group, row.id - row.group),
                         names.substr(row.id, row.names_end - row.id));
      objects_.push_back({&batch, row.document, documents_ + row.document});
      ++tally_.rows;
    }
    for (size_t i = 0; i < batch.documents.size(); ++i) {
      if (batch.fates[i] == Fate::kLoad) ++(has_row[i] ? loaded() : tally_.skipped);
    }
    documents_ += batch.documents.size();
    load_.batches->send(false);
  }

  void commit(UnitRecord& unit) override {
    load_.batches->send(true);
    take_refused(unit);
    unit.tally += tally_;
    load_.ledger->add(unit);
    rollback();
  }

  void rollback() noexcept override {
    load_.batches->forget();
    objects_.clear();
    documents_ = 0;
    tally_ = {};
  }

  std::map<std::string, uint64_t> replaced() const override { return unheld_.counts(); }

 private:
  struct Encoded {
    size_t begin, end;            // in the text
    size_t group, id, names_end;  // in the names
    uint32_t document;
  };

  uint64_t& loaded() { return load_.replaces ? tally_.updated : tally_.inserted; }

  /// Of a document all rows are sent, or none.
  void encode(Batch& batch) {
    text_.clear();
    names_.clear();
    encoded_.clear();
    RowSet& rows = batch.tables[0];
    for (size_t i = 0; i < rows.rows(); ++i) {
      const uint32_t document = rows.document(i);
      if (!rows.live(i) || batch.fates[document] != Fate::kLoad) continue;
      const size_t before = text_.size(), names = names_.size();
      int column = -1;
      Failure failure = load_.encoder->append(rows.row(i), column, text_);
      while (failure != Failure::kNone && unheld_.replace(rows.row(i), column, failure)) {
        text_.truncate(before);
        failure = load_.encoder->append(rows.row(i), column, text_);
      }
      if (failure == Failure::kNone) {
        names_.append(load_.encoder->group());
        const size_t id = names_.size();
        names_.append(load_.encoder->id());
        encoded_.push_back({before, text_.size(), names, id, names_.size(), document});
        continue;
      }
      text_.truncate(before);
      refuse_row(batch, i, column, failure, *load_.encoder);
    }
  }

  void take_refused(UnitRecord& unit) {
    std::map<UnitDocument, std::string> reasons;
    for (const BatchRefusal& refused : load_.batches->refused()) {
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
  ObjectLoad load_;
  UnheldValues unheld_;
  ByteBuffer text_, names_;
  std::vector<Encoded> encoded_;       // of the batch
  std::vector<UnitDocument> objects_;  // where each object of the unit came from
  size_t documents_ = 0;               // of the unit
  Tally tally_;
};

}  // namespace

std::unique_ptr<RowSink> make_object_sink(const PlanShape& plan, ObjectLoad load) {
  return std::make_unique<ObjectSink>(plan, std::move(load));
}

}  // namespace lugger
