#include <algorithm>

#include "base/error.hpp"
#include "engine/rejects.hpp"
#include "fix/source.hpp"
#include "postgres/query.hpp"

namespace lugger {

namespace {

constexpr std::string_view kGone =
    "changed by another session meanwhile: gone, or no longer named by the fix";

class HookSource final : public ChangeSource {
 public:
  HookSource(const FixTable& table, const FixSpec& spec, FixCondition condition,
             const std::string& now)
      : table_(table), reader_(table, std::move(condition)), mapper_(table, spec, now) {}

  Proposal next(PgSession& session, const std::string& position, size_t limit) override {
    std::vector<std::string> after;
    if (!position.empty()) after = key_values(position, table_.key.size(), table_.name);
    begin();
    Proposal out;
    out.rows = reader_.next(session, batch_, after, limit);
    map(session, out);
    if (!out.rows.empty()) out.position = key_position(out.rows.back().key);
    return out;
  }

  Proposal again(PgSession& session, const Proposal& first,
                 const std::vector<size_t>& changes) override {
    std::vector<const FixRow*> wanted;
    wanted.reserve(changes.size());
    for (const size_t change : changes) wanted.push_back(&first.rows[first.changes[change].row]);
    begin();
    Proposal out;
    out.rows = reader_.again(session, batch_, wanted, true);
    map(session, out);
    if (out.rows.size() < wanted.size()) explain_missing(session, wanted, out);
    return out;
  }

 private:
  void begin() {
    batch_.clear();
    arena_.reset();
  }
  /// A row that is still visible but cannot be locked is protected by row-level security.
  void explain_missing(PgSession& session, std::vector<const FixRow*> missing, Proposal& out) {
    std::erase_if(missing, [&](const FixRow* row) {
      return std::any_of(out.rows.begin(), out.rows.end(),
                         [&](const FixRow& found) { return found.key == row->key; });
    });
    Arena arena;
    Batch batch(arena);
    uint64_t gone = missing.size();
    for (const FixRow& seen : reader_.again(session, batch, missing, false)) {
      const bool as_it_was = std::any_of(missing.begin(), missing.end(), [&](const FixRow* row) {
        return row->key == seen.key && row->version == seen.version;
      });
      if (!as_it_was) continue;
      --gone;
      out.rejects.push_back(kept_by_row_security(table_, seen));
    }
    if (gone != 0) out.skips[std::string(kGone)] += gone;
  }
  void map(PgSession& session, Proposal& out) {
    out.bytes = reader_.bytes();
    if (out.rows.empty()) return;
    out.changes = mapper_.run(session, batch_, out.rows);
    for (const Refusal& refusal : batch_.refusals) {
      RejectRecord record = reject_record(refusal, batch_, mapper_.shape());
      record.document_id = out.rows[refusal.document].shown_key();
      record.raw.clear();  // a row of a table is no document that could be loaded again
      out.rejects.push_back(std::move(record));
    }
    for (const auto& [reason, rows] : batch_.skips) out.skips[reason] += rows;
  }

  const FixTable& table_;
  FixReader reader_;
  FixMapper mapper_;
  Arena arena_;
  Batch batch_{arena_};
};

}  // namespace

RejectRecord kept_by_row_security(const FixTable& table, const FixRow& row) {
  RejectRecord reject;
  reject.table = table.name;
  reject.document_id = row.shown_key();
  reject.code = failure_code(Failure::kServer);
  reject.message = "row-level security lets this role see the row, not change it";
  return reject;
}

std::unique_ptr<ChangeSource> hook_source(const FixTable& table, const FixSpec& spec,
                                          FixCondition condition, const std::string& now) {
  return std::make_unique<HookSource>(table, spec, std::move(condition), now);
}

}  // namespace lugger
