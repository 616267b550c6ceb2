#include "verify/extra_rows.hpp"

#include <algorithm>

#include "engine/retry.hpp"

namespace lugger {

namespace {

// To delete more than this number of rows and this percentage of a table, the user must confirm it.
constexpr uint64_t kFewRows = 10, kShare = 10;

/// Chooses the rows to delete: extra rows, and the child rows of own rows that are deleted.
class Finder final : public RowChooser {
 public:
  Finder(VerifyContext& context, const WrongRows& wrong)
      : context_(context), wrong_(wrong), digester_(context) {}

  bool goes(const StoredRow& row) override {
    const RowDigests digests = digester_.digest(row);
    digester_.count();
    if (!context_.sampled(digests.root)) return false;
    const bool extra = wrong_.extra.count({static_cast<uint32_t>(row.table), digests.row}) != 0;
    if (!digester_.table(row).own) return extra || roots_.count(digests.root) != 0;
    if (extra) roots_.insert(digests.root);
    return extra;
  }

 private:
  VerifyContext& context_;
  const WrongRows& wrong_;
  TargetDigester digester_;
  std::set<Digest> roots_;  // keys of own rows that are deleted
};

uint64_t rows_of(VerifyContext& context, const ComparedTable& table, const Verdict& verdict) {
  if (!context.options.narrows_target()) return verdict.tables[table.table].target;
  return context.rows->count(table.table);
}

/// Of a source that is not there, as where its name was mistyped, every row seems extra. One that
/// is followed tells itself that it was dropped.
void refuse_without_source(VerifyContext& context, const RepairOptions& options) {
  if (!options.apply || context.options.live) return;
  const std::optional<Error> missing = context.job.source->info().missing;
  if (missing)
    throw Error(Code::kConfig, "extra rows are not deleted: " + missing->message(),
                missing->hint());
}

}  // namespace

std::string why_not_delete(VerifyContext& context, const WrongRows& wrong, const Verdict& verdict,
                           const RepairOptions& options, const std::vector<uint64_t>& deleted) {
  if (!verdict.altered.empty()) {
    const ColumnFinding& column = verdict.altered.front();
    return fmt::format(
        "extra rows are not deleted while a column of the mapping is not what it says: {}.{}",
        column.table, column.column);
  }
  refuse_without_source(context, options);
  for (const ComparedTable& table : context.comparison.tables) {
    if (wrong.extra_rows[table.table] == 0) continue;
    const std::string reason = context.rows->why_not_erase(table.table);
    if (reason.empty()) continue;
    const std::string why = fmt::format("extra rows of {} are not deleted: {}", table.name, reason);
    if (!options.apply) return why;
    throw Error(Code::kConfig, why,
                "delete them by their keys: lugger verify --limit-shown 100 shows them; without "
                "--delete-extra the other rows are repaired");
  }
  const bool none = verdict.documents == 0 && !context.options.live;
  if (none && (options.keep_if_none || !options.delete_many))
    return "the source gives nothing at all, and every row would be deleted";
  if (options.delete_many) return {};
  if (verdict.without_key != 0) {
    return fmt::format(
        "{} documents were refused before the key of their row was known: extra rows may be theirs",
        verdict.without_key);
  }
  for (const ComparedTable& table : context.comparison.tables) {
    if (wrong.extra_rows[table.table] == 0) continue;
    const uint64_t before = table.table < deleted.size() ? deleted[table.table] : 0;
    const uint64_t extra = wrong.extra_rows[table.table] + before;
    if (extra <= kFewRows) continue;
    const uint64_t rows = rows_of(context, table, verdict) + before;
    if (extra * kShare <= rows) continue;
    if (before != 0) {
      return fmt::format(
          "{} of the {} rows of {} were deleted and {} more would be, more than a tenth", before,
          rows, table.name, extra - before);
    }
    return fmt::format("{} of the {} rows of {} would be deleted, more than a tenth", extra, rows,
                       table.name);
  }
  return {};
}

std::string delete_hint(const Verdict& verdict, const RepairOptions& options) {
  if (!verdict.altered.empty())
    return "correct the table, or the mapping; without --delete-extra the other rows are repaired";
  if (options.keep_if_none && verdict.documents == 0)
    return "wait until it gives some, or empty the table yourself";
  return "look at them with lugger verify --limit-shown 100; if they are to go, add --delete-many";
}

std::vector<uint64_t> delete_extra_rows(VerifyContext& context, const WrongRows& wrong) {
  std::vector<size_t> order;
  for (const bool own : {true, false}) {
    for (const ComparedTable& table : context.comparison.tables) {
      if (table.own == own && !table.key.empty()) order.push_back(table.table);
    }
  }
  const auto none = [](const std::vector<uint64_t>& counts) {
    return std::ranges::all_of(counts, [](uint64_t rows) { return rows == 0; });
  };
  std::vector<uint64_t> erased(context.shape->tables().size()), before = erased;
  Backoff backoff(&context.away);
  outlast(backoff, context.stop, [&](bool) {
    if (!none(erased)) before = erased;
    Finder finder(context, wrong);
    std::ranges::fill(erased, 0);
    context.rows->eraser()->erase(order, context.options.where, finder, erased);
  });
  // None is left: the commit whose answer was lost had succeeded.
  return none(erased) ? before : erased;
}

}  // namespace lugger
