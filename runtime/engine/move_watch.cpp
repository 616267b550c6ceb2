#include "engine/move_watch.hpp"

#include <algorithm>
#include <map>

#include "engine/job_impl.hpp"
#include "engine/stale.hpp"

namespace lugger {

namespace {

KeptLog kept_for(const JobImpl& job, const FeedView& view) {
  const auto* reader = dynamic_cast<const LogReader*>(job.source.get());
  const std::string name = reader == nullptr ? "" : reader->log_name();
  const auto found = std::ranges::find(view.kept, name, &KeptLog::name);
  return name.empty() || found == view.kept.end() ? KeptLog() : *found;
}

}  // namespace

/// The sources of the jobs, each asked once however many jobs it has.
class MoveWatch::Sources {
 public:
  explicit Sources(MoveWatch& watch) : watch_(watch) {
    for (size_t i = 0; i < watch_.jobs_.size(); ++i) of_[watch_.jobs_[i]->spec.source].push_back(i);
  }
  void ask() {
    for (const auto& [place, jobs] : of_) ask(place, jobs);
  }

 private:
  void ask(const std::string& place, const std::vector<size_t>& jobs) {
    const auto open = std::ranges::find_if(jobs, [this](size_t i) { return is_open(i); });
    if (open == jobs.end()) return;
    look_at_streams(jobs);
    begin_to_wait(jobs);
    SourceSeen seen;
    try {
      auto& asked = asked_[place];
      if (!asked) asked = watch_.jobs_[*open]->source->watch();
      if (!asked) return;
      seen.view = asked->look(oldest(jobs));
      seen.age = 0;
    } catch (const Error& error) {
      seen.fault = error.message();
    }
    const std::lock_guard lock(watch_.mutex_);
    for (const size_t i : jobs) {
      watch_.seen_[i].fault = seen.fault;
      if (seen.age < 0) continue;
      watch_.seen_[i].view = seen.view;
      watch_.seen_[i].age = seen.age;
      watch_.seen_[i].kept = kept_for(*watch_.jobs_[i], seen.view);
      watch_.answered_[i] = {};
    }
  }
  void look_at_streams(const std::vector<size_t>& jobs) {
    for (const size_t i : jobs) {
      if (!is_open(i)) continue;
      std::string why = watch_.jobs_[i]->source->own_stream();
      const std::lock_guard lock(watch_.mutex_);
      watch_.seen_[i].own_stream = std::move(why);
    }
  }
  /// One that has never answered is silent since it was asked first.
  void begin_to_wait(const std::vector<size_t>& jobs) {
    const std::lock_guard lock(watch_.mutex_);
    for (const size_t i : jobs)
      if (watch_.seen_[i].age < 0 && watch_.seen_[i].fault.empty()) watch_.answered_[i] = {};
  }
  bool is_open(size_t job) const {
    const std::lock_guard lock(watch_.mutex_);
    return watch_.told_[job].open;
  }
  uint64_t oldest(const std::vector<size_t>& jobs) const {
    const std::lock_guard lock(watch_.mutex_);
    uint64_t out = UINT64_MAX;
    for (const size_t i : jobs) {
      const uint64_t position = watch_.told_[i].position;
      if (position != 0) out = std::min(out, position);
    }
    return out == UINT64_MAX ? 0 : out;
  }

  MoveWatch& watch_;
  std::map<std::string, std::vector<size_t>> of_;
  std::map<std::string, std::unique_ptr<FeedWatch>> asked_;
};

/// The ledgers of the jobs, with a session each.
class MoveWatch::Ledgers {
 public:
  explicit Ledgers(MoveWatch& watch) : watch_(watch), counted_(watch.jobs_.size()) {}
  void tell() {
    for (size_t i = 0; i < watch_.jobs_.size(); ++i) {
      const std::string facts = take(i);
      if (facts.empty()) continue;
      JobImpl& job = *watch_.jobs_[i];
      auto& state = states_[job.spec.target + " " + job.spec.target_options.text("state_schema")];
      try {
        if (!state) state = job.target->state();
        state->tell(job.spec.name, facts);
        count(i, *state);
      } catch (const Error&) {
        state.reset();  // it is told again, and newer, next time
      }
    }
  }

 private:
  /// Many rejects are looked at less often.
  void count(size_t place, State& state) {
    JobImpl& job = *watch_.jobs_[place];
    Counted& last = counted_[place];
    if (last.again > last.since.seconds()) return;
    const Stopwatch watch;
    RejectsSeen seen{state.count_rejects(job.spec.name), 0, true};
    if (seen.rejects != 0 && job.shape)
      seen.stale = count_stale(state, *job.target, job.shape, job.spec.name);
    last = {{}, 20 * watch.seconds()};
    const std::lock_guard lock(watch_.mutex_);
    watch_.rejects_[place] = seen;
  }
  std::string take(size_t job) {
    const std::lock_guard lock(watch_.mutex_);
    Told& told = watch_.told_[job];
    return told.open && std::exchange(told.fresh, false) ? told.facts : std::string();
  }

  struct Counted {
    Stopwatch since;
    double again = 0;  // seconds
  };
  MoveWatch& watch_;
  std::vector<Counted> counted_;
  std::map<std::string, std::unique_ptr<State>> states_;
};

MoveWatch::MoveWatch(const std::vector<Job*>& jobs, double every)
    : every_(every),
      seen_(jobs.size()),
      rejects_(jobs.size()),
      answered_(jobs.size()),
      told_(jobs.size()) {
  for (Job* job : jobs) jobs_.push_back(&job->impl());
  const auto conclude = [](const std::optional<Error>&) { return "ended"; };
  sources_.start(
      stop_, [this] { ask_sources(); }, conclude);
  ledgers_.start(
      stop_, [this] { tell_ledgers(); }, conclude);
}

MoveWatch::~MoveWatch() {
  constexpr int kGoodbyeMs = 3000;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  ledgers_.wait(kGoodbyeMs);
  stop_.set(StopLevel::kNow);
  sources_.join();
  ledgers_.join();
}

SourceSeen MoveWatch::seen(size_t job) const {
  const std::lock_guard lock(mutex_);
  SourceSeen out = seen_.at(job);
  if (out.age >= 0 || !out.fault.empty()) out.age = answered_[job].seconds();
  return out;
}

RejectsSeen MoveWatch::rejects(size_t job) const {
  const std::lock_guard lock(mutex_);
  return rejects_.at(job);
}

void MoveWatch::tell(size_t job, uint64_t position, std::string facts, bool now) {
  const std::lock_guard lock(mutex_);
  const JobImpl& impl = *jobs_.at(job);
  told_[job] = {position, std::move(facts), true, impl.source && impl.target && impl.shape};
  hurry_ = hurry_ || now;
  if (now) changed_.notify_all();
}

void MoveWatch::ask_sources() {
  Sources sources(*this);
  for (bool go_on = true; go_on;) {
    sources.ask();
    std::unique_lock lock(mutex_);
    go_on = !changed_.wait_for(lock, std::chrono::duration<double>(every_),
                               [this] { return closing_; });
  }
}

void MoveWatch::tell_ledgers() {
  Ledgers ledgers(*this);
  for (bool go_on = true; go_on;) {
    go_on = wait_for_turn();
    ledgers.tell();
  }
}

bool MoveWatch::wait_for_turn() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double>(every_),
                    [this] { return closing_ || hurry_; });
  hurry_ = false;
  return !closing_;
}

}  // namespace lugger
