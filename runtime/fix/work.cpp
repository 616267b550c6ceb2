// The phases of a fix between its begin and its end.
#include <algorithm>

#include "base/error.hpp"
#include "fix/engine.hpp"
#include "postgres/lease.hpp"

namespace lugger {

namespace {

constexpr uint64_t kPageBytes = 8 << 20;
constexpr size_t kFirstPage = 100;  // until the width of a row is known
constexpr int kLockTries = 20;      // for a page whose rows are locked by other sessions
constexpr std::string_view kLockTimeout = "SET LOCAL lock_timeout = '3s'";

bool met_a_lock(const Error& error) {
  return error.sqlstate() == "55P03" || error.sqlstate().starts_with("40");
}

}  // namespace

/// The number of rows that fit into the memory for a page, based on the rows seen so far.
size_t FixEngine::page_rows(uint64_t looked_at) {
  size_t rows = std::min<size_t>(spec_.batch_rows, kFirstPage);
  if (rows_seen_ != 0) {
    const uint64_t width = std::max<uint64_t>(row_bytes_ / rows_seen_, 1);
    rows = static_cast<size_t>(std::clamp<uint64_t>(kPageBytes / width, 1, spec_.batch_rows));
  }
  if (settings_.limit != 0)
    rows = static_cast<size_t>(std::min<uint64_t>(rows, settings_.limit - looked_at));
  return rows;
}

void FixEngine::check_budget(uint64_t more) const {
  const uint64_t changed = part_.tally.updated + more;
  if (spec_.max_rows == 0 || changed <= spec_.max_rows) return;
  throw Error(Code::kConfig,
              fmt::format("more than {} rows would change, which is max_rows{}", spec_.max_rows,
                          part_.tally.updated == 0 ? "; nothing was written" : ""),
              "look at what `where` names; if it is right, raise max_rows in the script");
}

/// The pass that writes nothing: finds every change, what is refused, and errors of the hook.
void FixEngine::count() {
  std::string position = part_.position;
  Tally found;
  while (pace_.wait(0, stop_)) {
    if (settings_.limit != 0 && found.read >= settings_.limit) break;
    const Proposal page = outlast(backoff_, stop_, [&](bool lost) {
      if (lost) connect();
      session_->begin();  // a pooled session has its settings in transactions only
      Proposal next = source_->next(*session_, position, page_rows(found.read));
      session_->rollback();
      return next;
    });
    backoff_.reset();
    if (page.rows.empty()) break;
    position = page.position;
    row_bytes_ += page.bytes, rows_seen_ += page.rows.size();
    found.read += page.rows.size();
    found.updated += page.changes.size();
    found.rejected += page.rejects.size();
    for (const RowChange& change : page.changes) counts_->add(page.rows[change.row], change);
    for (const RejectRecord& reject : page.rejects) counts_->refuse(reject);
    for (const auto& [reason, rows] : page.skips) {
      counts_->skip(reason, rows);
      found.skipped += rows;
    }
    if (settings_.apply) check_budget(found.updated);
    const std::lock_guard lock(mutex_);
    shown_ = found;
  }
  found.unchanged = found.read - found.updated - found.rejected - found.skipped;
  report_.counted = found.updated;
  if (settings_.apply) return;
  tally_ = found;
  if (spec_.max_rows != 0 && found.updated > spec_.max_rows) {
    report_.notes.push_back(fmt::format(
        "these are more than max_rows, {}: --apply would write nothing", spec_.max_rows));
  }
}

void FixEngine::keep_keys() {
  if (spec_.key_query.empty()) return;
  std::string list, order;
  for (size_t i = 0; i < table_.key.size(); ++i) {
    list += fmt::format("{}{}", i == 0 ? "" : ", ",
                        FixTable::text_of("lugger_query." + PgSession::quote_name(table_.key[i])));
  }
  const std::string keys = PgSession::quote_name(schema_) + ".fix_keys";
  PgParams params = spec_.key_params;
  params.emplace_back(run_);
  session_->query(
      fmt::format(
          "INSERT INTO {0} (run, key) SELECT DISTINCT ${1}::text, ARRAY[{2}] FROM ({3}\n) AS "
          "lugger_query WHERE NOT EXISTS (SELECT FROM {0} WHERE run = ${1}::text)",
          keys, params.size(), list, spec_.key_query),
      params);
}

std::string FixEngine::kept_keys() const {
  if (spec_.key_query.empty() || !begun_) return {};
  return fmt::format("SELECT key FROM {}.fix_keys WHERE run = {}", PgSession::quote_name(schema_),
                     PgSession::quote_literal(run_));
}

void FixEngine::write_all() {
  bool more = true;
  while (more && pace_.wait(std::exchange(since_last_, 0), stop_)) {
    more = outlast(backoff_, stop_, [&](bool lost) {
      if (lost) {
        connect();
        settle();
      }
      return !part_.done && write_page_patiently();
    });
    backoff_.reset();
    const std::lock_guard lock(mutex_);
    shown_ = part_.tally;
  }
}

/// A commit whose answer was lost may have succeeded; the ledger shows that.
void FixEngine::settle() {
  auto settled = settle_unit(ledger_->state(), run_, part_);
  if (!settled) return;
  tally_ += settled->gained;
  part_ = std::move(settled->partition);
}

/// Waits briefly for locks of others, without holding our own, and then tries again.
bool FixEngine::write_page_patiently() {
  for (int tries = 1;; ++tries) {
    try {
      return write_page();
    } catch (Error& error) {
      session_->rollback();
      if (!met_a_lock(error)) throw;
      if (tries == kLockTries || stop_.requested()) {
        error.with_hint(
            "another session holds a lock on rows of this page; the run can be resumed");
        throw;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min(50 * tries, 1000)));
    }
  }
}

bool FixEngine::write_page() {
  PgSession& session = *session_;
  session.begin();
  mark_unit(session, ledger_->state().lease_token());
  session.execute(std::string(kLockTimeout));
  Outcome first;
  const bool at_limit = settings_.limit != 0 && tally_.read >= settings_.limit;
  if (!at_limit) first.page = source_->next(session, part_.position, page_rows(tally_.read));
  UnitRecord unit;
  unit.run = run_;
  unit.partition = "0";
  unit.done = first.page.rows.empty();
  unit.position = unit.done ? part_.position : first.page.position;
  row_bytes_ += first.page.bytes, rows_seen_ += first.page.rows.size();
  check_budget(first.page.changes.size());
  first.written = writer_->write(session, first.page.rows, first.page.changes);
  const Outcome second = retry_conflicts(first);
  book(first, unit);
  book(second, unit);
  commit(unit, first.page);
  show(first);
  show(second);
  return !unit.done;
}

/// Rows that others wrote meanwhile: reads them again under a lock, and applies the hook again.
FixEngine::Outcome FixEngine::retry_conflicts(const Outcome& first) {
  std::vector<size_t> conflicts;
  for (size_t i = 0; i < first.written.size(); ++i) {
    if (first.written[i].outcome == Written::Outcome::kConflict) conflicts.push_back(i);
  }
  Outcome out;
  if (conflicts.empty()) return out;
  out.page = source_->again(*session_, first.page, conflicts);
  out.written = writer_->write(*session_, out.page.rows, out.page.changes);
  for (Written& one : out.written) {
    if (one.outcome != Written::Outcome::kConflict) continue;
    one.outcome = Written::Outcome::kRefused;
    one.message = table_.distributed
                      ? "the row was changed by another session, and again before it was written"
                      : "the server left the row as it was: row-level security or a trigger keeps "
                        "it";
  }
  return out;
}

void FixEngine::book(const Outcome& outcome, UnitRecord& unit) const {
  const auto refuse = [&](RejectRecord reject) {
    reject.run = run_;
    reject.job = spec_.name;
    ++unit.tally.rejected;
    unit.rejects.push_back(std::move(reject));
  };
  for (size_t i = 0; i < outcome.written.size(); ++i) {
    if (outcome.written[i].outcome == Written::Outcome::kWritten) ++unit.tally.updated;
    if (outcome.written[i].outcome != Written::Outcome::kRefused) continue;
    RejectRecord reject;
    reject.document_id = outcome.page.rows[outcome.page.changes[i].row].shown_key();
    reject.table = table_.name;
    reject.code = failure_code(Failure::kServer);
    reject.message = outcome.written[i].message;
    refuse(std::move(reject));
  }
  for (const RejectRecord& reject : outcome.page.rejects) refuse(reject);
  for (const auto& [reason, rows] : outcome.page.skips) unit.tally.skipped += rows;
}

/// Called after a page is committed, so that rolled back changes are not counted.
void FixEngine::show(const Outcome& outcome) {
  for (size_t i = 0; i < outcome.written.size(); ++i) {
    const RowChange& change = outcome.page.changes[i];
    if (outcome.written[i].outcome == Written::Outcome::kWritten)
      counts_->add(outcome.page.rows[change.row], change);
    if (outcome.written[i].outcome == Written::Outcome::kConflict) ++report_.retried;
    if (outcome.written[i].outcome == Written::Outcome::kWritten && outcome.written[i].altered)
      ++altered_;
  }
  for (const auto& [reason, rows] : outcome.page.skips) counts_->skip(reason, rows);
}

void FixEngine::commit(UnitRecord& unit, const Proposal& page) {
  unit.tally.read = page.rows.size();
  unit.tally.bytes = page.bytes;
  unit.tally.rows = unit.tally.updated;
  const uint64_t other = unit.tally.updated + unit.tally.rejected + unit.tally.skipped;
  unit.tally.unchanged = unit.tally.read - std::min(unit.tally.read, other);
  hold_lease(*session_, PgSession::quote_name(schema_), ledger_->state().lease_token());
  write_unit(*session_, schema_, unit);
  session_->commit();
  for (const RejectRecord& reject : unit.rejects) counts_->refuse(reject);
  part_.position = unit.position;
  part_.done = unit.done;
  part_.tally += unit.tally;
  tally_ += unit.tally;
  since_last_ += page.rows.size();
}

}  // namespace lugger
