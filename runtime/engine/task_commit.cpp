// The commits of a task: what its unit comes to, and where it stands when the connection is lost.
#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/dry_run.hpp"
#include "engine/task_impl.hpp"

namespace lugger {

/// A later position would pass over documents that were read and not committed, an earlier one
/// would read committed ones again; and no other text is a position of this cursor at all.
void Task::Impl::check_position(const Position& position) const {
  if (readings.empty()) {
    if (position.empty()) return;
    throw Error(Code::kConfig, "the task has no cursor, so there is no position to commit",
                "out:commit()");
  }
  const Reading& first = readings.front();
  const Position& at = first.at.empty() ? committed.position : first.at;
  const Position& behind = first.behind.empty() ? committed.position : first.behind;
  if (position == at || position == behind) return;
  throw Error(
      Code::kConfig,
      fmt::format("{} is not the position behind the last batch of the task's first cursor, "
                  "{}: a run that is resumed there would miss documents, or read them twice",
                  quoted_excerpt(position), quoted_excerpt(behind)),
      "out:commit(batch) with the batch that was read last");
}

/// Converts and books the unit, once.
void Task::Impl::settle() {
  if (std::exchange(settled, true)) return;
  uint64_t of_none = 0;
  for (const auto& writer : writers) of_none += writer->convert(rejects);
  for (size_t i = 0; i < writers.size(); ++i) writers[i]->settle(i);
  for (RejectRecord& reject : rejects) {
    reject.run = run;
    reject.job = spec.name;
  }
  booked.bytes = bytes;
  booked.read = of_none;
  booked.rejected = rejects.size();
  for (size_t i = 0; i < batches_used; ++i) book(*batches[i]);
}

void Task::Impl::book(const GivenBatch& batch) {
  using Mark = GivenBatch::Mark;
  const auto count = [&](std::string_view reason) {
    ++booked.skipped;
    ++skip_reasons[std::string(reason)];
  };
  for (const auto& [document, reason] : batch.skip_reasons) {
    if (batch.marks[document] == Mark::kSkipped) count(reason);
  }
  for (const Mark mark : batch.marks) {
    if (!batch.every && mark == Mark::kNone) continue;
    ++booked.read;
    if (mark == Mark::kNone) count(kLeftOut);
  }
}

void Task::check_position(const Position& position) const {
  impl_->need_writer();
  impl_->check_position(position);
}

void Task::check_committed() const {
  const Impl& task = *impl_;
  if (task.refused) throw Error(*task.refused);
  std::vector<std::string> left;
  const auto name = [&left](uint64_t count, std::string_view one) {
    if (count != 0) left.push_back(fmt::format("{} {}{}", count, one, count == 1 ? "" : "s"));
  };
  name(task.rows_added, "row");
  name(task.skips, "skip");
  name(task.rejects.size(), "reject");
  if (left.empty()) return;
  throw Error(
      Code::kConfig,
      fmt::format("task {} came to its end and had not committed {}: nothing of that is "
                  "written",
                  task.spec.name, fmt::join(left, ", ")),
      "out:commit(batch) at the end of each batch, also before a `return`; out:commit() for "
      "what is added behind the loop");
}

bool Task::commit(const Position& position) {
  Impl& task = *impl_;
  task.need_writer();
  task.check_position(position);
  task.settle();
  try {
    if (!task.lost || task.regain(position)) {
      if (!task.sink) task.sink = task.open_sink();
      task.send();
      UnitRecord unit = task.unit_at(position);
      task.sink->commit(unit);
      for (const RejectRecord& reject : unit.rejects) task.rejected.add(reject, unit.redact);
      task.count(unit.tally, position);
    }
  } catch (const Error& error) {
    task.lose(error);
    return false;
  }
  return !task.lost;
}

UnitRecord Task::Impl::unit_at(const Position& position) const {
  UnitRecord unit;
  unit.run = run;
  unit.partition = committed.id;
  unit.position = position;
  unit.durable = true;
  unit.redact = spec.settings.redact;
  unit.rejects = rejects;
  unit.resolved = resolved;
  unit.tally = booked;
  return unit;
}

std::unique_ptr<RowSink> Task::Impl::open_sink() const {
  if (!ledger) return dry_run_sink();
  const SinkOptions options{run, mode, ledger->state().lease_token(), 1};
  const TaskWriter& first = *writers.front();
  if (writers.size() == 1) return first.target().open(*first.shape(), options);
  std::vector<const PlanShape*> plans;
  for (const auto& writer : writers) plans.push_back(writer->shape().get());
  return first.target().open_joint(plans, options);
}

void Task::Impl::send() {
  for (size_t i = 0; i < writers.size(); ++i) {
    sink->select(i);
    writers[i]->send(*sink);
  }
}

/// The unit is committed.
void Task::Impl::count(const Tally& gained, const Position& position) {
  committed.position = position;
  committed.tally += gained;
  pace.did(gained.read);
  for (const auto& [reason, documents] : skip_reasons) outcome.skip_reasons[reason] += documents;
  reset_unit();
  lost = false;
  backoff.reset();
  const std::lock_guard lock(mutex);
  told = committed.tally;
}

/// Call this in a catch block. Throws again unless the error is a lost connection and an attempt is
/// left.
void Task::Impl::lose(const Error& error) {
  if (error.code() != Code::kConnect || !ledger || !backoff.begin()) {
    refused = error;
    throw;
  }
  if (sink) sink->rollback();
  sink.reset();
  lost = true;
}

/// A commit whose answer was lost may have succeeded; the ledger shows that. True: it did not, and
/// the unit must be sent again.
bool Task::Impl::regain(const Position& position) {
  if (!backoff.due()) return false;
  const auto known = settle_unit(ledger->state(), run, committed);
  if (known && known->committed) {
    count(known->gained, position);
    return false;
  }
  if (known && known->taken_back != 0) {
    throw Error(
        Code::kConflict,
        fmt::format("the server took back {} documents that it had committed", known->taken_back),
        "run the same command again: it continues after the documents that are still there");
  }
  lost = false;
  return true;
}

}  // namespace lugger
