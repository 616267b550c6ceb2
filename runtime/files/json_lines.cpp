#include "files/json_lines.hpp"

#include <filesystem>
#include <mutex>

#include "base/error.hpp"
#include "files/json_row.hpp"
#include "files/json_rows.hpp"
#include "files/manifest_file.hpp"
#include "files/output_file.hpp"
#include "place/state_file.hpp"

namespace lugger {
namespace {

using Type = OptionSpec::Type;

constexpr OptionSpec kOptions[] = {
    {"table", Type::kText, "name for messages and for the run's books; lines do not show it"},
    {"key", Type::kList,
     "columns that identify a row: children are matched to their parents by them"},
    {"documents", Type::kFlag,
     "a line is the document that the rows give back, in place of the rows"},
    {"style", Type::kChoice,
     "how values are written: plain JSON, or Extended JSON; documents: canonical", "plain",
     "plain|relaxed|canonical"},
    {"state", Type::kPath, "directory that remembers how far a run is", ".lugger"},
};

JsonStyle style_of(const std::string& word) {
  if (word == "relaxed") return JsonStyle::kRelaxed;
  return word == "canonical" ? JsonStyle::kCanonical : JsonStyle::kPlain;
}

/// The file that all workers of a run append to, one unit at a time, and the ledger that says how
/// much of it counts.
class SharedOutput {
 public:
  SharedOutput(std::string place, std::filesystem::path state)
      : place_(std::move(place)), state_(std::move(state)) {}

  /// Truncates the file to the run's recorded units, unless this run has opened it already.
  void open(const std::string& run) {
    const std::lock_guard lock(mutex_);
    if (file_ && run_ == run) return;
    if (!ledger_) ledger_ = std::make_unique<UnitLedger>(state_);
    file_ = std::make_unique<OutputFile>(place_, ledger_->output_size(run));
    failure_.reset();
    run_ = run;
  }

  /// Writes the rows first, then the record: on resume, rows without a record are cut off. The lock
  /// keeps both in the same order.
  void append(std::string_view text, const UnitRecord& unit) {
    const std::lock_guard lock(mutex_);
    if (failure_) throw Error(*failure_);
    try {
      file_->append(text);
      ledger_->add(unit, file_->size());
    } catch (const std::exception& failure) {
      // Now only the ledger can tell whether the unit counts. A later unit must not be recorded,
      // because that would include this unit's rows.
      const auto* error = dynamic_cast<const Error*>(&failure);
      failure_ = error != nullptr ? *error : Error(Code::kBug, failure.what());
      file_.reset();
      throw;
    }
  }

 private:
  std::string place_;
  std::filesystem::path state_;
  std::mutex mutex_;
  std::string run_;
  std::unique_ptr<UnitLedger> ledger_;
  std::unique_ptr<OutputFile> file_;
  std::optional<Error> failure_;  // of the unit that ended it
};

class JsonLinesSink : public RowSink {
 public:
  JsonLinesSink(const PlanShape& plan, JsonStyle style, bool documents,
                std::shared_ptr<SharedOutput> output)
      : rows_(plan, style, documents), output_(std::move(output)) {}

  void write(Batch& batch) override { rows_.append(batch, tally_, text_); }

  void commit(UnitRecord& unit) override {
    unit.tally += tally_;
    output_->append(text_, unit);
    rollback();
  }

  void rollback() noexcept override {
    text_.clear();
    tally_ = {};
  }

 private:
  JsonRows rows_;
  std::shared_ptr<SharedOutput> output_;
  std::string text_;
  Tally tally_;
};

/// A line has the value of a json column; whoever reads it back has no text of it.
void tell_json_text(const PlanShape& plan, TargetReport& report) {
  std::string columns;
  for (const TablePlan& table : plan.tables()) {
    for (const Column& column : table.columns)
      if (column.type.kind == Kind::kJson) columns += (columns.empty() ? "" : ", ") + column.name;
  }
  if (columns.empty()) return;
  report.warnings.push_back(fmt::format(
      "{}: of json a line keeps the value, not its text: spaces and repeated keys are lost when it "
      "is read back; a text column keeps them",
      columns));
}

class JsonLinesTarget : public Target {
 public:
  JsonLinesTarget(const AllowedPath& place, const Options& options)
      : place_(place.text()),
        documents_(options.flag("documents")),
        style_(style_of(options.text("style", documents_ ? "canonical" : "plain"))),
        state_(options.text("state", ".lugger")),
        output_(std::make_shared<SharedOutput>(place_, state_)) {}

  std::string place() const override { return place_; }
  std::vector<TargetColumn> columns(const std::string&) override { return {}; }

  TargetReport inspect(const PlanShape& plan, bool, bool) override {
    TargetReport report;
    report.place = place_;
    report.server = "JSON lines";
    report.mode = "direct";
    report.mode_reason = "lines are appended";
    if (plan.mapping().on_conflict != OnConflict::kError) {
      report.warnings.push_back("lines have no keys: on_conflict has no effect");
    }
    tell_json_text(plan, report);
    if (const MappingInverse inverse = invert(plan, false); documents_ && !inverse.possible)
      report.problems.push_back("documents = true: " + inverse.verdict);
    if (place_ == "-") {
      report.warnings.push_back(
          "standard output cannot be cut: a unit that was under way may come twice on resume");
      if (!plan.mapping().manifests.empty())
        report.warnings.push_back(
            "standard output keeps no manifest: only a file has one beside it");
      return report;
    }
    std::error_code error;
    const std::filesystem::path file(place_);
    if (std::filesystem::is_directory(file, error))
      report.problems.push_back(place_ + " is a directory");
    const std::filesystem::path parent = file.has_parent_path() ? file.parent_path() : ".";
    if (!std::filesystem::is_directory(parent, error)) {
      report.problems.push_back(fmt::format("directory {} does not exist", parent.string()));
    }
    return report;
  }

  void create(const TargetReport&) override {}
  std::vector<VectorManifest> manifests(const PlanShape&) override {
    return read_manifest_file(place_);
  }
  void keep_manifests(const PlanShape& plan) override {
    keep_manifest_file(place_, plan.mapping().manifests);
  }
  std::unique_ptr<State> state() override { return make_file_state(state_); }

  std::unique_ptr<RowSink> open(const PlanShape& plan, const SinkOptions& options) override {
    output_->open(options.run);
    return std::make_unique<JsonLinesSink>(plan, style_, documents_, output_);
  }

  std::vector<std::string> finish(const PlanShape&, const FinishWork&, Tally&) override {
    return {};
  }
  std::unique_ptr<Rows> rows() override {
    if (place_ == "-" || documents_ || style_ != JsonStyle::kPlain) return nullptr;
    return make_json_rows(place_);
  }
  /// A new run has nothing on record, so opening it empties the file.
  void discard(const PlanShape&, const std::string&) override {}

 private:
  std::string place_;
  bool documents_;
  JsonStyle style_;
  std::filesystem::path state_;
  std::shared_ptr<SharedOutput> output_;
};

}  // namespace

std::shared_ptr<Target> make_json_lines_target(const std::string& place, const Options& options) {
  return std::make_shared<JsonLinesTarget>(place, options);
}

std::span<const OptionSpec> json_lines_options() { return kOptions; }

}  // namespace lugger
