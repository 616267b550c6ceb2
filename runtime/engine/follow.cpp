#include "engine/follow.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "engine/refused.hpp"
#include "engine/settle.hpp"
#include "place/feed.hpp"
#include "place/identity.hpp"
#include "place/spec.hpp"

namespace lugger {
namespace {

constexpr std::string_view kSettle = "settle";
constexpr std::string_view kChanges = "changes";

/// Collections that came to a database since its changes are followed.
class NewCollections {
 public:
  NewCollections(Feed& feed, const std::vector<Notice>& kept) : feed_(feed) {
    const auto known = std::ranges::find(kept, kKnownCollections, &Notice::kind);
    if (known == kept.end()) return;
    begun_ = true;
    for (size_t at = 0; at < known->done.size();) {
      const size_t end = std::min(known->done.find('\n', at), known->done.size());
      known_.insert(known->done.substr(at, end - at));
      at = end + 1;
    }
  }
  /// Looks now and then; those that came since, and all that are known then.
  std::vector<Notice> look() {
    if (looked_ && age_.seconds() < kLookSeconds) return {};
    looked_ = true;
    age_ = {};
    std::vector<std::string> names;
    try {
      names = feed_.collections();
    } catch (const Error& error) {
      if (error.code() == Code::kInterrupted) throw;
      return {};  // whatever is wrong, the feed meets it too
    }
    std::vector<Notice> out;
    for (std::string& name : names) {
      if (known_.size() == kMost || !known_.insert(name).second || !begun_) continue;
      out.push_back({"", std::string(kCollectionNotice), name, "this job does not copy it"});
    }
    if (out.empty() && begun_) return {};
    begun_ = true;
    out.push_back(
        {"", std::string(kKnownCollections), "", fmt::format("{}", fmt::join(known_, "\n"))});
    return out;
  }

 private:
  static constexpr double kLookSeconds = 20;
  static constexpr size_t kMost = 10000;
  Feed& feed_;
  std::set<std::string> known_;
  Stopwatch age_;
  bool begun_ = false, looked_ = false;
};

/// The feed's cursor, with the feed that it needs. Sees to it that no position is behind another.
/// Looks up the keys that somebody asks for meanwhile, and those of documents that are to be tried
/// again: what is found is as it is now, or later.
class ChangesCursor final : public Cursor {
 public:
  ChangesCursor(Source& source, State& state, const std::string& job, const Position& from,
                bool all_deletes)
      : source_(source),
        state_(state),
        job_(job),
        feed_(feed_of(source)),
        cursor_(feed_->follow(from, all_deletes)),
        time_(feed_->time_of(from)),
        refused_([this](size_t limit) { return state_.refused_keys(job_, limit); }),
        collections_(*feed_, state.notices(job)) {}

  Next next(Batch& batch, const StopFlag& stop) override {
    if (cursor_->ddl() == nullptr &&
        refused_.give(*feed_, cursor_->position(), !cursor_->at_hand(), batch))
      return Next::kBatch;
    const Next got = give(batch, stop);
    if (got == Next::kBatch) refused_.give_way();
    return got;
  }
  Position position() const override { return cursor_->position(); }
  uint64_t bytes() const override { return cursor_->bytes(); }
  ReadCounts counts() const override { return cursor_->counts(); }
  std::optional<double> behind() const override { return cursor_->behind(); }
  /// The unit of what is tried again ends with it.
  bool at_hand() override { return !refused_.under_way() && cursor_->at_hand(); }
  const Ddl* ddl() const override { return cursor_->ddl(); }
  void pass_ddl(bool follow) override { cursor_->pass_ddl(follow); }
  void committed(const Position& position) override { cursor_->committed(position); }
  std::vector<Notice> take_notices() override {
    std::vector<Notice> out = cursor_->take_notices();
    std::ranges::move(collections_.look(), std::back_inserter(out));
    return out;
  }
  uint64_t time() const { return time_; }
  std::vector<std::string> take_answered() { return std::exchange(answered_, {}); }
  RefusedDocuments& refused() { return refused_; }

 private:
  static constexpr double kAskSeconds = 1;
  static constexpr size_t kAskKeys = 500;

  Next give(Batch& batch, const StopFlag& stop) {
    if (answered_.empty() && asked_.seconds() >= kAskSeconds && answer(batch)) return Next::kBatch;
    const Next got = cursor_->next(batch, stop);
    const uint64_t time = feed_->time_of(cursor_->position());
    if (time < time_) raise(Code::kBug, "the changes would go back from {} to {}", time_, time);
    time_ = time;
    return got;
  }
  bool answer(Batch& batch) {
    asked_ = {};
    const std::vector<SpooledKey> keys = state_.asked_keys(job_, kAskKeys);
    if (keys.empty()) return false;
    std::vector<std::string_view> wanted;
    for (const SpooledKey& key : keys) wanted.push_back(key.key);
    // Where a rename or a drop is still to be heard of, they are asked for again behind it.
    if (!feed_of(source_)->look_up(wanted, cursor_->position(), batch)) return false;
    for (const SpooledKey& key : keys) answered_.push_back(key.place);
    return !batch.documents.empty();
  }

  Source& source_;
  State& state_;
  const std::string& job_;
  Stopwatch asked_;
  std::vector<std::string> answered_;  // places that were looked up and are not committed yet
  std::unique_ptr<Feed> feed_;
  std::unique_ptr<Cursor> cursor_;
  uint64_t time_;
  RefusedDocuments refused_;
  NewCollections collections_;
};

class FollowSource final : public Source {
 public:
  FollowSource(Source& source, Target& target, State& state, std::string job,
               std::optional<FeedRecord> record, Position from, bool all_deletes)
      : source_(source),
        target_(target),
        state_(state),
        job_(std::move(job)),
        record_(std::move(record)),
        from_(record_ ? record_->position : std::move(from)),
        all_deletes_(all_deletes) {}
  SourceInfo info() const override { return followed(source_.info()); }
  std::vector<Partition> split(int) override {
    std::vector<Partition> out;
    if (record_)
      out.push_back({std::string(kSettle), fmt::format("feed:{}", record_->started), 0, {}, 0});
    out.push_back({std::string(kChanges), "", 0, from_, 1});
    return out;
  }
  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    if (partition.id == kSettle) {
      if (!record_) throw SpoolGone(job_);
      if (!spooler_) spooler_ = std::make_unique<Spooler>(source_, target_.state(), *record_);
      return std::make_unique<SettleCursor>(source_, state_, *spooler_, *record_, after);
    }
    spooler_.reset();
    return std::make_unique<ChangesCursor>(
        source_, state_, job_, after.empty() ? beginning(partition) : after, all_deletes_);
  }
  std::vector<std::string> remarks() override { return source_.remarks(); }
  void release() noexcept override {
    spooler_.reset();
    source_.release();
  }

 private:
  /// Where the last unit that settled has put it.
  Position beginning(const Partition& changes) {
    const std::optional<RunRecord> run = record_ ? state_.latest_follow(job_) : std::nullopt;
    if (!run) return changes.start;
    for (const PartitionRecord& kept : state_.partitions(run->run))
      if (kept.id == kChanges) return kept.start;
    return changes.start;
  }

  Source& source_;
  Target& target_;
  State& state_;
  std::string job_;
  const std::optional<FeedRecord> record_;
  Position from_;
  const bool all_deletes_;
  std::unique_ptr<Spooler> spooler_;  // while keys are settled
};

/// True when the run settles what this record has spooled, or all that was spooled for it is
/// settled.
bool belongs(State& state, const RunRecord& run, const std::optional<FeedRecord>& record) {
  const std::vector<PartitionRecord> partitions = state.partitions(run.run);
  const auto settle = std::ranges::find(partitions, kSettle, &PartitionRecord::id);
  if (settle == partitions.end()) return !record;
  return record ? spec_field(settle->spec, "feed") == record->started : settle->done;
}

/// Nothing: all that the record's copy was to read is in the target.
std::string why_not_copied(State& state, const std::string& job, const FeedRecord& record) {
  const std::optional<RunRecord> load = latest_load(state, job);
  if (!load || load->run == record.earlier)
    return "nothing was copied since its changes are spooled";
  const std::vector<PartitionRecord> partitions = state.partitions(load->run);
  if (load->status == RunStatus::kDone && std::ranges::all_of(partitions, &PartitionRecord::done))
    return {};
  return fmt::format("its copy is not done (run {})", load->run);
}

void refuse_unfinished_load(State& state, const std::string& job) {
  const std::optional<RunRecord> load = latest_load(state, job);
  if (!load || !is_unfinished(*load)) return;
  throw Error(Code::kConfig, fmt::format("{} has an unfinished run that loads it", job),
              load->command.empty() ? "finish it first" : "finish it first: " + load->command);
}

/// Where a new run begins, if not with what was spooled.
void check_beginning(State& state, const std::string& job, const RunSettings& settings,
                     const std::optional<FeedRecord>& record, const SourceInfo& info) {
  if (!record) {
    if (!settings.follow_from.empty()) return;
    throw Error(Code::kConfig,
                fmt::format("nothing says from where on the changes of {} are to be applied", job),
                "copy it and follow it with `lugger move`, or say from when on");
  }
  if (!settings.follow_from.empty()) {
    throw Error(Code::kConfig,
                fmt::format("{} is followed from its copy on: changes are spooled for it", job),
                "leave the time or position away");
  }
  if (compare_identities(record->source_identity, info.identity) == Sameness::kOther) {
    throw Error(Code::kConfig,
                fmt::format("the changes of {} were spooled from another source: {}, and {} is {}",
                            job, record->source_identity, info.place, info.identity),
                "give the source that was copied, or copy this one with `lugger move --restart`");
  }
  if (const std::string why = why_not_copied(state, job, *record); !why.empty()) {
    throw Error(Code::kConfig, fmt::format("{} cannot be followed yet: {}", job, why),
                "`lugger move` copies it and follows it then");
  }
}

}  // namespace

std::unique_ptr<Feed> feed_of(Source& source) {
  std::unique_ptr<Feed> feed = source.feed();
  if (feed) return feed;
  throw Error(Code::kConfig,
              fmt::format("{} tells of no changes: it cannot be followed", source.info().place),
              "copy it while nobody writes to it: lugger run");
}

SourceInfo followed(SourceInfo info) {
  info.live = info.changes = info.moves = true;
  info.bytes = 0;
  info.documents.reset();
  return info;
}

void tell_followed(RunShared& shared, const Cursor& cursor) {
  if (const auto* settles = dynamic_cast<const SettleCursor*>(&cursor)) {
    const SettleView view = settles->view();
    shared.kept = view.left;
    shared.followed = view.time;
    shared.settles = true;
  } else if (const auto* changes = dynamic_cast<const ChangesCursor*>(&cursor)) {
    shared.followed = changes->time();
    shared.settles = false;
  }
}

void add_settled(Cursor& cursor, UnitRecord& unit) {
  if (auto* settles = dynamic_cast<SettleCursor*>(&cursor)) {
    unit.settled = settles->take_settled();
    unit.settled->next = kChanges;
  } else if (auto* changes = dynamic_cast<ChangesCursor*>(&cursor)) {
    unit.answered = changes->take_answered();
    unit.tried = changes->refused().take_tried();
  }
}

void note_refused(RunShared& shared, Cursor& cursor, const UnitRecord& unit) {
  auto* changes = dynamic_cast<ChangesCursor*>(&cursor);
  const std::optional<Notice> notice = changes ? changes->refused().committed(unit) : std::nullopt;
  if (!notice) return;
  const std::lock_guard lock(shared.mutex);
  shared.noticed.add(*notice);
}

void refuse_to_follow(const RunSettings& settings, Source& source) {
  feed_of(source);
  if (!settings.dry_run && !settings.join && !settings.retry_rejects && !settings.stage) return;
  throw Error(Code::kConfig,
              "following changes does not go with --dry-run, --join, --stage or the rejects of a "
              "job",
              "leave one of them away");
}

std::optional<Position> applied_position(State& state, const std::string& job, bool running) {
  const std::optional<RunRecord> run = state.latest_follow(job);
  if (!run || (running ? run->status != RunStatus::kRunning : !is_unfinished(*run))) return {};
  std::optional<Position> out;
  for (const PartitionRecord& partition : state.partitions(run->run)) {
    if (partition.id == kSettle && !partition.done) return {};
    if (partition.id == kChanges)
      out = partition.position.empty() ? partition.start : partition.position;
  }
  return out;
}

std::optional<Error> why_renamed(Source& source, State& state, const std::string& job,
                                 std::string_view cannot) {
  const std::unique_ptr<Feed> feed = source.feed();
  const std::optional<Position> stands = feed ? applied_position(state, job, false) : std::nullopt;
  const std::string now = stands ? feed->renamed(*stands) : "";
  if (now.empty()) return {};
  return Error(
      Code::kConfig,
      fmt::format("{} {}: its collection was renamed, and {} is followed now", job, cannot, now),
      fmt::format("write collection = '{}' and name = '{}' into the script", now, job));
}

MoveStage move_stage(State& state, const std::string& job) {
  const std::optional<FeedRecord> record = state.feed(job);
  const std::optional<RunRecord> run = state.latest_follow(job);
  if (run && is_unfinished(*run) && belongs(state, *run, record)) return MoveStage::kFollow;
  const bool copied = record && why_not_copied(state, job, *record).empty();
  return copied ? MoveStage::kFollow : MoveStage::kCopy;
}

void prepare_follow(RunShared& shared, PreparedRun& prepared) {
  LedgerRun& ledger = *prepared.ledger;
  State& state = ledger.state();
  const std::string& job = shared.job.spec.name;
  const RunSettings& settings = shared.settings;
  const SourceInfo info = shared.source->info();
  const std::optional<FeedRecord> record = state.feed(job);
  std::optional<RunRecord> run = state.latest_follow(job);
  if (run && !is_unfinished(*run)) run.reset();
  refuse_unfinished_load(state, job);
  const bool goes_on = run && !settings.restart && belongs(state, *run, record);
  if (goes_on) {
    if (!settings.follow_from.empty()) {
      throw Error(Code::kConfig, fmt::format("{} is followed already (run {})", job, run->run),
                  "leave the time or position away to go on, or begin there with --restart");
    }
    const bool same = feed_of(*shared.source)->goes_on_from(run->source_identity);
    const std::string& identity = same ? run->source_identity : info.identity;
    check_unchanged(*run, request_of(shared.job.spec, identity, settings));
  } else {
    if (info.missing) throw Error(*info.missing);
    check_beginning(state, job, settings, record, info);
  }
  shared.noticed.know(state.notices(job));
  // Whatever version a deleted document had, the next one of its key is newer.
  const bool all_deletes = shared.shape->mapping().on_conflict == OnConflict::kNewer;
  prepared.followed = std::make_unique<FollowSource>(*shared.source, *shared.job.target, state, job,
                                                     record, settings.follow_from, all_deletes);
  shared.source = prepared.followed.get();
  if (goes_on) {
    // What it writes from here on is of the accepted script, so later starts need no flag.
    run->script_hash = shared.job.spec.script_hash;
    run->command = shared.job.spec.resume_command;
    if (settings.accept_changes) state.accept_script(*run);
    return resume_run(shared, prepared, *run);
  }
  if (run) ledger.give_up(*run);
  begin_run(shared, prepared, shared.source->info(), 1);
}

}  // namespace lugger
