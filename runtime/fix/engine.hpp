// The engine of fixes and undos: counts the changes first, then writes page by page.
#pragma once
#include "base/conductor.hpp"
#include "engine/control.hpp"
#include "engine/ledger_run.hpp"
#include "engine/retry.hpp"
#include "fix/run.hpp"
#include "fix/tally.hpp"
#include "postgres/server.hpp"
#include "postgres/state.hpp"

namespace lugger {

/// What a fix and an undo have in common.
struct EngineSpec {
  std::string kind, name, target, table, where, undoes;
  Options target_options;
  std::vector<std::string> key, set;
  uint64_t max_rows = 0;  // 0: as many as there are
  uint32_t batch_rows = 1000;
  int64_t retention_seconds = 0;
  ThrottleSpec throttle;
  std::string script_hash, resume_command, now;
  /// SQL that returns keys: executed once, before the first write; the result is stored.
  std::string key_query;
  PgParams key_params;
  /// kept_keys: see FixCondition.
  std::function<std::unique_ptr<ChangeSource>(const FixTable&, const std::string& now,
                                              const std::string& kept_keys)>
      source;
};

class FixEngine final : public FixRun {
 public:
  FixEngine(EngineSpec spec, FixSettings settings);
  ~FixEngine() override;

  RunSnapshot poll(int timeout_ms) override;
  bool ended() const override;
  void stop(StopLevel level) override;
  RunResult result() override;
  const FixReport& report() const override { return report_; }

 private:
  void prepare();
  void prepare_ledger();
  void listen();
  void hold_undone();
  void end_undone();
  void refuse_half_undone(const RunRecord& run);
  void begin_run();
  void keep_keys();
  void work();
  void count();
  void write_all();
  bool write_page();
  bool write_page_patiently();
  /// A page, and the outcome of its changes.
  struct Outcome {
    Proposal page;
    std::vector<Written> written;
  };
  Outcome retry_conflicts(const Outcome& first);
  void book(const Outcome& outcome, UnitRecord& unit) const;
  void show(const Outcome& outcome);
  void commit(UnitRecord& unit, const Proposal& page);
  void connect();
  void settle();
  void check_budget(uint64_t more) const;
  std::string conclude(std::optional<Error> failure);
  void forget_keys() noexcept;
  size_t page_rows(uint64_t looked_at);
  std::string kept_keys() const;
  ControlFacts facts() const;

  EngineSpec spec_;
  FixSettings settings_;
  std::shared_ptr<PgServer> server_;
  std::string url_, schema_;
  bool pooled_ = false;
  std::unique_ptr<PgSession> session_;
  std::unique_ptr<LedgerRun> ledger_;
  std::unique_ptr<LedgerRun> undone_;  // an undo: holds the job whose run it undoes
  FixTable table_;
  std::unique_ptr<ChangeSource> source_;
  std::unique_ptr<FixWriter> writer_;
  std::unique_ptr<FixTally> counts_;
  Pace pace_;
  std::unique_ptr<ControlSocket> control_;
  StopFlag stop_;
  Away away_;
  Backoff backoff_{&away_};

  std::string run_;
  std::optional<RunRecord> unfinished_;  // the run to resume
  PartitionRecord part_;                 // as of the last commit
  bool begun_ = false;                   // the ledger knows the run
  bool resumed_ = false;
  Tally tally_;  // of this attempt
  uint64_t row_bytes_ = 0, rows_seen_ = 0, since_last_ = 0, altered_ = 0;

  mutable std::mutex mutex_;  // of shown_
  Tally shown_;
  FixReport report_;
  RunResult result_;
  Conductor conductor_{"counting"};
};

}  // namespace lugger
