#include "postgres/joint_sink.hpp"

#include <map>
#include <set>
#include <thread>

#include "postgres/lease.hpp"
#include "postgres/redo.hpp"
#include "postgres/refusal.hpp"
#include "postgres/session_pool.hpp"
#include "postgres/state.hpp"

namespace lugger {
namespace {

constexpr int kMostAttempts = 6;

class PgJointSink final : public RowSink {
 public:
  PgJointSink(const std::vector<const PlanShape*>& plans, const PgSinkSettings& settings)
      : settings_(settings),
        lent_(SessionPool::of(settings.url)->lend("load", settings.pooled)),
        session_(*lent_) {
    for (const PlanShape* plan : plans)
      parts_.push_back(std::make_unique<Part>(session_, *plan, settings));
  }

  void select(size_t plan) override { selected_ = plan; }

  void write(Batch& batch) override {
    UnitDocuments& unit = parts_.at(selected_)->unit;
    unit.add(batch);
    if (unit.has_deletes()) {
      throw Error(Code::kConfig,
                  "a source of changes also deletes, and a task with several writers cannot",
                  "one writer a task: return a task for each table");
    }
  }

  void commit(UnitRecord& unit) override {
    const Tally before = unit.tally;
    const size_t rejects = unit.rejects.size();
    for (int attempt = 1;;) {
      unit.tally = before;
      unit.rejects.resize(rejects);
      try {
        open_unit();
        if (!load(unit)) {
          undo();
          continue;
        }
        hold_lease_of(unit);
        write_unit(session_, settings_.state_schema, unit);
        session_.commit();
        return clear();
      } catch (const Error& error) {
        undo();
        const bool refusal = may_be_refusal(error) && !in_pieces_;
        if ((!is_transient(error) && !refusal) || attempt == kMostAttempts) throw;
        if (is_transient(error))
          std::this_thread::sleep_for(std::chrono::milliseconds(20 << attempt));
        in_pieces_ = in_pieces_ || refusal;
        ++attempt;
      }
    }
  }

  void rollback() noexcept override {
    undo();
    clear();
  }

 private:
  struct Part {
    Part(PgSession& session, const PlanShape& plan, const PgSinkSettings& settings)
        : load{session, plan, make_layout(session, plan), settings.pooled},
          loader(settings.mode == PgLoadMode::kStatement ? make_statement_loader(load)
                                                         : make_staged_loader(load)) {}
    PgLoad load;
    std::unique_ptr<PgLoader> loader;
    UnitDocuments unit;
  };

  void open_unit() {
    session_.begin();
    if (!settings_.lease.empty()) mark_unit(session_, settings_.lease);
  }

  void hold_lease_of(const UnitRecord& unit) {
    if (!unit.durable) session_.execute("SET LOCAL synchronous_commit = off");
    if (!settings_.lease.empty())
      hold_lease(session_, PgSession::quote_name(settings_.state_schema), settings_.lease);
  }

  /// False: a document was refused after rows of it were loaded. It is left out from here on.
  bool load(UnitRecord& unit) {
    for (const std::unique_ptr<Part>& part : parts_) {
      if (in_pieces_) {
        load_part_in_pieces(*part, unit);
      } else {
        part->loader->start(false);
        part->loader->write(part->unit, 0, part->unit.size());
        part->loader->finish(part->unit, unit.tally);
      }
      part->loader->release();
    }
    if (leave_out_refused()) return false;
    unit.tally.rejected += refused_.size();
    for (const auto& [document, reject] : refused_) unit.rejects.push_back(reject);
    return true;
  }

  void load_part_in_pieces(Part& part, UnitRecord& unit) {
    const auto refuse = [&](size_t document, const Error& error) {
      if (error.sqlstate() == "23505" && part.load.plan.mapping().on_conflict == OnConflict::kError)
        throw conflict_error(part.load, part.unit, document, error);
      refused_.emplace(part.unit.document(document).data,
                       server_reject(part.load, part.unit, document, error, unit));
    };
    load_in_pieces(part.load, *part.loader, part.unit, unit.tally, refuse);
  }

  /// True when rows of a refused document were loaded by another part, or before it was refused.
  bool leave_out_refused() {
    bool loaded = false;
    for (const std::unique_ptr<Part>& part : parts_) {
      for (size_t i = 0; !refused_.empty() && i < part->unit.size(); ++i) {
        if (!part->unit.loads(i) || !refused_.contains(part->unit.document(i).data)) continue;
        part->unit.exclude(i);
        loaded = true;
      }
    }
    return loaded;
  }

  void undo() noexcept {
    for (const std::unique_ptr<Part>& part : parts_) part->loader->abort();
    session_.rollback();
  }

  void clear() noexcept {
    for (const std::unique_ptr<Part>& part : parts_) part->unit.clear();
    refused_.clear();
    in_pieces_ = false;
  }

  PgSinkSettings settings_;
  LentSession lent_;
  PgSession& session_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::map<const uint8_t*, RejectRecord>
      refused_;  // by the document's bytes, the same in all parts
  size_t selected_ = 0;
  bool in_pieces_ = false;
};

}  // namespace

std::unique_ptr<RowSink> make_pg_joint_sink(const std::vector<const PlanShape*>& plans,
                                            const PgSinkSettings& settings) {
  return std::make_unique<PgJointSink>(plans, settings);
}

}  // namespace lugger
