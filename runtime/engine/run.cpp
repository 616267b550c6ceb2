#include "engine/run.hpp"

#include <unistd.h>

#include "base/conductor.hpp"
#include "base/digest.hpp"
#include "base/threads.hpp"
#include "engine/control.hpp"
#include "engine/join.hpp"
#include "engine/rejects.hpp"
#include "engine/reread.hpp"
#include "engine/retry.hpp"
#include "engine/run_impl.hpp"
#include "engine/stages.hpp"
#include "engine/start.hpp"
#include "engine/worker.hpp"
#include "place/feed.hpp"
#include "place/identity.hpp"
#include "place/target.hpp"

namespace lugger {

void RunShared::fail(const Error& error) {
  const std::lock_guard lock(mutex);
  // The first failure is the cause. Later errors are only consequences of stopping.
  const bool echo = error.code() == Code::kInterrupted && stop.requested();
  if (!failure && !echo) failure = error;
  stop.set(StopLevel::kNow);
}

void RunShared::wait_for(const std::string& others) {
  const std::lock_guard lock(mutex);
  waits_for = others.empty() ? "" : "for " + others + ", still at work on this run";
}

namespace {

class RunImpl final : public Run {
  static constexpr char kReading[] = "reading";

 public:
  RunImpl(JobImpl& job, const RunSettings& settings) : shared_(job, settings) {
    prepare_run(shared_, prepared_);
    if (shared_.settings.stages.connections == 0)
      shared_.settings.stages.connections = shared_.sink_options.connections;
    listen();
    conductor_.start(
        shared_.stop, [this] { conduct(); },
        [this](const std::optional<Error>& failure) { return conclude(failure); });
  }
  ~RunImpl() override {
    shared_.stop.set(StopLevel::kNow);
    conductor_.join();
  }

  RunSnapshot poll(int timeout_ms) override {
    conductor_.wait(timeout_ms);
    RunSnapshot snapshot = look();
    snapshot.remarks = shared_.source->remarks();
    return snapshot;
  }
  bool ended() const override { return conductor_.ended(); }
  void stop(StopLevel level) override {
    stopped_by_user_.store(true, std::memory_order_relaxed);
    shared_.stop.set(level);
  }
  RunResult result() override {
    conductor_.join();
    return result_;
  }

 private:
  RunSnapshot look() {
    RunSnapshot snapshot;
    snapshot.run = shared_.run;
    snapshot.followed = shared_.followed.load(std::memory_order_relaxed);
    snapshot.stage = conductor_.stage();
    if (shared_.settings.follow && snapshot.stage == kReading)
      snapshot.stage = snapshot.followed == 0 || shared_.settles ? "settling" : "following";
    if (shared_.settles) snapshot.kept = shared_.kept;
    snapshot.seconds = conductor_.seconds();
    snapshot.resumed = prepared_.resumed;
    tell_waiting(snapshot);
    snapshot.behind_s = shared_.behind;
    snapshot.total_bytes = prepared_.total_bytes;
    snapshot.tally = prepared_.earlier;
    snapshot.tally.read += shared_.read.load(std::memory_order_relaxed);
    snapshot.tally.rows += shared_.rows.load(std::memory_order_relaxed);
    snapshot.tally.bytes = prepared_.done_bytes + shared_.bytes.load(std::memory_order_relaxed);
    snapshot.tally.rejected += shared_.rejected.load(std::memory_order_relaxed);
    if (shared_.claims) snapshot.tally = shared_.claims->seen();
    if (shared_.settings.follow) {
      const std::lock_guard noticing(shared_.mutex);
      snapshot.news = shared_.noticed.news();
    }
    const std::lock_guard lock(mutex_);
    snapshot.steps = steps_.steps;
    snapshot.steps_done = steps_.done;
    snapshot.steps_total = steps_.total;
    return snapshot;
  }

  /// A run continues even when it cannot open its control socket.
  void listen() {
    if (shared_.state == nullptr) return;
    try {
      control_ = std::make_unique<ControlSocket>(
          // Several processes on one host may share the run.
          shared_.claims ? fmt::format("{}.{}", shared_.run, getpid()) : shared_.run, shared_.pace,
          [this] { return facts(); }, [this](StopLevel level) { stop(level); });
    } catch (const Error& error) {
      prepared_.report.warnings.emplace_back(error.what());
    }
  }

  ControlFacts facts() {
    const RunSnapshot now = look();
    return load_facts(now.run, shared_.job.spec.name, now.stage, now.tally, shared_.pace,
                      now.seconds);
  }

  void conduct() {
    if (!prepared_.was_done) {
      run_workers();
      if (shared_.claims && !takes_finish()) return;
      if (!shared_.failure && !shared_.stop.requested()) finish_load();
    }
    if (prepared_.was_done && shared_.settings.join) return;
    // The stages also follow a load that was done before: they may be all that was requested.
    if (!shared_.failure && !shared_.stop.requested()) build();
  }

  /// When several processes share the run, one of them finishes it.
  bool takes_finish() {
    if (shared_.failure || shared_.stop.requested()) return false;
    conductor_.enter("waiting");
    finishes_ = take_finish(shared_, *prepared_.ledger);
    return finishes_;
  }

  void tell_waiting(RunSnapshot& snapshot) {
    Waiting waiting = shared_.away.now();
    snapshot.waits_for = std::move(waiting.reason);
    snapshot.lost = std::move(waiting.lost);
    if (!snapshot.waits_for.empty()) snapshot.silent_s = waiting.seconds;
    if (snapshot.waits_for.empty()) snapshot.waits_for = shared_.pace.waits_for();
    if (!snapshot.waits_for.empty()) return;
    const std::lock_guard lock(shared_.mutex);
    snapshot.waits_for = shared_.waits_for;
  }

  void run_workers() {
    const size_t wanted = std::min<size_t>(static_cast<size_t>(shared_.sink_options.connections),
                                           shared_.partitions.size());
    const auto work = [this](size_t) {
      try {
        Worker(shared_).work();
      } catch (const Error& error) {
        shared_.fail(error);
      } catch (const std::exception& error) {
        shared_.fail(Error(Code::kBug, error.what()));
      }
    };
    start_threads(wanted, std::min<size_t>(wanted, 1), work);  // and waits for them
    shared_.source->release();
  }

  void finish_load() {
    conductor_.enter("finishing");
    // A limit leaves documents unread, so nothing can be said about the whole source.
    if (shared_.settings.limit == 0)
      told_at_end_ =
          shared_.source->told_at_end(!prepared_.resumed && !shared_.claims, shared_.stop);
    if (shared_.state == nullptr || shared_.settings.retry_rejects || shared_.settings.follow)
      return;
    FinishWork work{shared_.run, shared_.sink_options.connections, {}};
    if (!is_read_once(shared_.job.spec.source))
      work.again = [this](const auto& use) { reread(shared_, use); };
    finishing_ = true;
    note_fields();
    Tally after = whole();
    result_.notes = finish_target(stage_host(), work, after);
    settled_ = after;
  }

  /// Of a source that may be followed: so that fields that come later are told apart.
  void note_fields() {
    if (!shared_.source->info().moves) return;
    std::vector<Notice> notices;
    for (const auto& [path, documents] : shared_.unmapped)
      notices.push_back({shared_.job.spec.name, std::string(kFieldNotice), path, "", documents});
    shared_.state->note(notices);
  }

  StageHost stage_host() {
    return {*shared_.job.target,
            *shared_.shape,
            *shared_.state,
            shared_.job.spec.name,
            shared_.run,
            shared_.settings.stages,
            shared_.stop,
            [this](std::string_view stage) { conductor_.enter(std::string(stage)); },
            [this](StepsView view) {
              const std::lock_guard lock(mutex_);
              steps_ = std::move(view);
            },
            &shared_.away,
            true};
  }

  /// The stages after the load, unless only the load was requested.
  void build() {
    const RunSettings& settings = shared_.settings;
    if (shared_.state == nullptr || settings.retry_rejects || settings.follow || settings.stage)
      return;
    run_stages(stage_host(), {Stage::kIndex, Stage::kConstrain}, result_);
  }

  /// Shows what only this attempt has counted.
  void tell_counts() {
    const std::string_view since = prepared_.resumed ? " since the run was resumed" : "";
    const ReadCounts& counts = shared_.counts;
    for (const auto& [column, count] : shared_.replaced) {
      result_.warnings.push_back(
          fmt::format("{}: {} values could not be read and were replaced{}, as on_error says",
                      column, count, since));
    }
    if (counts.tolerated != 0) {
      result_.warnings.push_back(
          fmt::format("{} documents{} were not standard JSON (bare NaN, shell forms such as "
                      "ObjectId(\"...\")) and were read all the same",
                      counts.tolerated, since));
    }
    if (counts.without_document != 0) {
      result_.warnings.push_back(fmt::format(
          "{} rejects hold no document (--redact, or too large to keep) and stay as they are: run "
          "the job again to load what they stand for",
          counts.without_document));
    }
    result_.warnings.insert(result_.warnings.end(), told_at_end_.begin(), told_at_end_.end());
    if (finishing_ && !settled_) {
      result_.warnings.push_back(
          "all documents are copied, but the load is not finished: rows that share a key are not "
          "settled, and the counts are those of the copy; the same command goes on from there");
    }
    if (counts.updated + counts.removed + counts.added != 0) {
      result_.notes.push_back(
          fmt::format("replayed the oplog{}: {} documents of the dump updated, {} left out as "
                      "deleted, {} taken from the oplog",
                      since, counts.updated, counts.removed, counts.added));
    }
  }

  std::string conclude(const std::optional<Error>& failure) {
    // fail() ignores an error that only says that a stop interrupted a wait.
    if (failure) shared_.fail(*failure);
    control_.reset();
    result_.run = shared_.run;
    result_.job = shared_.job.spec.name;
    result_.tally = final_tally();
    result_.seconds = conductor_.seconds();
    result_.resumed = prepared_.resumed;
    result_.dry_run = shared_.state == nullptr;
    result_.unmapped = shared_.unmapped;
    for (const auto& [path, met] : shared_.met) {
      if (met == Met::kLooked) result_.unmet.push_back(path);
    }
    result_.skip_reasons = shared_.skip_reasons;
    shared_.rejects.fill(result_);
    result_.noticed = shared_.noticed.sums();
    if (shared_.shape) result_.tables = shared_.shape->tables().size();
    result_.warnings.insert(result_.warnings.begin(), prepared_.report.warnings.begin(),
                            prepared_.report.warnings.end());
    result_.warnings.insert(result_.warnings.end(), shared_.job.shape_warnings.begin(),
                            shared_.job.shape_warnings.end());
    tell_counts();
    const bool stopped = !shared_.failure && stopped_by_user_.load(std::memory_order_relaxed) &&
                         shared_.stop.requested();
    end_result(result_, shared_.failure, stopped);
    if (result_.status != RunStatus::kDone && !result_.dry_run)
      result_.resume_command = shared_.job.spec.resume_command;
    if (!prepared_.note.empty()) result_.notes.push_back(prepared_.note);
    if (Embedding* models = shared_.job.embedding.get()) {
      for (std::string& line : models->notes()) result_.notes.push_back(std::move(line));
    }
    if (records_end()) {
      prepared_.ledger->end(result_, taken_of(shared_.settings));
    } else if (prepared_.ledger) {
      prepared_.ledger->leave();
    }
    shared_.claims.reset();
    prepared_.ledger.reset();  // releases the job
    return std::string(result_.status.word());
  }

  /// A process that leaves while others continue does not record the end of the run.
  bool records_end() {
    if (shared_.state == nullptr || prepared_.was_done) return false;
    if (!shared_.claims || finishes_) return true;
    shared_.claims->give_back();
    if (result_.status == RunStatus::kDone) return false;
    try {
      for (const PartitionRecord& partition : shared_.state->partitions(shared_.run))
        if (!partition.done) return !shared_.claims->others();
    } catch (const Error&) {
      // If the ledger cannot be reached, this is unknown.
    }
    return false;
  }

  Tally final_tally() {
    if (settled_) return *settled_;
    try {
      return whole();
    } catch (const Error& error) {
      result_.warnings.push_back(
          fmt::format("the counts are those of this process alone: {}", error.what()));
    }
    return shared_.tally;
  }

  /// The totals, including earlier attempts and other processes.
  Tally whole() {
    if (shared_.claims) return books_of_run(*shared_.state, shared_.run);
    Tally tally = prepared_.earlier;
    tally += shared_.tally;
    return tally;
  }

  RunShared shared_;
  PreparedRun prepared_;
  std::vector<std::string> told_at_end_;  // by the source
  std::optional<Tally> settled_;          // set once duplicates of a direct load are settled
  bool finishes_ = false;                 // of the processes of a joint run, this one finishes it
  bool finishing_ = false;                // all documents are loaded
  std::mutex mutex_;                      // guards the steps
  StepsView steps_;
  std::atomic<bool> stopped_by_user_{false};
  RunResult result_;
  std::unique_ptr<ControlSocket> control_;
  Conductor conductor_{kReading};
};

}  // namespace

void end_result(RunResult& result, const std::optional<Error>& failure, bool stopped) {
  result.status = failure ? RunStatus::kFailed : stopped ? RunStatus::kStopped : RunStatus::kDone;
  if (!failure) return;
  Error bare = *failure;
  result.error = bare.with_hint("").what();
  result.hint = failure->hint();
  result.error_code = code_name(failure->code());
  result.position_lost = is_position_lost(*failure);
}

std::unique_ptr<Run> start_run(JobImpl& job, const RunSettings& settings) {
  return std::make_unique<RunImpl>(job, settings);
}

}  // namespace lugger
