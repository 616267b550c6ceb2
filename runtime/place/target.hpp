// Where rows go. A Target is a place, shared; a RowSink is one worker's open stream to it.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/options.hpp"
#include "base/stop.hpp"
#include "place/health.hpp"
#include "place/rows.hpp"
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

/// What inspecting a target against a plan found. `problems` stop a run; `warnings` are told.
struct TargetReport {
  std::string place;        // masked
  std::string server;       // "PostgreSQL 15.18"
  std::string mode;         // how it loads, in its own word: "direct", "staged"
  std::string mode_reason;  // one sentence
  /// No table but the job's own has a part in its load: no foreign key, trigger or rule leads
  /// elsewhere, so it may run beside other loads.
  bool self_contained = false;
  bool holds_rows = false;              // of the document's own tables one is not empty
  std::vector<std::string> missing;     // tables that are not there
  std::vector<std::string> create;      // DDL for what is missing, in order; run only with create
  std::vector<std::string> after_load;  // keys: DDL run when all rows are in
  std::vector<std::string> index,
      constrain;             // DDL of the stages that follow, what is done left out
  std::string index_memory;  // the server's maintenance_work_mem
  std::vector<std::string> warnings;
  std::vector<std::string> problems;
};

struct SinkOptions {
  std::string run;
  std::string mode;   // from the report, kept for the run
  std::string lease;  // State::lease_token()
  uint32_t connections = 1;
};

/// What the end of a load is given to work with.
struct FinishWork {
  std::string run;
  uint32_t connections = 1;
  /// Gives every document that the run has read once more, in the order of partition and position,
  /// as rows of the plan. Empty: the source cannot be read again.
  std::function<void(const std::function<void(Batch&)>& use)> again;
};

class RowSink {
 public:
  virtual ~RowSink() = default;
  /// Takes the batch's rows whose documents are to be loaded. The batch and its arena must live
  /// until commit() or rollback().
  virtual void write(Batch& batch) = 0;
  /// Rows, rejects and position in one transaction. Completes unit.tally and unit.rejects: rows the
  /// target refuses are found by halving and become rejects, the rest is loaded. Throws
  /// Error{connect} when the connection is gone (nothing of the unit is in, or all of it: the
  /// checkpoint tells).
  virtual void commit(UnitRecord& unit) = 0;
  virtual void rollback() noexcept = 0;
  /// Units that follow are committed while the ledger knows this claim; then ClaimLost is thrown.
  virtual void commit_under(const std::string& claim) { static_cast<void>(claim); }
};

/// Indexes and constraints, built when the rows are in.
class Stages {
 public:
  virtual ~Stages() = default;
  /// The steps that are to come, as the ledger records them when the load is about to end.
  virtual std::vector<StepRecord> steps(const PlanShape& plan) = 0;
  /// Columns that will hold no NULL once everything is built.
  virtual std::vector<TableColumn> not_null(const PlanShape& plan) const = 0;
  /// Bytes of a key that its index takes in any case; 0: any number.
  virtual uint64_t longest_key() const { return 0; }
  /// Does what is left of a stage; done steps are passed over.
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
  /// Whether a pooler in transaction mode stands before it: said by its options, or found out.
  virtual bool pooled() { return false; }
  /// The columns of an existing table; empty: there is none.
  virtual std::vector<TargetColumn> columns(const std::string& table) = 0;
  /// `again`: the source can be read a second time, should a direct load have let in several rows
  /// of one key.
  virtual TargetReport inspect(const PlanShape& plan, bool create, bool again) = 0;
  virtual void create(const TargetReport& report) = 0;
  virtual std::unique_ptr<State> state() = 0;
  virtual std::unique_ptr<RowSink> open(const PlanShape& plan, const SinkOptions& options) = 0;
  /// After the last unit: duplicates by policy, keys (over up to `work.connections` sessions),
  /// sequences, ANALYZE. Returns what it did, a line each. Duplicates correct the tally, and the
  /// ledger with it.
  virtual std::vector<std::string> finish(const PlanShape& plan, const FinishWork& work,
                                          Tally& tally) = 0;
  /// Throws away rows loaded by an unfinished run that is not to be resumed (--restart) when it is
  /// safe to say which they are.
  virtual void discard(const PlanShape& plan, const std::string& run) = 0;

  /// Why rows of deleted documents could not be deleted; empty: they can.
  virtual std::vector<std::string> delete_problems(const PlanShape& plan) {
    static_cast<void>(plan);
    return {place() + " takes no deletes"};
  }

  // What not every kind of target can do; null where it cannot.
  /// The indexes and constraints that are built behind a load.
  virtual Stages* stages() { return nullptr; }
  /// A way to ask how the target is, for one run.
  virtual std::unique_ptr<Health> health() { return nullptr; }
  /// Its rows read back, for one verification.
  virtual std::unique_ptr<Rows> rows() { return nullptr; }
};

}  // namespace lugger
