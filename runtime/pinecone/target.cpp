#include "pinecone/target.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <ranges>

#include "base/error.hpp"
#include "pinecone/address.hpp"
#include "pinecone/freshness.hpp"
#include "pinecone/importer.hpp"
#include "pinecone/layout.hpp"
#include "pinecone/manifest.hpp"
#include "pinecone/record_writer.hpp"
#include "pinecone/rows.hpp"
#include "pinecone/search.hpp"
#include "place/modes.hpp"
#include "store/object_mapping.hpp"

namespace lugger {
namespace {

using Type = OptionSpec::Type;

constexpr auto kOptions = joined_options(
    kPineconeOptions,
    std::array<OptionSpec, 13>{{
        {"table", Type::kText, "the index, where the URL names none"},
        {"key", Type::kList, "columns that identify a row: a record's id is made from them"},
        {"metadata", Type::kText, "the json column whose members are the metadata", "metadata"},
        {"nulls", Type::kChoice, "what becomes of a null in metadata", "drop", "drop|reject"},
        {"nested", Type::kChoice,
         "what becomes of objects, and of lists of others than strings, in metadata: a reject, or "
         "the "
         "text of their JSON",
         "reject", "reject|json"},
        {"large_numbers", Type::kChoice,
         "what becomes of numbers that a double would round: a reject, or text", "reject",
         "reject|text"},
        {"metric", Type::kChoice,
         "of an index that lugger makes: how vectors are compared, where no manifest says it",
         "cosine", "cosine|euclidean|dotproduct"},
        {"documents", Type::kFlag, "whether the index that lugger makes is a document index"},
        {"cloud", Type::kChoice, "of an index that lugger makes", "aws", "aws|gcp|azure"},
        {"region", Type::kText, "of an index that lugger makes", "us-east-1"},
        {"patience_s", Type::kNumber,
         "seconds that a verification waits for records that were written and do not show yet",
         "60"},
        {"state", Type::kPath, "directory that remembers how far a run is", ".lugger"},
        {"on_conflict", Type::kChoice, "what becomes of a row whose key is taken", "error",
         "error|update"},
    }});

// The ways of loading, which a run keeps.
constexpr std::string_view kFill = "fill", kReplace = "replace";
constexpr std::string_view kUpdateReplaces =
    "on_conflict = 'update' replaces those of equal ids and keeps the others";
constexpr double kPatience = 60;
constexpr size_t kMostListed = 20;  // namespaces that are counted as empty, to see whether they are

std::string holding_records(const std::string& index) {
  return fmt::format("the index {} holds records", index);
}

constexpr ObjectStoreWords kWords = {"Pinecone", "a record", "index",
                                     "Pinecone makes its indexes itself"};

class PineconeTarget final : public Target {
 public:
  PineconeTarget(const std::string& place, const Options& options)
      : address_(pinecone_address(AllowedUrl(place), options)),
        options_(RecordOptions::of(options, address_.version)),
        state_(options.text("state", ".lugger")),
        table_(options.text("table")),
        patience_(std::max(options.number("patience_s", kPatience), 0.0)),
        ledger_(std::make_shared<RunLedger>(state_)),
        written_(std::make_shared<WrittenLsns>()) {
    options_.index = address_.index;
    if (!table_.empty() && !options_.index.empty() && table_ != options_.index) {
      throw Error(Code::kConfig,
                  fmt::format("the URL names the index {} and table = '{}' another", options_.index,
                              table_),
                  "name it once");
    }
  }

  std::string place() const override { return address_.shown; }
  std::vector<TargetColumn> columns(const std::string& table) override;
  TargetReport inspect(const PlanShape& plan, bool create, bool again) override;
  void create(const TargetReport& report) override {
    for (const std::string& definition : report.create) {
      freshness(report.missing.at(0))->forget();
      PineconeControl(address_).create_index(definition, report.missing.at(0));
    }
  }
  std::vector<VectorManifest> manifests(const PlanShape& plan) override;
  void keep_manifests(const PlanShape& plan) override;
  std::unique_ptr<State> state() override {
    return make_file_state(state_,
                           [base = address_.base(), names = options_, table = table_]() mutable {
                             if (names.index.empty()) names.index = table;
                             return names.told(base);
                           });
  }
  std::unique_ptr<RowSink> open(const PlanShape& plan, const SinkOptions& options) override;
  std::vector<std::string> finish(const PlanShape& plan, const FinishWork& work,
                                  Tally& tally) override;
  /// What was written stands under the ids that the next run gives it, too.
  void discard(const PlanShape&, const std::string& run) override { ledger_->forget_keys(run); }
  std::unique_ptr<Search> search(const SearchSpec& spec) override;
  std::unique_ptr<Rows> rows() override {
    RecordOptions named = options_;
    if (named.index.empty()) named.index = table_;
    return make_pinecone_rows(address_, named, freshness(named.index));
  }

 private:
  /// The index of the URL, or else that of the plan.
  RecordOptions named(const std::string& table) const {
    RecordOptions out = options_;
    if (out.index.empty()) out.index = table;
    check_index_name(out.index);
    return out;
  }
  std::shared_ptr<PineconeFreshness> freshness(const std::string& index) const {
    return std::make_shared<PineconeFreshness>(state_, address_.base() + " " + index,
                                               std::chrono::duration<double>(patience_));
  }
  bool holds_records(const PineconeIndex& there, const RecordLayout& layout) const;
  void begin_run(const PineconeIndex& there, const RecordLayout& layout, const std::string& run);
  PineconeIndex standing(const std::string& name) const {
    std::optional<PineconeIndex> there = PineconeControl(address_).find_index(name);
    if (there) return std::move(*there);
    throw Error(Code::kConfig, fmt::format("Pinecone has no index {}", name),
                "make it, or let lugger make it: --create");
  }

  PineconeAddress address_;
  RecordOptions options_;
  std::string state_;
  std::string table_;  // as the options name it
  double patience_;
  std::shared_ptr<RunLedger> ledger_;
  std::shared_ptr<WrittenLsns> written_;
  std::mutex mutex_;
  std::string begun_;  // the run whose index was looked at
};

std::vector<TargetColumn> PineconeTarget::columns(const std::string& table) {
  const std::string name = named(table).index;
  const std::optional<PineconeIndex> there = PineconeControl(address_).find_index(name);
  std::vector<TargetColumn> out;
  if (!there) return out;
  for (const PineconeField& field : there->fields) out.push_back({field.name, field.type});
  if (there->documents) return out;
  if (there->dense) out.push_back({"values", fmt::format("vector({})", there->dimension)});
  if (there->sparse) out.push_back({"sparse_values", "sparsevec"});
  out.push_back({"metadata", "jsonb"});
  return out;
}

bool PineconeTarget::holds_records(const PineconeIndex& there, const RecordLayout& layout) const {
  PineconeData data(address_.data(there.host, there.documents), there.documents);
  const std::vector<PineconeNamespace> all = data.namespaces();
  // What was written a moment ago is listed before it is counted.
  const auto lists = [&](const std::string& name) {
    return !there.pods && !data.list(name, "").ids.empty();
  };
  if (layout.by_column) {
    const auto holds = [](const PineconeNamespace& one) { return one.records != 0; };
    return std::ranges::any_of(all, holds) ||
           std::ranges::any_of(all | std::views::take(kMostListed), lists,
                               &PineconeNamespace::name) ||
           lists("");
  }
  const auto counted = std::ranges::find(all, layout.name_space, &PineconeNamespace::name);
  return (counted != all.end() && counted->records != 0) || lists(layout.name_space);
}

/// The tags of an index are of the dense vectors of its records.
bool has_tags(const PlanShape& plan, const RecordLayout& layout, const VectorManifest& manifest) {
  const std::optional<size_t> values = layout.of(RecordForm::kValues);
  return !layout.documents && values && plan.tables()[0].columns[*values].name == manifest.column;
}

void tell_of_manifests(const PlanShape& plan, const RecordLayout& layout, TargetReport& report) {
  for (const VectorManifest& one : plan.mapping().manifests) {
    if (!has_tags(plan, layout, one)) {
      if (!one.model.empty())
        report.warnings.push_back(
            fmt::format("this index has no place for how {} was made ({}): keep that with the job",
                        one.column, manifest_words(one)));
      continue;
    }
    for (const std::string& fact : facts_without_tag(one))
      report.warnings.push_back(fmt::format(
          "the {} of {} is too long for a tag of Pinecone, and is not kept", fact, one.column));
  }
}

TargetReport PineconeTarget::inspect(const PlanShape& plan, bool create, bool) {
  TargetReport report;
  report.place = address_.shown;
  report.server = "Pinecone, API " + address_.version;
  check_object_mapping(plan, kWords, report);
  const RecordOptions options = named(plan.tables()[0].name);
  const std::optional<PineconeIndex> there = PineconeControl(address_).find_index(options.index);
  RecordLayout layout = record_layout(plan, there ? &*there : nullptr, options);
  std::ranges::move(layout.problems, std::back_inserter(report.problems));
  std::ranges::move(layout.warnings, std::back_inserter(report.warnings));
  tell_of_manifests(plan, layout, report);
  report.mode = kFill;
  report.mode_reason =
      "Pinecone tells of no records in the index; upserts of up to 1000 records or 2 MB";
  if (!there) {
    report.missing.push_back(options.index);
    report.create.push_back(index_definition(plan, layout, options));
    if (!create)
      report.problems.push_back(fmt::format(
          "the index {} does not exist; add --create to make it from the columns", options.index));
    return report;
  }
  if (!report.problems.empty()) return report;
  report.holds_rows = holds_records(*there, layout);
  if (!report.holds_rows) return report;
  const bool refused = plan.mapping().on_conflict == OnConflict::kError;
  report.mode = refused ? kRefusedMode : kReplace;
  report.mode_reason = refused
                           ? fmt::format("{}; {}", holding_records(options.index), kUpdateReplaces)
                           : "the index holds records, which those of equal ids replace";
  return report;
}

/// What a run has loaded must still be there when it goes on. The first worker looks.
void PineconeTarget::begin_run(const PineconeIndex& there, const RecordLayout& layout,
                               const std::string& run) {
  constexpr std::chrono::duration<double> kStep(0.5);
  const std::lock_guard lock(mutex_);
  if (begun_ == run) return;
  const auto gone = [&](std::string_view why) {
    throw Error(Code::kConflict, fmt::format("the index {} {}", there.name, why),
                "start over with --restart");
  };
  if (!ledger_->binds(run, there.identity()))
    gone("was made anew after the run began: what was loaded is gone");
  if (const uint64_t rows = ledger_->rows(run); rows != 0) {
    // What was written a moment ago may not show yet.
    for (std::chrono::duration<double> waited(0); !holds_records(there, layout); waited += kStep) {
      if (waited.count() >= patience_)
        gone(
            fmt::format("holds none of the {} records that the run has loaded: it was made anew, "
                        "or emptied",
                        rows));
      rest(kStep);
    }
  }
  begun_ = run;
}

std::unique_ptr<RowSink> PineconeTarget::open(const PlanShape& plan, const SinkOptions& options) {
  const RecordOptions names = named(plan.tables()[0].name);
  const PineconeIndex there = standing(names.index);
  if (options.mode == kRefusedMode)
    throw Error(Code::kConflict, holding_records(names.index), std::string(kUpdateReplaces));
  RecordLayout layout = record_layout(plan, &there, names);
  if (!layout.problems.empty()) throw Error(Code::kConfig, layout.problems.front());
  begin_run(there, layout, options.run);
  ObjectLoad load;
  load.encoder = std::make_unique<RecordWriter>(plan.tables()[0], std::move(layout), names);
  load.batches =
      std::make_unique<RecordImporter>(address_.data(there.host, there.documents), there, written_);
  load.ledger = ledger_;
  load.run = options.run;
  load.replaces = options.mode == kReplace;
  return make_object_sink(plan, std::move(load));
}

std::vector<VectorManifest> PineconeTarget::manifests(const PlanShape& plan) {
  const RecordOptions options = named(plan.tables()[0].name);
  const std::optional<PineconeIndex> there = PineconeControl(address_).find_index(options.index);
  if (!there) return {};
  const std::optional<size_t> values =
      record_layout(plan, &*there, options).of(RecordForm::kValues);
  if (!values) return {};
  return {manifest_of_index(*there, plan.tables()[0].columns[*values].name)};
}

void PineconeTarget::keep_manifests(const PlanShape& plan) {
  if (plan.mapping().manifests.empty()) return;
  const RecordOptions options = named(plan.tables()[0].name);
  const PineconeIndex there = standing(options.index);
  const RecordLayout layout = record_layout(plan, &there, options);
  for (const VectorManifest& one : plan.mapping().manifests) {
    if (!has_tags(plan, layout, one)) continue;
    const std::string body = tags_to_change(there, one);
    if (!body.empty()) PineconeControl(address_).change_index(there.name, body);
  }
}

std::unique_ptr<Search> PineconeTarget::search(const SearchSpec& spec) {
  const RecordOptions names = named(spec.table);
  const PineconeIndex there = standing(names.index);
  const std::string name = namespace_name(names.name_space.value_or(""), names.ids);
  return make_pinecone_search(address_.data(there.host, there.documents), there, names.ids, name,
                              spec);
}

/// Pinecone counts late, so that fewer than rows proves nothing.
std::vector<std::string> PineconeTarget::finish(const PlanShape& plan, const FinishWork& work,
                                                Tally& tally) {
  constexpr std::chrono::duration<double> kMost(5), kStep(0.5);
  const RecordOptions names = named(plan.tables()[0].name);
  const bool was_empty = tally.updated == 0 || tally.inserted != 0;
  freshness(names.index)->keep(written_->all(), was_empty);
  ledger_->forget_keys(work.run);
  if (tally.updated != 0) return {};
  const PineconeIndex there = standing(names.index);
  PineconeData data(address_.data(there.host, there.documents), there.documents);
  const RecordLayout layout = record_layout(plan, &there, names);
  for (std::chrono::duration<double> waited(0);; waited += kStep) {
    uint64_t count = 0;
    for (const PineconeNamespace& one : data.namespaces())
      if (layout.by_column || one.name == layout.name_space) count += one.records;
    if (count >= tally.rows) return {};
    if (waited >= std::min(kMost, std::chrono::duration<double>(patience_)))
      return {
          fmt::format("{} rows were sent, and {} counts {} records: either it counts late, or "
                      "others delete; lugger verify tells",
                      tally.rows, names.index, count)};
    rest(kStep);
  }
}

}  // namespace

std::span<const OptionSpec> pinecone_target_options() { return kOptions; }

std::shared_ptr<Target> make_pinecone_target(const std::string& place, const Options& options) {
  return std::make_shared<PineconeTarget>(place, options);
}

}  // namespace lugger
