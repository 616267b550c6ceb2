// What must be remembered of a run: the run, the progress of its partitions, and every reject. It
// is kept in schema lugger of a PostgreSQL target, or in a SQLite file in ./.lugger for targets
// that are not SQL.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "place/notice.hpp"
#include "place/run_status.hpp"
#include "place/stage.hpp"
#include "plan/operation.hpp"
#include "plan/tally.hpp"

namespace lugger {

struct RunRecord {
  std::string run;  // UUIDv7
  std::string job;
  std::string script_hash;  // script, required modules, options
  std::string source, source_identity;
  /// The way of loading, in the target's own word, the same for the whole run; or "follow", "fix",
  /// "undo", "verify".
  std::string mode;
  RunStatus status;
  std::string command;           // the command that resumes it, passwords masked
  std::string started, updated;  // ISO text, UTC
  std::string message;           // of the failure
  std::string now;               // lugger.now() of the run, ISO text
  bool joint = false;            // several processes may claim its partitions
  Tally tally;
};

/// The mode of a run that applies the changes of its source. It stands beside the job's loads:
/// neither takes the place of the other.
inline constexpr std::string_view kFollowMode = "follow";

/// The only partition of a run that retries a job's rejects.
inline constexpr std::string_view kRejectsPartition = "rejects";

struct PartitionRecord {
  std::string id, spec, position;
  std::string start;  // where it begins, set when the run began; position is empty until a commit
  int phase = 0;
  uint64_t bytes = 0;
  bool done = false;
  Tally tally;
  std::string claim;   // of a joint run: identifies the claim
  std::string holder;  // the process that claims it; when done, the last one
  bool held = false;   // the claim has not expired
};

struct RejectRecord {
  int64_t reject = 0;  // the reject's number in this state
  std::string run, job, table, document_id, column, code, message;
  std::string document;  // canonical Extended JSON
  Operation operation = Operation::kUpsert;
  std::string raw;  // keep_document(): BSON, from which --retry loads the same document
  std::string at;
  // Only of a new reject; these are not stored.
  std::string constraint;   // the one that the server named
  std::string_view advice;  // the end of `message`, after "; ": static text
  size_t place = 0;         // of its document in the unit
  std::string key;          // {"_id": ...} as BSON, where rows of others kept its own out
};

/// A document that was refused because of rows of others: one that it refers to is missing, or one
/// has a value that is to be unique. Time may mend that.
struct RefusedKey {
  std::string place, key;  // as of SpooledKey
  uint32_t tries = 0;      // since it was refused first
};

struct RefusedPage {
  std::vector<RefusedKey> due;  // to be tried again by now, the longest due first
  std::optional<double> next;   // seconds until others are due; none: there are no others
};

/// Spooled keys whose documents were looked up: those behind `after` up to `to`, in the order of
/// places, but for what was spooled again since they were read.
struct KeyRange {
  std::string after, to;
  uint64_t turn = 0;  // SpooledPage::turn
};

struct SettledKeys {
  std::string feed;  // FeedRecord::started: of another record nothing is settled
  std::vector<KeyRange> ranges;
  /// Of the unit that is done: the partition that begins at the record's position. No key may be
  /// left then, and the record ends with this unit.
  std::string next;
};

/// What one commit adds to the ledger, in the transaction of its rows.
struct UnitRecord {
  std::string run, partition, position;
  std::string job;  // whose rejects are resolved; empty: the run's own
  bool done = false;
  bool durable = false;  // must survive a crash of the server: it cannot be made again
  bool redact = false;   // its rejects keep no document, no bytes, and no message that quotes them
  Tally tally;           // of this unit alone; the sink adds what only it knows
  std::vector<RejectRecord> rejects;  // refused before the sink; the sink adds its own
  /// Rejects that this unit loaded or refused again. They are deleted in the same transaction.
  std::vector<int64_t> resolved;
  /// Of a source of changes: the ids of the unit's documents, in order. What became of a document
  /// last is what counts: its earlier rejects, in the ledger and in the unit, are not kept.
  std::function<std::vector<std::string>()> documents;
  bool rejected_before = false;  // there may be such rejects in the ledger
  /// The collection was dropped: all rows of the job's tables, and its rejects, go in this unit. Each
  /// document counts as read and deleted.
  bool clears = false;
  std::vector<Notice> notices = {};
  std::string source_identity = {};  // the run's from here on; empty: as it was
  /// Places of keys that State::ask() was given and this unit has looked up.
  std::vector<std::string> answered;
  /// Keys of rejects are kept for State::refused_keys(), as those of `job`.
  bool keeps_refused = false;
  /// The documents of this unit, where it tries these again and has no others. What is refused again
  /// was counted when it was refused first.
  std::vector<RefusedKey> tried = {};
  std::optional<SettledKeys> settled = {};
};

struct Pruned {
  uint64_t runs = 0, rejects = 0;
};

/// What is kept of a live source's changes while it is copied: the keys of changed documents, and
/// how far the changes were read.
struct FeedRecord {
  std::string job, source_identity;
  std::string position;  // all keys of the changes before it are kept
  uint64_t time = 0;     // of the position, as Feed::time_of()
  std::string earlier;   // the job's newest load when this began: it began too early to be the copy
  std::string started, updated;  // ISO text, UTC
  uint64_t spooled = 0;          // keys that are not settled
};

/// What the process that moves a job tells of it, for others to see; one row a job.
struct WatchRecord {
  std::string job, facts;  // JSON
  double age = 0;          // seconds since it was told
  std::string holder;      // the process that has claimed the job, or spools for it; "": none
};

struct SpooledKey {
  std::string place;  // among the job's keys: printable, what spooled_page() goes on from
  std::string key;
};

/// Some keys, and the record as it was when they were read.
struct SpooledPage {
  std::vector<SpooledKey> keys;
  std::string feed;      // FeedRecord::started; "": there is no record
  uint64_t turn = 0;     // of the newest spool(): what was spooled later has a greater one
  std::string position;  // of the record: all of the keys were changed before
  uint64_t spooled = 0;  // FeedRecord::spooled
};

/// Another process has taken over the partition: nothing of the open unit may be committed.
class ClaimLost : public Error {
 public:
  explicit ClaimLost(std::string_view partition)
      : Error(Code::kConflict,
              fmt::format("partition {} was taken over by another process", partition)) {}
};

/// Another process has taken over the whole job.
class LeaseLost : public Error {
 public:
  LeaseLost()
      : Error(
            Code::kConflict, "the job was taken over by another process",
            "nothing of the open unit was written; `lugger runs` shows how far the other one is") {}
};

/// What was spooled for a job is no more what was being settled.
class SpoolGone : public Error {
 public:
  explicit SpoolGone(std::string_view job)
      : Error(Code::kConflict, fmt::format("the spooled keys of {} were deleted", job),
              "another process began to copy it anew: `lugger runs` shows it") {}
};

/// The result of asking for a partition.
struct Claimed {
  std::optional<PartitionRecord> partition;  // as it stands after its last commit
  bool all_done = false;                     // no partition is left, here or elsewhere
  std::string others;  // who holds the partitions that are left; "": this process
};

/// The claims of one process on the partitions of one run. A claim lasts as long as the process
/// sends heartbeats. Calls may come from any thread.
class Claims {
 public:
  virtual ~Claims() = default;
  virtual Claimed take() = 0;
  /// Releases all claims of this process, and claims nothing afterwards.
  virtual void give_back() noexcept = 0;
  /// True when another process holds a partition.
  virtual bool others() = 0;
  /// The tally of the whole run, as of a few seconds ago.
  virtual Tally seen() = 0;
};

class State {
 public:
  virtual ~State() = default;
  /// Creates or checks its tables. Error{config} with the DDL to run when privileges are missing.
  virtual void ensure() = 0;
  /// The newest run of a job, whatever its status, that follows no changes.
  virtual std::optional<RunRecord> latest(const std::string& job) = 0;
  /// The newest run that follows the changes of a job's source.
  virtual std::optional<RunRecord> latest_follow(const std::string& job) {
    static_cast<void>(job);
    return {};
  }
  /// From now on a run that follows changes is one of this script and this command.
  virtual void accept_script(const RunRecord& run) { static_cast<void>(run); }
  virtual std::optional<RunRecord> find(const std::string& run) = 0;
  virtual std::vector<RunRecord> runs(size_t limit) = 0;
  virtual void start(const RunRecord& run, const std::vector<PartitionRecord>& partitions) = 0;
  virtual std::vector<PartitionRecord> partitions(const std::string& run) = 0;
  virtual void set_status(const std::string& run, RunStatus status, const std::string& message) = 0;
  /// Claims the job for this process until the State is destroyed. False: another process holds it;
  /// `holder` is its host and pid.
  virtual bool lease(const std::string& job, std::string& holder) = 0;
  /// The token under which units are committed while this process has claimed the job; the next
  /// holder has another. Empty where the claim cannot be taken from a living process.
  virtual std::string lease_token() const { return {}; }
  virtual uint64_t count_rejects(const std::string& job) = 0;
  /// Calls `use` for each reject after `after`, in the order of their numbers, until it returns
  /// false.
  virtual void each_reject(const std::string& job,
                           const std::function<bool(const RejectRecord&)>& use,
                           int64_t after = 0) = 0;
  /// The number of the job's newest reject; 0: none.
  virtual int64_t last_reject(const std::string& job) = 0;
  virtual void delete_rejects(const std::vector<int64_t>& rejects) = 0;
  /// Deletes the job's rejects except those of this run.
  virtual void delete_other_rejects(const std::string& job, const std::string& run) = 0;
  /// Deletes runs that are done or abandoned, with their rejects: of each job, all except the
  /// newest `keep` loads and the newest `keep` that follow changes, if they ended more than `seconds` ago. Runs that can be resumed or undone stay.
  virtual Pruned prune(uint64_t keep, uint64_t seconds) = 0;
  /// The steps of a job's stages, in the order in which they were first recorded. Targets without
  /// stages have none.
  virtual std::vector<StepRecord> steps(const std::string& job) {
    static_cast<void>(job);
    return {};
  }
  /// Records a step or its new status. kWaiting does not change a step that is already recorded.
  virtual void put_step(const StepRecord& step) { static_cast<void>(step); }

  // Keys of changes, for targets that keep them; the others have no feed, and raise Error{config}
  // when one is begun. A feed ends with the unit that settles its last key (SettledKeys::next).
  virtual std::optional<FeedRecord> feed(const std::string& job);
  /// Takes the place of an earlier feed of the job and of its keys. Sets started and updated.
  virtual void begin_feed(const FeedRecord& record);
  /// Keeps the keys, each once, and the position, in one transaction. Returns how many keys there
  /// are now. Error{bug} when the position is older than the one that is kept.
  virtual uint64_t spool(const std::string& job, std::span<const std::string_view> keys,
                         const std::string& position, uint64_t time);
  /// Keys behind a place, in the order of places; "": from the first one on.
  virtual SpooledPage spooled_page(const std::string& job, const std::string& after, size_t limit);
  /// Takes the place of what was told of the job before.
  virtual void tell(const std::string& job, const std::string& facts);
  /// Of all jobs of which anything was told, by name.
  virtual std::vector<WatchRecord> told();
  /// Keeps them, in a transaction of its own.
  virtual void note(const std::vector<Notice>& notices) { static_cast<void>(notices); }
  /// What was noticed while the job's changes were followed, the newest last.
  virtual std::vector<Notice> notices(const std::string& job) {
    static_cast<void>(job);
    return {};
  }
  /// Keeps keys for the run that follows the job: it looks their documents up and applies what it
  /// finds, in a unit of its own changes (UnitRecord::answered).
  virtual void ask(const std::string& job, std::span<const std::string_view> keys);
  /// Keys that it has not looked up yet.
  virtual std::vector<SpooledKey> asked_keys(const std::string& job, size_t limit);
  /// Of documents whose rejects are to be tried again, later with each time. A unit that has tried
  /// them says so (UnitRecord::tried).
  virtual RefusedPage refused_keys(const std::string& job, size_t limit);

  // Joint runs, for targets that support them.
  virtual bool joinable() const { return false; }
  virtual std::unique_ptr<Claims> join(const std::string& run) {
    static_cast<void>(run);
    return nullptr;
  }
  virtual void open_to_claims(const std::string& run) { static_cast<void>(run); }
  /// Ends the sharing: from here on only the caller loads the run. If other processes still work on
  /// it, nothing changes and the result names them.
  virtual std::string close_to_claims(const std::string& run) {
    static_cast<void>(run);
    return {};
  }
};

}  // namespace lugger
