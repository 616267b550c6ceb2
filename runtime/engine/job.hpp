// A job: a source, a mapping, a target. It can be planned, previewed, traced and run.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/run.hpp"
#include "engine/spooler.hpp"
#include "engine/throttle.hpp"
#include "place/source.hpp"
#include "place/target.hpp"
#include "plan/inverse.hpp"
#include "plan/plan.hpp"

namespace lugger {

/// kList: the columns as given. kAuto: one column for each top-level field, with the narrowest type
/// that holds every value; a first pass over the source finds it. kDocument: one jsonb column
/// "doc".
enum class ColumnsMode : uint8_t { kList, kAuto, kDocument };
/// What happens when a hook raises an error.
enum class OnHookError : uint8_t { kStop, kReject };

/// Makes one hook for one worker, and is called in that worker's thread. `now` is the run's instant
/// as ISO text, which lugger.now() returns; empty: the hook takes its own.
using HookFactory = std::function<std::unique_ptr<RowHook>(std::shared_ptr<const PlanShape>,
                                                           const std::string& now)>;

struct JobSpec {
  std::string name;  // empty: "<source> -> <table>"
  std::string source,
      target;  // places as written; connection URLs may hold passwords: never printed
  Options source_options, target_options;
  Mapping mapping;  // table, key, on_conflict, newer come from the target's options when empty here
  ColumnsMode columns = ColumnsMode::kList;
  HookFactory hook;  // empty: none
  OnHookError on_hook_error = OnHookError::kStop;
  std::string script_hash;     // of script, required modules and options
  std::string resume_command;  // what a user types to go on
  std::string now;             // lugger.now() of a new run, ISO text; empty: the state's clock
  ThrottleSpec throttle;       // limits on the target's health, where it is PostgreSQL
  DdlPolicies on_ddl;          // what is done to the collection while its changes are followed
};

struct JobPlan {
  std::string job, source, target;
  SourceInfo source_info;
  TargetReport report;
  std::vector<TablePlan> tables;
  std::vector<Partition> partitions;
  int connections = 1;
  double forecast_seconds = 0;  // 0: unknown
  std::vector<VectorManifest> manifests;
  std::string on_ddl;  // of a source whose changes can be followed: its policies
  std::vector<std::string> warnings;
};

/// One document's rows as they would be written, or the reason why it would not be.
struct PreviewDocument {
  std::string id, document;  // canonical text, relaxed Extended JSON
  Fate fate = Fate::kLoad;
  std::string table, column, code, message;  // of a reject or skip
  struct Row {
    size_t table;                     // index into tables
    std::vector<std::string> values;  // text form; NULL is "NULL" with is_null set
    std::vector<bool> is_null;
  };
  std::vector<Row> rows;
};
struct Preview {
  std::vector<TablePlan> tables;
  std::vector<PreviewDocument> documents;
  Tally tally;
};

/// One step of one column of one document.
struct TraceStep {
  std::string table, column, from, found_type, found, type, result,
      outcome;  // outcome: "ok", "null", "default", "reject: ..."
};
struct Trace {
  std::string document;
  std::vector<TraceStep> steps;
  PreviewDocument outcome;
  std::vector<TablePlan> tables;
};

/// The next step of a move.
enum class MoveStage : uint8_t {
  kCopy,    // copy, while changes are spooled
  kFollow,  // all is copied: settle and follow the changes
};

struct JobImpl;

class Job {
 public:
  explicit Job(JobSpec spec);
  ~Job();
  const std::string& name() const noexcept;
  /// Of the data, reads only what `columns = "auto"` and the split need. Writes nothing.
  JobPlan plan(const RunSettings& settings);
  Preview preview(size_t documents);
  /// Error{config} when no document has that _id (canonical text).
  Trace trace(const std::string& document_id);
  /// Starts the workers; the returned Run is polled by the caller.
  std::unique_ptr<Run> start(const RunSettings& settings);
  /// Keeps the keys of what changes from now on until it is stopped, for a copy that begins once
  /// this has returned; goes on with what was kept before, or, if `restart`, begins anew. The job
  /// must outlive it.
  std::unique_ptr<Spooler> spool(bool restart);
  /// Whether a copy beside a spooler, or a run that follows, is what goes on with a move.
  MoveStage move_stage();
  /// From now on its changes are read together with those of the hub's other jobs. Returns the size
  /// of its source.
  uint64_t share(FeedHub& hub);
  /// Asks the source for its changes. obstacle: what it answers when it gives none; "": it does.
  /// advice: what is to be said of how they are read.
  struct FollowAnswer {
    std::string obstacle, advice;
  };
  FollowAnswer ask_to_follow();
  /// Rows of the target that indexes and constraints still to be built would refuse. Reads only.
  std::vector<Refused> preflight();
  /// Documents of the source that NOT NULL would refuse, by column, before anything is loaded.
  /// Reads up to `limit` documents; 0: all.
  std::vector<Refused> preflight_source(uint64_t limit, const StopFlag* stop);
  /// True when the source is a file small enough to be read quickly on one connection, and a second
  /// reading would have the same outcome. Such jobs may run side by side.
  bool is_small();
  Source& source();
  Target& target();
  std::shared_ptr<const PlanShape> shape();
  /// The fields of a document that can be restored from its rows.
  MappingInverse inverse();
  /// For higher layers that use the job's places directly.
  JobImpl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<JobImpl> impl_;
};

}  // namespace lugger
