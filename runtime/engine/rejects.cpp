#include "engine/rejects.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "value/bson_reader.hpp"
#include "value/json_writer.hpp"

namespace lugger {

namespace {

std::string_view advice(Failure failure) {
  switch (failure) {
    case Failure::kWrongType:
    case Failure::kSyntax:
    case Failure::kBadElement:
      return "; set on_error = \"null\", or a default, or mend it in map()";
    case Failure::kInexact: return "; fraction = \"round\" or \"truncate\" would take it";
    case Failure::kNonFinite: return "; non_finite = \"null\" or \"keep\" would take it";
    case Failure::kNul: return "; nul = \"strip\" or \"replace\" would take it";
    case Failure::kUtf8: return "; utf8 = \"strip\" or \"replace\" would take it";
    case Failure::kTooLong: return "; truncate = true would cut it";
    case Failure::kOutOfRange: return "; choose a wider type, or on_error = \"null\"";
    case Failure::kRequired: return "; give it a default, or drop `required`";
    case Failure::kNoRoute: return "; name a table for it in `route`, or one for all others";
    default: return {};
  }
}

}  // namespace

std::string_view refusal_code(const Refusal& refusal) noexcept {
  return failure_code(refusal.failure);
}

std::string describe_refusal(const Refusal& refusal, const PlanShape& shape) {
  if (!refusal.message.empty()) return refusal.message;
  const TablePlan& table = shape.tables()[static_cast<size_t>(refusal.table)];
  std::string where, type = "a document";
  if (refusal.column >= 0) {
    const Column& column = table.columns[static_cast<size_t>(refusal.column)];
    where = column.name + ": ";
    type = column.type.sql;
  } else if (table.parent >= 0) {
    where = table.path + ": ";
    type = "an array of " + table.name + " rows";
  }
  const bool sentence = refusal.failure == Failure::kRequired &&
                        !where.empty();  // "email is required", not "email: is required"
  if (sentence) where.erase(where.size() - 2, 1);
  return where + describe_failure(refusal.failure, refusal.value, type) +
         std::string(advice(refusal.failure));
}

RejectRecord reject_record(const Refusal& refusal, Batch& batch, const PlanShape& shape) {
  const Document& document = batch.documents[refusal.document];
  const TablePlan& table = shape.tables()[static_cast<size_t>(refusal.table)];
  RejectRecord record;
  record.table = table.name;
  record.document_id = document_id(document, shape.mapping());
  if (refusal.column >= 0) record.column = table.columns[static_cast<size_t>(refusal.column)].name;
  record.code = refusal_code(refusal);
  record.message = describe_refusal(refusal, shape);
  if (refusal.failure == Failure::kMalformed && document.format == Format::kBson) {
    const BsonFault fault = validate_bson(document.bytes());
    if (fault != BsonFault::kNone)
      record.message += fmt::format(": {}; see it with --export", fault_text(fault));
  }
  record.document = document_json(document);
  record.raw.assign(as_text(document.bytes()));
  return record;
}

namespace {

/// All of them at once: rejects are few, or the mapping is wrong and --retry is not what helps.
class RejectCursor final : public Cursor {
 public:
  RejectCursor(State& state, const std::string& job, const Position& after) {
    const int64_t last = after.empty() ? 0 : std::stoll(after);
    state.each_reject(job, [&](const RejectRecord& reject) {
      if (reject.reject > last) waiting_.push_back(reject);
      return waiting_.size() < kMost;
    });
  }
  bool next(Batch& batch) override {
    numbers_.clear();
    while (at_ < waiting_.size() && batch.documents.size() < batch.max_documents &&
           batch.source_bytes < batch.max_bytes) {
      const RejectRecord& reject = waiting_[at_++];
      if (reject.raw.empty()) continue;  // redacted, or too large to keep: it stays where it is
      const Bytes raw = as_bytes(reject.raw);
      batch.documents.push_back(
          {batch.arena().copy(raw), static_cast<uint32_t>(raw.size()), Format::kBson, nullptr});
      batch.source_bytes += raw.size();
      bytes_ += raw.size();
      numbers_.push_back(reject.reject);
    }
    return !batch.documents.empty();
  }
  Position position() const override {
    return at_ == 0 ? Position() : std::to_string(waiting_[at_ - 1].reject);
  }
  uint64_t bytes() const override { return bytes_; }
  const std::vector<int64_t>& numbers() const { return numbers_; }

 private:
  static constexpr size_t kMost = 100000;
  std::vector<RejectRecord> waiting_;
  std::vector<int64_t> numbers_;
  size_t at_ = 0;
  uint64_t bytes_ = 0;
};

class RejectSource final : public Source {
 public:
  RejectSource(State& state, std::string job) : state_(state), job_(std::move(job)) {}
  SourceInfo info() const override {
    SourceInfo info;
    info.kind = "rejects";
    info.place = "rejects of " + job_;
    info.documents = state_.count_rejects(job_);
    info.identity = fmt::format("rejects {}", unix_micros_now());
    return info;
  }
  std::vector<Partition> split(int) override { return {{std::string(kRejectsPartition), "", 0}}; }
  std::unique_ptr<Cursor> open(const Partition&, const Position& after) override {
    return std::make_unique<RejectCursor>(state_, job_, after);
  }

 private:
  State& state_;
  std::string job_;
};

}  // namespace

std::unique_ptr<Source> reject_source(State& state, const std::string& job) {
  return std::make_unique<RejectSource>(state, job);
}

const std::vector<int64_t>& reject_numbers(const Cursor& cursor) {
  return dynamic_cast<const RejectCursor&>(cursor).numbers();
}

}  // namespace lugger
