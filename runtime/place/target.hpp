// Where rows go. A Target is a place, shared; a RowSink is one worker's open stream to it.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/options.hpp"
#include "base/stop.hpp"
#include "place/health.hpp"
#include "place/rows.hpp"
#include "place/search.hpp"
#include "place/stage.hpp"
#include "place/state.hpp"
#include "plan/plan.hpp"

namespace lugger {

struct TargetColumn {
  std::string name, type;  // type as format_type() spells it
  bool not_null = false, has_default = false, generated = false, identity = false;
};

struct TableColumn {
  std::string table, column;
};

/// The result of inspecting a target against a plan. `problems` prevent a run; `warnings` are
/// shown.
struct TargetReport {
  std::string place;        // masked
  std::string server;       // "PostgreSQL 15.18"
  std::string mode;         // the way of loading, in the target's own word: "direct", "staged"
  std::string mode_reason;  // why, in one sentence
  /// The load touches no table but the job's own: no foreign key, trigger or rule leads to another.
  /// So the job may run beside other loads.
  bool self_contained = false;
  /// What a row may have to wait for that another document or job writes: "docs refers to parents".
  std::vector<std::string> waits_for_rows;
  bool holds_rows = false;           // one of the document's own tables is not empty
  std::vector<std::string> missing;  // tables that do not exist
  std::vector<std::string> create;   // DDL for missing tables, in order; executed only with create
  std::vector<std::string> after_load;  // keys: DDL executed when all rows are loaded
  std::vector<std::string> index,
      constrain;             // DDL of the stages that follow, without what is done
  std::string index_memory;  // the server's maintenance_work_mem
  std::vector<std::string> warnings;
  std::vector<std::string> problems;
};

struct SinkOptions {
  std::string run;
  std::string mode;   // from the report, the same for the whole run
  std::string lease;  // State::lease_token()
  uint32_t connections = 1;
};

/// The input for the end of a load.
struct FinishWork {
  std::string run;
  uint32_t connections = 1;
  /// Gives every document that the run has read once more, as rows of the plan, in order of
  /// partition and position. Empty: the source cannot be read again.
  std::function<void(const std::function<void(Batch&)>& use)> again;
};

class RowSink {
 public:
  virtual ~RowSink() = default;
  /// Takes the rows of the batch whose documents are to be loaded. The batch and its arena must
  /// live until commit() or rollback().
  virtual void write(Batch& batch) = 0;
  /// Commits rows, rejects and position in one transaction. Completes unit.tally and unit.rejects:
  /// rows that the target refuses are found by halving the unit and become rejects; the rest is
  /// loaded. Throws Error{connect} when the connection is lost: then either the whole unit is
  /// committed or nothing of it, and the checkpoint shows which.
  virtual void commit(UnitRecord& unit) = 0;
  virtual void rollback() noexcept = 0;
  /// Of a sink that was opened for several plans: whose rows write() takes from here on.
  virtual void select(size_t plan) { static_cast<void>(plan); }
  /// From now on commit() commits a unit only while the ledger shows this claim; otherwise it
  /// throws ClaimLost.
  virtual void commit_under(const std::string& claim) { static_cast<void>(claim); }
  /// "table.column" -> values that the target cannot hold, and that became NULL or the default, as
  /// on_error says. Also those that were rolled back.
  virtual std::map<std::string, uint64_t> replaced() const { return {}; }
};

/// Indexes and constraints, built after the rows are loaded.
class Stages {
 public:
  virtual ~Stages() = default;
  /// The steps to come, as the ledger records them when the load is about to end.
  virtual std::vector<StepRecord> steps(const PlanShape& plan) = 0;
  /// Columns that are NOT NULL once everything is built.
  virtual std::vector<TableColumn> not_null(const PlanShape& plan) const = 0;
  /// The columns of each index that bounds the length of its keys, beside those of the mapping's key.
  virtual std::vector<std::vector<TableColumn>> indexed(const PlanShape&) const { return {}; }
  /// The length of a key, in bytes, that its index always accepts; 0: no bound.
  virtual uint64_t longest_key() const { return 0; }
  /// Does the steps of a stage that are not done yet.
  virtual StageResult build(Stage stage, const PlanShape& plan, const StageWork& work) = 0;
  /// Rows that the stages to come would refuse. Reads only.
  virtual std::vector<Refused> preflight(const PlanShape& plan, const std::string& job) = 0;

 protected:
  Stages() = default;
  Stages(const Stages&) = default;
  Stages& operator=(const Stages&) = default;
};

class Target {
 public:
  virtual ~Target() = default;
  virtual std::string place() const = 0;  // masked
  /// True when there is a pooler in transaction mode in front of it: an option says so, or it was
  /// detected.
  virtual bool pooled() { return false; }
  /// The columns of an existing table; empty: the table does not exist.
  virtual std::vector<TargetColumn> columns(const std::string& table) = 0;
  /// `again`: the source can be read a second time, in case a direct load accepts several rows with
  /// the same key.
  virtual TargetReport inspect(const PlanShape& plan, bool create, bool again) = 0;
  virtual void create(const TargetReport& report) = 0;
  virtual std::unique_ptr<State> state() = 0;
  virtual std::unique_ptr<RowSink> open(const PlanShape& plan, const SinkOptions& options) = 0;
  /// True when one transaction can commit the rows of several plans: then open_joint() gives a sink
  /// for them.
  virtual bool commits_together() const { return false; }
  virtual std::unique_ptr<RowSink> open_joint(const std::vector<const PlanShape*>& plans,
                                              const SinkOptions& options) {
    static_cast<void>(plans), static_cast<void>(options);
    return nullptr;
  }
  /// What is kept of how the vectors of its tables were made, by column; empty: nothing.
  virtual std::vector<VectorManifest> manifests(const PlanShape& plan) {
    static_cast<void>(plan);
    return {};
  }
  /// Keeps the mapping's manifests where manifests() finds them, before the first row.
  virtual void keep_manifests(const PlanShape& plan) { static_cast<void>(plan); }
  /// Called after the last unit: settles duplicates by policy, then makes keys (over up to
  /// `work.connections` sessions), sets sequences and runs ANALYZE. Returns what it did, one line
  /// each. Settling duplicates corrects the tally and the ledger.
  virtual std::vector<std::string> finish(const PlanShape& plan, const FinishWork& work,
                                          Tally& tally) = 0;
  /// Deletes the rows of an unfinished run that will not be resumed (--restart), when they can be
  /// identified safely.
  virtual void discard(const PlanShape& plan, const std::string& run) = 0;

  /// Why rows of deleted documents cannot be deleted; empty: they can.
  virtual std::vector<std::string> delete_problems(const PlanShape& plan) {
    static_cast<void>(plan);
    return {place() + " takes no deletes"};
  }

  /// How many documents of the batch have a row. They are given as Operation::kDelete, and the plan
  /// has run on them. 0 where that is not known.
  virtual uint64_t standing(const PlanShape& plan, Batch& keys) {
    static_cast<void>(plan), static_cast<void>(keys);
    return 0;
  }

  // The rest is null for targets that do not support it.
  // The indexes and constraints that are built after a load.
  virtual Stages* stages() { return nullptr; }
  /// Reads the target's health, for one run.
  virtual std::unique_ptr<Health> health() { return nullptr; }
  /// Reads its rows back, for one verification.
  virtual std::unique_ptr<Rows> rows() { return nullptr; }
  /// For one worker. Null: it has no search of its own.
  virtual std::unique_ptr<Search> search(const SearchSpec& spec) {
    static_cast<void>(spec);
    return nullptr;
  }
};

}  // namespace lugger
