#include "sink/pg_sink.hpp"

#include <thread>

#include "sink/pg_duplicates.hpp"
#include "sink/pg_redo.hpp"
#include "sink/pg_refusal.hpp"
#include "sink/state_pg.hpp"

namespace lugger {
namespace {

constexpr int kMostAttempts = 6;

/// Thrown inside a direct redo: a key is already taken, which on_conflict settles in staging.
struct NeedsStaging {};

class PgSink : public RowSink {
 public:
  PgSink(const PlanShape& plan, const PgSinkSettings& settings)
      : plan_(plan),
        settings_(settings),
        session_(settings.url, "load", settings.pooled),
        load_{session_, plan, make_layout(session_, plan), settings.pooled},
        duplicates_(plan) {
    if (settings.mode == "statement") {
      loader_ = make_statement_loader(load_);
    } else if (settings.mode == "staged") {
      loader_ = make_staged_loader(load_);
    } else {
      loader_ = make_direct_loader(load_);
      direct_ = true;
    }
    loader_->prepare();
  }

  void write(Batch& batch) override {
    const size_t first = unit_.size();
    unit_.add(batch);
    if (direct_) duplicates_.look(unit_, first);
    if (refused_) return;
    try {
      if (!active_) begin();
      loader_->write(unit_, first, unit_.size());
    } catch (const Error& error) {
      undo();
      if (!is_refusal(error)) throw;
      refused_ = true;
    }
  }

  void commit(UnitRecord& unit) override {
    const Tally before = unit.tally;
    const size_t rejects = unit.rejects.size();
    refused_ = refused_ || duplicates_.any();
    for (int attempt = 1;; ++attempt) {
      try {
        if (refused_) {
          redo(unit);
        } else {
          if (!active_) begin();
          loader_->finish(unit_, unit.tally);
        }
        if (!unit.done) session_.execute("SET LOCAL synchronous_commit = off");
        write_unit(session_, settings_.state_schema, unit);
        session_.commit();
        clear();
        return;
      } catch (const Error& error) {
        undo();
        const bool again = is_transient(error) || (is_refusal(error) && !refused_);
        if (!again || attempt == kMostAttempts) throw;
        if (is_transient(error))
          std::this_thread::sleep_for(std::chrono::milliseconds(20 << attempt));
        refused_ = true;
        unit.tally = before;
        unit.rejects.resize(rejects);
        unit_.include_all();
      }
    }
  }

  void rollback() noexcept override {
    undo();
    clear();
  }

 private:
  void begin() {
    session_.begin();
    active_ = true;
    loader_->start(false);
  }

  void undo() noexcept {
    loader_->abort();
    session_.rollback();
    active_ = false;
  }

  void clear() noexcept {
    unit_.clear();
    duplicates_.clear();
    active_ = refused_ = false;
  }

  void redo(UnitRecord& unit) {
    const Tally before = unit.tally;
    const size_t rejects = unit.rejects.size();
    try {
      redo_with(unit, *loader_);
    } catch (const NeedsStaging&) {
      undo();
      unit.tally = before;
      unit.rejects.resize(rejects);
      unit_.include_all();
      if (!staged_) staged_ = make_staged_loader(load_);
      staged_->prepare();
      redo_with(unit, *staged_);
    }
  }

  void redo_with(UnitRecord& unit, PgLoader& loader) {
    undo();
    session_.begin();
    active_ = true;
    const bool direct = direct_ && &loader == loader_.get();
    if (direct) duplicates_.settle(unit_, unit.tally);
    const OnConflict policy = plan_.mapping().on_conflict;
    load_in_pieces(load_, loader, unit_, unit.tally, [&](size_t document, const Error& error) {
      if (error.sqlstate() == "23505") {
        if (policy == OnConflict::kError) throw conflict_error(load_, unit_, document, error);
        if (direct && !plan_.mapping().key.empty()) throw NeedsStaging{};
      }
      unit.rejects.push_back(server_reject(load_, unit_, document, error, unit));
      ++unit.tally.rejected;
    });
  }

  const PlanShape& plan_;
  PgSinkSettings settings_;
  PgSession session_;
  PgLoad load_;
  std::unique_ptr<PgLoader> loader_, staged_;
  UnitDocuments unit_;
  UnitDuplicates duplicates_;
  bool direct_ = false, active_ = false;
  bool refused_ = false;  // the unit must be loaded in pieces
};

}  // namespace

std::unique_ptr<RowSink> make_pg_sink(const PlanShape& plan, const PgSinkSettings& settings) {
  return std::make_unique<PgSink>(plan, settings);
}

}  // namespace lugger
