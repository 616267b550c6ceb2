#include "postgres/changes.hpp"

#include <algorithm>
#include <unordered_map>

#include "postgres/gone.hpp"
#include "postgres/merge.hpp"

namespace lugger {
namespace {

class ChangesLoader final : public PgLoader {
 public:
  ChangesLoader(PgLoad& load, PgLoader& rows, UnitDocuments& unit)
      : PgLoader(load),
        rows_(rows),
        unit_(unit),
        sql_(load.tables, load.plan.mapping().on_conflict, MergeSql::Relations::kExpressions) {
    const PgTableLayout& own = load_.tables[0];
    for (const size_t field : own.key)
      by_key_ = by_key_ && equal_by_bytes(own.fields[field], key_type(field));
  }

  void start(bool again) override {
    rows_.start(again);
    started_ = true;
    first_ = last_ = 0;
  }

  void write(const UnitDocuments&, size_t first, size_t last) override {
    if (last_ == 0) first_ = first;
    last_ = last;
  }

  void finish(const UnitDocuments&, Tally& tally) override {
    const uint32_t steps = take_steps();
    for (uint32_t step = 0; step < steps; ++step) {
      unit_.only_step(step);
      if (step % 2 == 0) {
        remove(tally);
      } else {
        load(tally);
      }
    }
    unit_.all_steps();
  }

  void abort() noexcept override {
    rows_.abort();
    unit_.all_steps();
    loading_ = false;
  }

  size_t guilty(const UnitDocuments& unit, const Error& error) const override {
    return loading_ ? rows_.guilty(unit, error) : unit.size();
  }

 private:
  const ColumnType& key_type(size_t field) const {
    return load_.plan.tables()[0].columns[load_.tables[0].fields[field].slot].type;
  }

  std::string key_text(const Value* row, const PgTableLayout& layout) const {
    std::string out;
    for (const size_t field : layout.key)
      out += coerced_text(row[layout.fields[field].slot], key_type(field)) + '\x1f';
    return out;
  }

  /// Assigns a step to each document, and returns the number of steps. Even steps delete.
  uint32_t take_steps() {
    std::vector<uint32_t> steps(unit_.size(), 0);
    const uint32_t last = by_key_ ? steps_by_key(steps) : steps_in_order(steps);
    unit_.set_steps(std::move(steps));
    return last + 1;
  }

  uint32_t steps_in_order(std::vector<uint32_t>& steps) const {
    uint32_t step = 0;
    for (size_t i = first_; i < last_; ++i) {
      const bool acts = unit_.loads(i) || unit_.deletes(i);
      if (acts && unit_.deletes(i) != (step % 2 == 0)) ++step;
      steps[i] = step;
    }
    return step;
  }

  /// Assigns the lowest step that is not before the step of an earlier document with the same key.
  uint32_t steps_by_key(std::vector<uint32_t>& steps) const {
    std::vector<std::vector<std::string>> keys(last_ - first_);
    for (size_t t = 0; t < load_.tables.size() && load_.tables[t].own; ++t) {
      unit_.each_row(t, first_, last_, [&](const Value* row, size_t number) {
        keys[number - first_].push_back(key_text(row, load_.tables[t]));
      });
    }
    unit_.each_deleted(first_, last_, [&](const Value* row, size_t number) {
      keys[number - first_].push_back(key_text(row, load_.tables[0]));
    });
    std::unordered_map<std::string, uint32_t> taken;
    uint32_t most = 0;
    for (size_t i = first_; i < last_; ++i) {
      const uint32_t parity = unit_.deletes(i) ? 0 : 1;
      uint32_t& step = steps[i] = parity;
      for (const std::string& key : keys[i - first_]) {
        const auto found = taken.find(key);
        if (found == taken.end()) continue;
        step = std::max(step, found->second + (found->second % 2 == parity ? 0 : 1));
      }
      for (std::string& key : keys[i - first_]) taken[std::move(key)] = step;
      most = std::max(most, step);
    }
    return most;
  }

  void load(Tally& tally) {
    if (!started_) rows_.start(true);
    started_ = false;
    loading_ = true;
    rows_.write(unit_, first_, last_);
    rows_.finish(unit_, tally);
    loading_ = false;
  }

  void remove(Tally& tally) {
    Gone gone = collect_gone(load_, unit_, first_, last_);
    if (gone.documents == 0) return;
    const bool guarded = std::any_of(load_.tables.begin(), load_.tables.end(),
                                     [](const PgTableLayout& table) { return table.guarded; });
    if (guarded) {
      const std::set<int64_t> kept = rehearse_removal(gone);
      tally.suppressed += kept.size();
      tally.skipped -= skipped_of(kept);
      if (!kept.empty()) gone = collect_gone(load_, unit_, first_, last_, kept);
    }
    const std::set<int64_t> removed = remove_rows(gone);
    const uint64_t skipped = skipped_of(removed);
    tally.deleted += removed.size();
    // Skipped documents are counted as such already; those without rows stay so.
    tally.skipped -= skipped;
    tally.unchanged += gone.documents - gone.skipped - (removed.size() - skipped);
  }

  uint64_t skipped_of(const std::set<int64_t>& documents) const {
    return static_cast<uint64_t>(std::ranges::count_if(
        documents, [&](int64_t number) { return unit_.skips(static_cast<size_t>(number)); }));
  }

  /// Returns the documents that had a row.
  std::set<int64_t> remove_rows(const Gone& gone) {
    for (size_t t = load_.tables.size(); t-- != 0;) {
      if (load_.tables[t].own) continue;
      query_children(load_.session, load_.tables[t], gone.with + sql_.remove_gone_children(t),
                     gone.params);
    }
    return documents_of_gone(load_, gone, [&](size_t t) { return sql_.remove_gone(t); });
  }

  /// Returns the documents whose rows still exist after the delete.
  std::set<int64_t> rehearse_removal(const Gone& gone) {
    load_.session.execute("SAVEPOINT lugger_rehearsal");
    remove_rows(gone);
    std::set<int64_t> out =
        documents_of_gone(load_, gone, [&](size_t t) { return sql_.standing_of_gone(t); });
    load_.session.execute(
        "ROLLBACK TO SAVEPOINT lugger_rehearsal; RELEASE SAVEPOINT lugger_rehearsal");
    return out;
  }

  PgLoader& rows_;
  UnitDocuments& unit_;
  MergeSql sql_;
  bool by_key_ = true;  // equal keys have equal text: documents of different keys can be reordered
  bool started_ = false;  // rows_ was started and has not loaded anything since
  bool loading_ = false;
  size_t first_ = 0, last_ = 0;
};

}  // namespace

std::unique_ptr<PgLoader> make_changes_loader(PgLoad& load, PgLoader& rows, UnitDocuments& unit) {
  return std::make_unique<ChangesLoader>(load, rows, unit);
}

}  // namespace lugger
