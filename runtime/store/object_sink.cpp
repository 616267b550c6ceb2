#include "store/object_sink.hpp"

#include <xxhash.h>

#include <algorithm>
#include <map>

#include "store/unheld.hpp"
#include "value/json_writer.hpp"
#include "value/keep.hpp"

namespace lugger {

void RunLedger::add(const UnitRecord& unit, const std::function<void(RunKeys&)>& settle) {
  const std::lock_guard lock(mutex_);
  UnitLedger& ledger = open();
  if (!settle) return ledger.add(unit, 0);
  ledger.add(unit, 0, [&] { settle(ledger.keys(unit.run)); });
}

uint64_t RunLedger::rows(const std::string& run) {
  const std::lock_guard lock(mutex_);
  return open().rows(run);
}

std::optional<size_t> RunLedger::find_taken(const std::string& run,
                                            std::span<const KeyDigest> keys) {
  const std::lock_guard lock(mutex_);
  RunKeys& taken = open().keys(run);
  for (size_t i = 0; i < keys.size(); ++i)
    if (taken.has(keys[i])) return i;
  return std::nullopt;
}

void RunLedger::forget_keys(const std::string& run) {
  const std::lock_guard lock(mutex_);
  open().keys(run).forget();
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

/// Its group stands before its id.
KeyDigest digest_of(std::string_view names, size_t group_size) noexcept {
  XXH128_canonical_t made;
  XXH128_canonicalFromHash(&made, XXH3_128bits_withSeed(names.data(), names.size(), group_size));
  KeyDigest out;
  std::ranges::copy(made.digest, out.begin());
  return out;
}

class ObjectSink final : public RowSink {
 public:
  ObjectSink(const PlanShape& plan, ObjectLoad load)
      : plan_(plan), load_(std::move(load)), unheld_(plan.tables()[0]) {}

  void write(Batch& batch) override {
    encode(batch);
    if (!load_.replaces) take_keys(batch);
    std::vector<bool> has_row(batch.documents.size());
    for (const Encoded& row : encoded_) {
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
    const auto settle = [&](RunKeys& keys) {
      settle_repeats(keys);
      unit.tally += tally_;
    };
    if (load_.replaces) {
      unit.tally += tally_;
      load_.ledger->add(unit);
    } else {
      load_.ledger->add(unit, settle);
    }
    rollback();
  }

  void rollback() noexcept override {
    load_.batches->forget();
    objects_.clear();
    keys_.clear();
    sorted_.clear();
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
      const Failure failure = unheld_.append(*load_.encoder, rows.row(i), column, text_);
      if (failure == Failure::kNone) {
        names_.append(load_.encoder->group());
        const size_t id = names_.size();
        names_.append(load_.encoder->id());
        encoded_.push_back({before, text_.size(), names, id, names_.size(), document});
        continue;
      }
      refuse_row(batch, i, column, failure, *load_.encoder);
    }
    std::erase_if(encoded_,
                  [&](const Encoded& row) { return batch.fates[row.document] != Fate::kLoad; });
  }

  bool refuses() const noexcept { return plan_.mapping().on_conflict == OnConflict::kError; }

  /// Under on_conflict = 'error' a key that came before ends the run before its row is sent.
  void take_keys(const Batch& batch) {
    const size_t before = keys_.size();
    for (const Encoded& row : encoded_)
      keys_.push_back(digest_of(names_.text().substr(row.group, row.names_end - row.group),
                                row.id - row.group));
    if (!refuses()) return;
    const std::span<const KeyDigest> added = std::span(keys_).subspan(before);
    const auto tail = sorted_.insert(sorted_.end(), added.begin(), added.end());
    std::sort(tail, sorted_.end());
    std::inplace_merge(sorted_.begin(), tail, sorted_.end());
    std::optional<size_t> again;
    if (const auto twice = std::ranges::adjacent_find(sorted_); twice != sorted_.end()) {
      const auto last = std::find(added.rbegin(), added.rend(), *twice);
      again = static_cast<size_t>(added.rend() - last) - 1;
    } else {
      again = load_.ledger->find_taken(load_.run, added);
    }
    if (again) refuse_repeat(batch.documents[encoded_[*again].document]);
  }

  [[noreturn]] void refuse_repeat(const Document& document) const {
    throw Error(Code::kConflict,
                fmt::format("{}: the key of document {} came before", plan_.tables()[0].name,
                            document_id(document, plan_.mapping())),
                "on_conflict = 'update' lets the last row of a key stand");
  }

  /// Counts as updated a document none of whose rows is the first of its key in the run.
  void settle_repeats(RunKeys& keys) {
    std::vector<bool> refused(objects_.size());
    for (const BatchRefusal& one : load_.batches->refused()) refused[one.object] = true;
    for (size_t at = 0; at < objects_.size();) {
      const UnitDocument& of = objects_[at];
      bool first = false, rejected = false;
      for (; at < objects_.size() && objects_[at] == of; ++at) {
        rejected = rejected || refused[at];
        if (refused[at]) continue;
        const bool taken = keys.take(keys_[at]);
        if (!taken && refuses()) refuse_repeat(of.batch->documents[of.document]);
        first = first || taken;
      }
      if (first || rejected) continue;
      --tally_.inserted;
      ++tally_.updated;
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
  std::vector<KeyDigest> keys_;        // of each object of the unit
  std::vector<KeyDigest> sorted_;      // those keys, where one that comes again is a conflict
  size_t documents_ = 0;               // of the unit
  Tally tally_;
};

}  // namespace

std::unique_ptr<RowSink> make_object_sink(const PlanShape& plan, ObjectLoad load) {
  return std::make_unique<ObjectSink>(plan, std::move(load));
}

}  // namespace lugger
