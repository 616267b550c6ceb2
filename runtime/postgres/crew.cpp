#include "postgres/crew.hpp"

#include <algorithm>
#include <thread>

#include "base/threads.hpp"
#include "place/state.hpp"
#include "postgres/step_state.hpp"

namespace lugger {
namespace {

constexpr auto kLook = std::chrono::milliseconds(200);

double share_of(const PgRows& rows, size_t row, size_t done, size_t total) {
  const std::string all = rows.text(row, total);
  if (all.empty() || all == "0") return -1;
  return std::stod(rows.text(row, done)) / std::stod(all);
}

}  // namespace

CrewMember::CrewMember(StageCrew& crew, LentSession session)
    : crew_(crew), session_(std::move(session)) {
  if (!crew_.place_.pooled) pid_ = session_->query("SELECT pg_catalog.pg_backend_pid()").text(0, 0);
}

Patience CrewMember::patience() {
  return {&crew_.work_.settings, crew_.work_.stop,
          [this](const std::string& holders) { tell("waiting for its lock", holders); }};
}

void CrewMember::tell(std::string phase, std::string waiting) {
  const std::lock_guard lock(crew_.mutex_);
  phase_ = std::move(phase);
  waiting_ = std::move(waiting);
}

void CrewMember::note(std::string line) {
  const std::lock_guard lock(crew_.mutex_);
  crew_.notes_.push_back(std::move(line));
}

void CrewMember::begin_work() {
  if (crew_.work_.stop != nullptr) scope_.emplace(*crew_.work_.stop, StopLevel::kFinish);
}
void CrewMember::begin_tidying() {
  if (crew_.work_.stop != nullptr) scope_.emplace(*crew_.work_.stop, StopLevel::kNow);
}

void StageCrew::run(std::vector<CrewTask> tasks, size_t members, const std::string& settings,
                    const Hands& hands) {
  tasks_ = std::move(tasks);
  claimed_.assign(tasks_.size(), 0);
  hire(std::max<size_t>(1, std::min(members, tasks_.size())), settings);
  std::vector<CrewMember*> hired;
  for (const auto& member : members_) hired.push_back(member.get());
  {
    const std::vector<std::jthread> threads =
        start_threads(hired.size(), std::min<size_t>(hired.size(), 1),
                      [&](size_t number) { work(*hired[number], hands); });
    at_work_ = threads.size();
    watch();
  }
  if (failure_) {
    for (const std::string& other : also_failed_) failure_->note("also", other);
    throw Error(*failure_);
  }
}

/// One session is enough. If the server or the role has no more connections, the work takes longer.
void StageCrew::hire(size_t members, const std::string& settings) {
  while (members_.size() < members && !tasks_.empty()) {
    try {
      LentSession session =
          SessionPool::of(place_.url)->lend(std::string(stage_word(stage_)), place_.pooled);
      if (!settings.empty() && !place_.pooled) session->execute(settings);
      members_.push_back(std::make_unique<CrewMember>(*this, std::move(session)));
    } catch (const Error& error) {
      if (error.code() != Code::kConnect || members_.empty()) throw;
      notes_.push_back(fmt::format("{} of {} connections worked on the stage: {}", members_.size(),
                                   members, error.message()));
      return;
    }
  }
}

void StageCrew::work(CrewMember& member, const Hands& hands) {
  while (const CrewTask* task = claim()) {
    {
      const std::lock_guard lock(mutex_);
      member.task_ = task;
      member.phase_ = member.waiting_ = "";
      member.tries_ = 0;
      member.watch_ = Stopwatch();
    }
    try {
      record(*task, StepStatus::kRunning, "", 0);
      member.begin_work();
      hands(member, *task);
      member.scope_.reset();
      record(*task, task->refused ? StepStatus::kRefused : StepStatus::kDone, "", member.tries_);
      const std::lock_guard lock(mutex_);
      ++done_;
    } catch (const Error& error) {
      member.scope_.reset();
      fail(*task, error);
    } catch (const std::exception& error) {
      member.scope_.reset();
      fail(*task, Error(Code::kBug, error.what()));
    }
    release(*task);
    const std::lock_guard lock(mutex_);
    member.task_ = nullptr;
  }
  const std::lock_guard lock(mutex_);
  ++ended_;
  changed_.notify_all();
}

/// The next task whose table is free for it. nullptr: none is left, or a stop was requested.
const CrewTask* StageCrew::claim() {
  std::unique_lock lock(mutex_);
  for (;;) {
    bool left = false;
    if (work_.stop != nullptr && work_.stop->requested()) {
      stopped_ = stopped_ || std::count(claimed_.begin(), claimed_.end(), 0) != 0;
      return nullptr;
    }
    for (size_t i = 0; i < tasks_.size(); ++i) {
      if (claimed_[i] != 0) continue;
      left = true;
      if (tasks_[i].concurrently && busy_.contains(tasks_[i].step.table)) continue;
      claimed_[i] = 1;
      if (tasks_[i].concurrently) busy_.insert(tasks_[i].step.table);
      return &tasks_[i];
    }
    if (!left) return nullptr;
    changed_.wait_for(lock, kLook);
  }
}

void StageCrew::release(const CrewTask& task) {
  const std::lock_guard lock(mutex_);
  if (task.concurrently) busy_.erase(busy_.find(task.step.table));
  changed_.notify_all();
}

void StageCrew::record(const CrewTask& task, StepStatus status, const std::string& message,
                       uint64_t tries) {
  if (work_.state == nullptr) return;
  StepRecord record;
  record.job = work_.job;
  record.run = work_.run;
  record.stage = stage_;
  record.step = task.step.id();
  record.status = status;
  record.message = message;
  record.tries = tries;
  for (const std::string& sql : step_statements(task.step, task.concurrently))
    record.statement += (record.statement.empty() ? "" : ";\n") + sql;
  const std::lock_guard lock(mutex_);
  work_.state->put_step(record);
}

void StageCrew::fail(const CrewTask& task, const Error& error) {
  const bool stopped = error.code() == Code::kInterrupted;
  const Tidying tidying;
  try {
    record(task, stopped ? StepStatus::kWaiting : StepStatus::kFailed,
           stopped ? "" : error.message(), 0);
  } catch (const Error&) {
    // The ledger is on the same server, and the error thrown below gives the reason.
  }
  const std::lock_guard lock(mutex_);
  if (stopped) {
    stopped_ = true;
  } else if (!failure_) {
    failure_ = error;
    failure_->note("step", task.step.id());
  } else {
    also_failed_.push_back(task.step.id() + ": " + error.message());
  }
}

void StageCrew::watch() {
  LentSession session;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kLook, [this] { return ended_ == at_work_; });
      if (ended_ == at_work_) break;
    }
    if (!work_.tell) continue;
    try {
      if (!session) session = SessionPool::of(place_.url)->lend("progress", place_.pooled);
      look(*session);
    } catch (const std::exception&) {
      session.reset();  // progress is optional: the work continues without it
    }
  }
}

/// Reads the server's progress of index builds, in addition to the members' own reports.
void StageCrew::look(PgSession& session) {
  const PgRows rows = session.query(
      "SELECT pid, phase, blocks_done, blocks_total, tuples_done, tuples_total, current_locker_pid"
      " FROM pg_stat_progress_create_index");
  std::vector<StepProgress> all;
  std::vector<std::string> lockers;
  size_t done = 0;
  {
    const std::lock_guard lock(mutex_);
    done = done_;
    for (const auto& member : members_) {
      if (member->task_ == nullptr) continue;
      StepProgress& one = all.emplace_back();
      lockers.emplace_back();
      one.step = member->task_->step.name;
      one.table = member->task_->step.table;
      one.phase = member->phase_;
      one.waiting = member->waiting_;
      one.seconds = member->watch_.seconds();
      for (size_t i = 0; i < rows.size(); ++i) {
        if (rows.text(i, 0) != member->pid_) continue;
        one.phase = rows.text(i, 1);
        one.share = share_of(rows, i, 2, 3);
        if (one.share < 0) one.share = share_of(rows, i, 4, 5);
        lockers.back() = rows.text(i, 6);
      }
    }
  }
  for (size_t i = 0; i < all.size(); ++i) {
    if (!lockers[i].empty() && lockers[i] != "0")
      all[i].waiting = describe_session(session, lockers[i]);
  }
  work_.tell(std::move(all), done, tasks_.size());
}

}  // namespace lugger
