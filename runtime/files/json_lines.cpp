#include "files/json_lines.hpp"

#include <filesystem>
#include <mutex>

#include "base/error.hpp"
#include "files/json_row.hpp"
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
    {"state", Type::kText, "directory that remembers how far a run is", ".lugger"},
};

JsonStyle style_of(const std::string& word) {
  if (word == "relaxed") return JsonStyle::kRelaxed;
  return word == "canonical" ? JsonStyle::kCanonical : JsonStyle::kPlain;
}

/// The one file that all workers of a run append to, a unit at a time.
struct SharedOutput {
  std::mutex mutex;
  std::string run;
  std::unique_ptr<OutputFile> file;
};

class JsonLinesSink : public RowSink {
 public:
  JsonLinesSink(const PlanShape& plan, JsonStyle style, bool documents, std::filesystem::path state,
                std::shared_ptr<SharedOutput> output)
      : rows_(plan, style, documents), state_(std::move(state)), output_(std::move(output)) {}

  void write(Batch& batch) override { rows_.append(batch, tally_, text_); }

  void commit(UnitRecord& unit) override {
    unit.tally += tally_;
    // Size and position must be logged in the order of the file.
    const std::lock_guard lock(output_->mutex);
    output_->file->append(text_);
    append_unit(state_, unit, output_->file->size());
    rollback();
  }

  void rollback() noexcept override {
    text_.clear();
    tally_ = {};
  }

 private:
  JsonRows rows_;
  std::filesystem::path state_;
  std::shared_ptr<SharedOutput> output_;
  std::string text_;
  Tally tally_;
};

class JsonLinesTarget : public Target {
 public:
  JsonLinesTarget(std::string place, const Options& options)
      : place_(std::move(place)),
        documents_(options.flag("documents")),
        style_(style_of(options.text("style", documents_ ? "canonical" : "plain"))),
        state_(options.text("state", ".lugger")),
        output_(std::make_shared<SharedOutput>()) {}

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
    if (const MappingInverse inverse = invert(plan, false); documents_ && !inverse.possible)
      report.problems.push_back("documents = true: " + inverse.verdict);
    if (place_ == "-") {
      report.warnings.push_back(
          "standard output cannot be cut: a unit that was under way may come twice on resume");
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
  std::unique_ptr<State> state() override { return make_file_state(state_); }

  std::unique_ptr<RowSink> open(const PlanShape& plan, const SinkOptions& options) override {
    const std::lock_guard lock(output_->mutex);
    if (!output_->file || output_->run != options.run) {
      output_->file =
          std::make_unique<OutputFile>(place_, recorded_output_size(state_, options.run));
      output_->run = options.run;
    }
    return std::make_unique<JsonLinesSink>(plan, style_, documents_, state_, output_);
  }

  std::vector<std::string> finish(const PlanShape&, const FinishWork&, Tally&) override {
    return {};
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
