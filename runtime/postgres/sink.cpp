#include "postgres/sink.hpp"

#include <map>
#include <thread>

#include "place/books.hpp"
#include "postgres/changes.hpp"
#include "postgres/claims.hpp"
#include "postgres/clear.hpp"
#include "postgres/lease.hpp"
#include "postgres/long_keys.hpp"
#include "postgres/redo.hpp"
#include "postgres/refusal.hpp"
#include "postgres/session_pool.hpp"
#include "postgres/state.hpp"

namespace lugger {
namespace {

constexpr int kMostAttempts = 6;

class PgSink : public RowSink {
 public:
  PgSink(const PlanShape& plan, const PgSinkSettings& settings)
      : plan_(plan),
        settings_(settings),
        lent_(SessionPool::of(settings.url)->lend("load", settings.pooled)),
        session_(*lent_),
        load_{session_, plan, make_layout(session_, plan), settings.pooled} {
    switch (settings.mode) {
      case PgLoadMode::kDirect: loader_ = make_direct_loader(load_); break;
      case PgLoadMode::kStaged: loader_ = make_staged_loader(load_); break;
      case PgLoadMode::kStatement: loader_ = make_statement_loader(load_); break;
    }
    direct_ = settings.mode == PgLoadMode::kDirect;
  }

  void write(Batch& batch) override {
    const size_t first = unit_.size();
    unit_.add(batch);
    if (direct_) find_long_keys(load_, unit_, first, long_keys_);
    if (unit_.has_deletes() && active_) undo();  // what was sent comes again, in its step
    if (refused_ || unit_.has_deletes()) return;
    try {
      if (!active_) begin();
      loader_->write(unit_, first, unit_.size());
    } catch (const Error& error) {
      undo();
      if (!may_be_refusal(error) && !is_transient(error)) throw;
      refused_ = true;
    }
  }

  void commit(UnitRecord& unit) override {
    const Tally before = unit.tally;
    const size_t rejects = unit.rejects.size();
    const auto again = [&] {
      refused_ = true;
      unit.tally = before;
      unit.rejects.resize(rejects);
      unit_.include_all();
    };
    for (int attempt = 1;; ++attempt) {
      try {
        bring_in(unit);
        if (unit.clears) clear_tables(load_, unit.tally);
        if (!unit.done && !unit.durable) session_.execute("SET LOCAL synchronous_commit = off");
        if (!unit.tried.empty()) leave_out_refused(unit.tally);
        hold(unit);
        write_unit(session_, settings_.state_schema, unit);
        session_.commit();
        clear();
        several_ = true;
        return;
      } catch (const NeedsStaging& why) {
        undo();
        stage(why);
        again();
      } catch (const Error& error) {
        undo();
        const bool may = is_transient(error) || (may_be_refusal(error) && !refused_);
        if (!may || attempt == kMostAttempts) throw;
        if (is_transient(error))
          std::this_thread::sleep_for(std::chrono::milliseconds(20 << attempt));
        again();
      }
    }
  }

  void rollback() noexcept override {
    undo();
    clear();
  }

  void commit_under(const std::string& claim) override { claim_ = claim; }

 private:
  void open_unit() {
    // What a single unit needs goes with its transaction.
    if (several_ && loader_) loader_->prepare();
    if (several_ && staged_) staged_->prepare();
    session_.begin();
    active_ = true;
    const std::string& token = claim_.empty() ? settings_.lease : claim_;
    if (!token.empty()) mark_unit(session_, token);
  }

  /// Nobody takes over what the unit is loaded under until it is committed.
  void hold(const UnitRecord& unit) {
    const std::string schema = PgSession::quote_name(settings_.state_schema);
    if (!claim_.empty()) {
      hold_claim(session_, schema, unit.run, unit.partition, claim_);
    } else if (!settings_.lease.empty()) {
      hold_lease(session_, schema, settings_.lease);
    }
  }

  void begin() {
    open_unit();
    loader_->start(false);
  }

  void undo() noexcept {
    unit_.all_steps();
    loader_->abort();
    if (staged_) staged_->abort();
    session_.rollback();
    active_ = false;
  }

  void clear() noexcept {
    unit_.clear();
    long_keys_.clear();
    active_ = refused_ = in_staging_ = false;
  }

  void bring_in(UnitRecord& unit) {
    if (refused_ || !long_keys_.empty()) return redo(unit);
    if (!unit_.has_deletes()) {
      if (!active_) begin();
      loader_->finish(unit_, unit.tally);
      return;
    }
    // No key stands yet by which rows could be found.
    if (direct_) throw NeedsStaging{false};
    open_unit();
    const std::unique_ptr<PgLoader> changes = make_changes_loader(load_, *loader_, unit_);
    changes->start(false);
    changes->write(unit_, 0, unit_.size());
    changes->finish(unit_, unit.tally);
  }

  /// From here to the end of the unit in staging.
  void stage(const NeedsStaging& why) {
    // What kept rows out was not there when the tables were looked at.
    for (PgTableLayout& table : load_.tables) table.guarded = table.guarded || why.kept_out;
    if (!staged_) staged_ = make_staged_loader(load_);
    in_staging_ = true;
  }

  void redo(UnitRecord& unit) {
    undo();
    open_unit();
    PgLoader& rows = in_staging_ ? *staged_ : *loader_;
    std::unique_ptr<PgLoader> changes;
    if (unit_.has_deletes()) changes = make_changes_loader(load_, rows, unit_);
    PgLoader& loader = changes ? *changes : rows;
    const OnConflict policy = plan_.mapping().on_conflict;
    std::map<size_t, RejectRecord> refused;  // by document, whichever way they were found
    const auto refuse = [&](size_t document, const Error& error) {
      if (error.sqlstate() == "23505") {
        if (policy == OnConflict::kError) throw conflict_error(load_, unit_, document, error);
        if (direct_ && !in_staging_ && !plan_.mapping().key.empty()) throw NeedsStaging{false};
      }
      refused.emplace(document, server_reject(load_, unit_, document, error, unit));
    };
    if (direct_ && !in_staging_) refuse_long_keys(load_, unit_, long_keys_, refuse);
    load_in_pieces(load_, loader, unit_, unit.tally, refuse, [&](size_t document) {
      if (!unit_.skips(document)) ++unit.tally.skipped;
    });
    unit.tally.rejected += refused.size();
    for (auto& [document, reject] : refused) {
      if (unit_.skips(document)) --unit.tally.skipped;
      unit.rejects.push_back(std::move(reject));
    }
  }

  const PlanShape& plan_;
  PgSinkSettings settings_;
  LentSession lent_;
  PgSession& session_;
  PgLoad load_;
  std::unique_ptr<PgLoader> loader_, staged_;
  UnitDocuments unit_;
  std::string claim_;              // of a joint run
  std::vector<size_t> long_keys_;  // documents of a direct load whose keys the server is to try
  bool direct_ = false, active_ = false;
  bool several_ = false;     // units of this session
  bool refused_ = false;     // the unit must be loaded in pieces
  bool in_staging_ = false;  // a direct load's unit that staging must settle
};

}  // namespace

std::unique_ptr<RowSink> make_pg_sink(const PlanShape& plan, const PgSinkSettings& settings) {
  return std::make_unique<PgSink>(plan, settings);
}

}  // namespace lugger
