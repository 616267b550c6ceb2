#include "files/json_lines.hpp"

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "files/json_row.hpp"
#include "files/json_rows.hpp"
#include "files/manifest_file.hpp"
#include "files/output_file.hpp"
#include "place/owned_output.hpp"
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

/// What the ledger calls the output. It is as far from the ledger as before when both are moved.
std::string ledger_name(const std::string& place, const std::filesystem::path& state) {
  namespace fs = std::filesystem;
  if (place == "-") return {};
  return fs::proximate(fs::weakly_canonical(fs::absolute(place)),
                       fs::weakly_canonical(fs::absolute(state)))
      .string();
}

/// Why a job must not write over a file of this length; empty: its own runs made it.
std::string why_taken(const std::string& place, const std::filesystem::path& state,
                      const std::string& job, uint64_t size) {
  constexpr std::string_view kAdvice =
      "move it away, name another file, or write over it with --restart";
  if (size == 0) return {};
  const std::optional<OutputOwner> owner = output_owner(state, ledger_name(place, state), job);
  if (!owner)
    return fmt::format("{} is there already, and no run in {} wrote it: {}", place,
                       AllowedPath(state).text(), kAdvice);
  if (owner->job != job)
    return fmt::format("{} holds the lines of {} (run {}): {}", place, owner->job, owner->run,
                       kAdvice);
  if (owner->done && owner->size != size)
    return fmt::format(
        "{} is {} bytes long, and run {} left it with {}, so it was changed since: {}", place, size,
        owner->run, owner->size, kAdvice);
  return {};
}

/// Of rows that were written: what their lines do not keep of them.
struct Unkept {
  uint64_t bounds = 0, nested = 0, nulls = 0;

  void look(const Value& value, const ColumnType& type) {
    if (value.type != ValueType::kPgArray || !type.is_array() || value.size < kHead) return;
    const auto dimensions =
        static_cast<size_t>(std::clamp(load_be<int32_t>(value.data), 0, kMostDimensions));
    const bool json = type.element == Kind::kJson || type.element == Kind::kJsonb;
    if (json && load_be<int32_t>(value.data + 4) != 0) ++nulls;
    if (dimensions > 1) ++nested;
    if (value.size < kHead + 8 * dimensions) return;
    bool moved = false;
    for (size_t i = 0; i < dimensions; ++i)
      moved = moved || load_be<int32_t>(value.data + kHead + 8 * i + 4) != 1;
    if (moved) ++bounds;
  }
  Unkept& operator+=(const Unkept& other) {
    bounds += other.bounds, nested += other.nested, nulls += other.nulls;
    return *this;
  }
  std::vector<std::string> told() const {
    std::vector<std::string> out;
    const auto tell = [&](uint64_t count, std::string_view which, std::string_view what) {
      if (count != 0) out.push_back(fmt::format("arrays {}: {}; {}", which, count, what));
    };
    tell(bounds, "that do not begin at 1", "lines do not keep that, read back they do");
    tell(nested, "of several dimensions",
         "read back into a column of arrays they are rejects; jsonb takes them");
    tell(nulls, "of json with NULL as an element", "lines do not tell it from json's null");
    return out;
  }

 private:
  static constexpr int32_t kMostDimensions = 6;
  static constexpr size_t kHead = 12;  // dimensions, whether there are NULLs, the elements' type
};

/// The file that all workers of a run append to, one unit at a time, and the ledger that says how
/// much of it counts.
class SharedOutput {
 public:
  SharedOutput(std::string place, std::filesystem::path state)
      : place_(std::move(place)), state_(std::move(state)) {}

  /// Truncates the file to the run's recorded units, unless this run has opened it already.
  void open(const SinkOptions& options) {
    const std::lock_guard lock(mutex_);
    if (!file_ || run_ != options.run) reopen(options);
    ++users_;
  }

  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return std::exchange(unkept_, {}).told();
  }

  void write_over(bool may) {
    const std::lock_guard lock(mutex_);
    anew_ = may;
  }

  /// The last of them closes the file, and others may write it.
  void close() {
    const std::lock_guard lock(mutex_);
    if (--users_ == 0) file_.reset();
  }

  /// Writes the rows first, then the record: on resume, rows without a record are cut off. The lock
  /// keeps both in the same order.
  void append(std::string_view text, const UnitRecord& unit, const Unkept& unkept) {
    const std::lock_guard lock(mutex_);
    if (failure_) throw Error(*failure_);
    try {
      file_->append(text);
      ledger_->add(unit, file_->size());
      unkept_ += unkept;
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
  void reopen(const SinkOptions& options) {
    if (!ledger_) ledger_ = std::make_unique<UnitLedger>(state_);
    file_.reset();
    auto file = std::make_unique<OutputFile>(place_);
    // Whoever held the file until now may have filled it since the target was inspected.
    const std::string why =
        std::exchange(anew_, false)
            ? ""
            : why_taken(place_, state_, ledger_->job_of(options.run), file->there());
    if (!why.empty()) throw Error(Code::kConfig, why);
    ledger_->own_output(options.run);
    file->cut(ledger_->output_size(options.run));
    file_ = std::move(file);
    failure_.reset();
    run_ = options.run;
  }

  std::string place_;
  std::filesystem::path state_;
  std::mutex mutex_;
  size_t users_ = 0;
  bool anew_ = false;
  Unkept unkept_;  // of what this process wrote
  std::string run_;
  std::unique_ptr<UnitLedger> ledger_;
  std::unique_ptr<OutputFile> file_;
  std::optional<Error> failure_;  // of the unit that ended it
};

class JsonLinesSink : public RowSink {
 public:
  JsonLinesSink(const PlanShape& plan, JsonStyle style, bool documents,
                std::shared_ptr<SharedOutput> output, const SinkOptions& options)
      : plan_(plan), rows_(plan, style, documents), output_(std::move(output)) {
    for (const TablePlan& table : plan.tables())
      arrays_ = arrays_ || std::ranges::any_of(table.columns, [](const Column& column) {
                  return column.type.is_array();
                });
    output_->open(options);
  }
  ~JsonLinesSink() override { output_->close(); }
  JsonLinesSink(const JsonLinesSink&) = delete;
  JsonLinesSink& operator=(const JsonLinesSink&) = delete;

  void write(Batch& batch) override {
    rows_.append(batch, tally_, text_);
    if (arrays_) look(batch);
  }

  void commit(UnitRecord& unit) override {
    unit.tally += tally_;
    output_->append(text_, unit, unkept_);
    rollback();
  }

  void rollback() noexcept override {
    text_.clear();
    tally_ = {};
    unkept_ = {};
  }

 private:
  void look(const Batch& batch) {
    for (size_t t = 0; t < batch.tables.size(); ++t) {
      const RowSet& rows = batch.tables[t];
      const std::vector<Column>& columns = plan_.tables()[t].columns;
      for (size_t i = 0; i < rows.rows(); ++i) {
        if (!rows.live(i) || batch.fates[rows.document(i)] != Fate::kLoad) continue;
        for (size_t c = 0; c < columns.size(); ++c) unkept_.look(rows.row(i)[c], columns[c].type);
      }
    }
  }

  const PlanShape& plan_;
  bool arrays_ = false;
  Unkept unkept_;
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

class JsonLinesTarget : public Target, public OwnedOutput {
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
    report.mode_reason = "each run writes the file from its start; keys are not looked at";
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

  std::string taken(const std::string& job) override {
    std::error_code none;
    const bool file = place_ != "-" && std::filesystem::is_regular_file(place_, none);
    return file ? why_taken(place_, state_, job, std::filesystem::file_size(place_)) : "";
  }
  void write_over(bool may) override { output_->write_over(may); }
  void create(const TargetReport&) override {}
  std::vector<VectorManifest> manifests(const PlanShape&) override {
    return read_manifest_file(place_);
  }
  void keep_manifests(const PlanShape& plan) override {
    keep_manifest_file(place_, plan.mapping().manifests);
  }
  std::unique_ptr<State> state() override {
    return make_file_state(state_,
                           [place = place_, state = state_] { return ledger_name(place, state); });
  }

  std::unique_ptr<RowSink> open(const PlanShape& plan, const SinkOptions& options) override {
    return std::make_unique<JsonLinesSink>(plan, style_, documents_, output_, options);
  }

  std::vector<std::string> finish(const PlanShape&, const FinishWork&, Tally&) override {
    return output_->told();
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
