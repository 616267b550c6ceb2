#include "engine/rejects.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "place/spec.hpp"
#include "value/bson_reader.hpp"
#include "value/json_writer.hpp"
#include "value/keep.hpp"

namespace lugger {

namespace {

std::string_view advice(Failure failure) {
  switch (failure) {
    case Failure::kWrongType:
    case Failure::kSyntax:
    case Failure::kBadElement:
      return "set on_error = \"null\", or a default, or correct it in map()";
    case Failure::kInexact: return "fraction = \"round\" or \"truncate\" would take it";
    case Failure::kNonFinite: return "non_finite = \"null\" or \"keep\" would take it";
    case Failure::kNul: return "nul = \"strip\" or \"replace\" would take it";
    case Failure::kUtf8: return "utf8 = \"strip\" or \"replace\" would take it";
    case Failure::kTooLong: return "truncate = true would cut it";
    case Failure::kOutOfRange: return "choose a wider type, or on_error = \"null\"";
    case Failure::kRequired: return "give it a default, or drop `required`";
    case Failure::kNoRoute: return "name a table for it in `route`, or one for all others";
    default: return {};
  }
}

}  // namespace

std::string_view refusal_code(const Refusal& refusal) noexcept {
  return failure_code(refusal.failure);
}

std::string refusal_table(const Refusal& refusal, const PlanShape& shape) {
  if (refusal.failure == Failure::kNoRoute) return {};
  return shape.tables()[static_cast<size_t>(refusal.table)].name;
}

std::string describe_refusal(const Refusal& refusal, const PlanShape& shape) {
  if (!refusal.message.empty()) return refusal.message;
  const TablePlan& table = shape.tables()[static_cast<size_t>(refusal.table)];
  std::string where, type = "a document";
  if (refusal.column >= 0) {
    const Column& column = table.columns[static_cast<size_t>(refusal.column)];
    where = column.name + ": ";
    type = column.type.sql;
  } else if (refusal.failure == Failure::kNoRoute) {
    where = shape.mapping().route.from + ": ";
  } else if (table.parent >= 0) {
    where = table.path + ": ";
    type = (table.of_entries() ? "a document of " : "an array of ") + table.name + " rows";
  }
  const bool sentence = refusal.failure == Failure::kRequired &&
                        !where.empty();  // "email is required", not "email: is required"
  if (sentence) where.erase(where.size() - 2, 1);
  std::string out = where + describe_failure(refusal.failure, refusal.value, type);
  const std::string_view more = advice(refusal.failure);
  if (!more.empty()) out.append("; ").append(more);
  return out;
}

RejectRecord reject_record(const Refusal& refusal, Batch& batch, const PlanShape& shape) {
  const Document& document = batch.documents[refusal.document];
  const TablePlan& table = shape.tables()[static_cast<size_t>(refusal.table)];
  RejectRecord record;
  record.table = refusal_table(refusal, shape);
  record.document_id = document_id(document, shape.mapping());
  if (refusal.column >= 0) record.column = table.columns[static_cast<size_t>(refusal.column)].name;
  record.code = refusal_code(refusal);
  record.operation = batch.operation(refusal.document);
  record.message = describe_refusal(refusal, shape);
  if (refusal.message.empty()) record.advice = advice(refusal.failure);
  if (refusal.failure == Failure::kMalformed && document.format == Format::kBson &&
      refusal.message.empty()) {
    const BsonFault fault = validate_bson(document.bytes());
    if (fault != BsonFault::kNone)
      record.message += fmt::format(": {}; see it with --export", fault_text(fault));
  }
  record.document = document_json(document);
  record.raw = keep_document(document);
  return record;
}

namespace {

/// Reads rejects page by page, up to the one that was the newest when the retry began: documents
/// that the retry refuses again get higher numbers.
class RejectCursor final : public Cursor {
 public:
  RejectCursor(State& state, KeptDocuments& kept, std::string job, int64_t last, int64_t after)
      : state_(state), kept_(kept), job_(std::move(job)), last_(last), given_(after) {}

  Next next(Batch& batch, const StopFlag&) override {
    numbers_.clear();
    while (batch.documents.size() < batch.max_documents && batch.source_bytes < batch.max_bytes) {
      if (at_ == page_.size() && !turn_page()) break;
      const RejectRecord& reject = page_[at_++];
      given_ = reject.reject;
      const auto document = kept_.read(as_bytes(reject.raw), batch.arena());
      if (!document) {  // redacted, or too large to keep: the reject stays
        ++without_document_;
        continue;
      }
      batch.documents.push_back(*document);
      batch.operations.push_back(reject.operation);
      batch.source_bytes += document->size;
      bytes_ += document->size;
      numbers_.push_back(reject.reject);
    }
    // Of a dump nothing was deleted: to skip a document says nothing of a row that another load made.
    if (std::ranges::find(batch.operations, Operation::kDelete) == batch.operations.end())
      batch.operations.clear();
    return batch.documents.empty() ? Next::kEnd : Next::kBatch;
  }
  Position position() const override {
    return given_ == 0 ? Position() : fmt::format("reject:{}", given_);
  }
  uint64_t bytes() const override { return bytes_; }
  ReadCounts counts() const override {
    ReadCounts out;
    out.without_document = without_document_;
    return out;
  }
  const std::vector<int64_t>& numbers() const { return numbers_; }

 private:
  static constexpr size_t kPageRejects = 5000;
  static constexpr size_t kPageBytes = size_t{8} << 20;

  bool turn_page() {
    page_.clear();
    at_ = 0;
    size_t bytes = 0;
    state_.each_reject(
        job_,
        [&](const RejectRecord& reject) {
          if (reject.reject > last_) return false;
          RejectRecord& kept = page_.emplace_back();
          kept.reject = reject.reject;
          kept.operation = reject.operation;
          kept.raw = reject.raw;
          bytes += reject.raw.size();
          return page_.size() < kPageRejects && bytes < kPageBytes;
        },
        given_);
    return !page_.empty();
  }

  State& state_;
  KeptDocuments& kept_;
  std::string job_;
  int64_t last_, given_;
  std::vector<RejectRecord> page_;  // only number, operation and stored document
  size_t at_ = 0;
  std::vector<int64_t> numbers_;
  uint64_t bytes_ = 0, without_document_ = 0;
};

class RejectSource final : public Source {
 public:
  RejectSource(State& state, std::string job) : state_(state), job_(std::move(job)) {}
  SourceInfo info() const override {
    SourceInfo info;
    info.kind = "rejects";
    info.place = "rejects of " + job_;
    info.documents = state_.count_rejects(job_);
    info.identity = info.place;
    return info;
  }
  std::vector<Partition> split(int) override {
    return {{std::string(kRejectsPartition), fmt::format("until:{}", state_.last_reject(job_)), 0}};
  }
  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    const std::string place = "rejects of " + job_;
    const auto last = static_cast<int64_t>(position_number(partition.spec, "until", place));
    const auto from =
        after.empty() ? 0 : static_cast<int64_t>(position_number(after, "reject", place));
    return std::make_unique<RejectCursor>(state_, kept_, job_, last, from);
  }

 private:
  State& state_;
  std::string job_;
  KeptDocuments kept_;  // the shapes of the rows that documents point to
};

}  // namespace

std::unique_ptr<Source> reject_source(State& state, const std::string& job) {
  return std::make_unique<RejectSource>(state, job);
}

const std::vector<int64_t>& reject_numbers(const Cursor& cursor) {
  return dynamic_cast<const RejectCursor&>(cursor).numbers();
}

}  // namespace lugger
