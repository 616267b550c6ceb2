#include "place/state_file.hpp"

#include <algorithm>
#include <fstream>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/file_lock.hpp"
#include "base/this_process.hpp"
#include "place/books.hpp"
#include "place/state_file_ddl.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

// A row in SQLite holds at most 1 GB. A reject does not store a document larger than this.
constexpr size_t kMostDocument = size_t{400} << 20;

// The output_size of a run that has not opened its output: nothing there is its own.
constexpr int64_t kNotOwned = -1;

/// Of the job ?1, and of no run into another target than ?2.
constexpr std::string_view kOurRejects =
    "job = ?1 AND (?2 = '' OR run NOT IN (SELECT run FROM runs WHERE target NOT IN ('', ?2)))";

/// Every count, formatted with `form`: "p.{}" or "sum(p.{})".
std::string counts(std::string_view form) {
  std::string out;
  for (const TallyCount& count : kTallyCounts)
    out +=
        (out.empty() ? "" : ", ") + fmt::format(fmt::runtime(form), fmt::arg("count", count.name));
  return out;
}

Tally tally_at(const SqliteStatement& row, int column) {
  Tally out;
  for (const TallyCount& count : kTallyCounts)
    out.*count.of = static_cast<uint64_t>(row.number(column++));
  return out;
}

int64_t signed_of(uint64_t number) { return static_cast<int64_t>(number); }

SqliteValue or_null(const std::string& text) {
  if (text.empty()) return nullptr;
  return std::string_view(text);
}

void forget(Sqlite& database, const std::vector<int64_t>& rejects) {
  SqliteStatement statement(database, "DELETE FROM rejects WHERE reject = ?");
  for (const int64_t reject : rejects) statement.run({reject});
}

void write_rejects(Sqlite& database, const UnitRecord& unit) {
  SqliteStatement statement(
      database,
      fmt::format("INSERT INTO rejects (run, job, \"table\", document_id, \"column\", code, "
                  "message, document, raw, at, operation) VALUES (?1, coalesce(?2, (SELECT job "
                  "FROM runs WHERE run = ?1), ''), ?3, ?4, ?5, ?6, ?7, ?8, ?9, coalesce(?10, {}), "
                  "?11)",
                  kStateNow));
  const auto kept = [&](const std::string& text) {
    return !unit.redact && !text.empty() && text.size() <= kMostDocument;
  };
  for (const RejectRecord& reject : unit.rejects) {
    SqliteValue document = nullptr, raw = nullptr;
    if (kept(reject.document)) document = std::string_view(reject.document);
    if (kept(reject.raw)) raw = SqliteBlob{reject.raw};
    statement.run({reject.run.empty() ? unit.run : reject.run,
                   or_null(reject.job.empty() ? unit.job : reject.job), reject.table,
                   reject.document_id, reject.column, reject.code,
                   unit.redact ? reject.code : reject.message, document, raw, or_null(reject.at),
                   operation_word(reject.operation)});
  }
}

void write_progress(Sqlite& database, const UnitRecord& unit, uint64_t output_size) {
  std::string added, values;
  for (const TallyCount& count : kTallyCounts) {
    added += fmt::format("{0} = {0} + excluded.{0}, ", count.name);
    values += fmt::format(", {}", signed_of(unit.tally.*count.of));
  }
  database.run(fmt::format("INSERT INTO partitions (run, partition, position, done, {}) "
                           "VALUES (?, ?, ?, ?{}) ON CONFLICT (run, partition) DO UPDATE SET "
                           "position = excluded.position, done = excluded.done, {}"
                           "updated_at = excluded.updated_at",
                           counts("{count}"), values, added),
               {unit.run, unit.partition, unit.position, int64_t{unit.done}});
  database.run("UPDATE runs SET output_size = ? WHERE run = ?", {signed_of(output_size), unit.run});
}

class FileState final : public State {
 public:
  FileState(const AllowedPath& directory, std::function<std::string()> target)
      : directory_(directory.text()), name_target_(std::move(target)) {}

  void ensure() override { writable(); }
  std::optional<RunRecord> latest(const std::string& job) override {
    return first(read_runs("WHERE job = ?3 AND (?2 = '' OR target IN ('', ?2))",
                           {int64_t{1}, target(), job}));
  }
  std::optional<RunRecord> find(const std::string& run) override {
    return first(read_runs("WHERE run = ?2", {int64_t{1}, run}));
  }
  std::vector<RunRecord> runs(size_t limit) override {
    return read_runs("WHERE ?2 = '' OR target IN ('', ?2)",
                     {signed_of(std::min<uint64_t>(limit, INT64_MAX)), target()});
  }
  void start(const RunRecord& run, const std::vector<PartitionRecord>& partitions) override;
  std::vector<PartitionRecord> partitions(const std::string& run) override;
  void set_status(const std::string& run, RunStatus status, const std::string& message) override {
    writable().run(fmt::format("UPDATE runs SET status = ?2, message = ?3, updated_at = {} "
                               "WHERE run = ?1",
                               kStateNow),
                   {run, status.word(), message});
  }
  bool lease(const std::string& job, std::string& holder) override;
  uint64_t count_rejects(const std::string& job) override {
    return static_cast<uint64_t>(
        number(fmt::format("SELECT count(*) FROM rejects WHERE {}", kOurRejects), job));
  }
  void each_reject(const std::string& job, const std::function<bool(const RejectRecord&)>& use,
                   int64_t after) override;
  int64_t last_reject(const std::string& job) override {
    return number(fmt::format("SELECT max(reject) FROM rejects WHERE {}", kOurRejects), job);
  }
  void delete_rejects(const std::vector<int64_t>& rejects) override {
    if (rejects.empty()) return;
    SqliteTransaction transaction(writable());
    forget(*database_, rejects);
    transaction.commit();
  }
  void delete_other_rejects(const std::string& job, const std::string& run) override {
    writable().run(fmt::format("DELETE FROM rejects WHERE {} AND run <> ?3", kOurRejects),
                   {job, target(), run});
  }
  Pruned prune(uint64_t keep, uint64_t seconds) override;

 private:
  static std::optional<RunRecord> first(std::vector<RunRecord> runs) {
    return runs.empty() ? std::nullopt : std::make_optional(std::move(runs.front()));
  }
  Sqlite& writable() {
    if (!made_) database_ = make_state(directory_);
    made_ = true;
    return *database_;
  }
  /// Null: nothing was ever recorded. Reading creates no files.
  Sqlite* readable() {
    if (!database_) database_ = find_state(directory_);
    return database_.get();
  }
  int64_t number(std::string_view sql, const std::string& job) {
    Sqlite* database = readable();
    return database == nullptr ? 0 : database->number(sql, {job, target()});
  }
  const std::string& target() {
    if (!target_) target_ = name_target_ ? name_target_() : "";
    return *target_;
  }
  std::vector<RunRecord> read_runs(std::string_view where, SqliteValues values);

  fs::path directory_;
  std::function<std::string()> name_target_;
  std::optional<std::string> target_;
  std::unique_ptr<Sqlite> database_;
  bool made_ = false;
  FileLock lease_;
};

std::vector<RunRecord> FileState::read_runs(std::string_view where, SqliteValues values) {
  std::vector<RunRecord> out;
  if (readable() == nullptr) return out;
  SqliteStatement rows(
      *database_,
      fmt::format("SELECT r.run, job, script_hash, source, source_identity, mode, status, command, "
                  "message, run_now, started_at, max(r.updated_at, coalesce(max(p.updated_at), "
                  "'')), {} FROM (SELECT * FROM runs {} ORDER BY ordinal DESC LIMIT ?1) r LEFT "
                  "JOIN partitions p ON p.run = r.run GROUP BY r.ordinal ORDER BY r.ordinal DESC",
                  counts("sum(p.{count})"), where));
  rows.begin(values);
  while (rows.next()) {
    RunRecord& run = out.emplace_back();
    std::string status;
    int column = 0;
    for (std::string* field :
         {&run.run, &run.job, &run.script_hash, &run.source, &run.source_identity, &run.mode,
          &status, &run.command, &run.message, &run.now, &run.started, &run.updated}) {
      *field = rows.text(column++);
    }
    run.status = RunStatus::of(status);
    run.tally = tally_at(rows, column);
  }
  return out;
}

void FileState::start(const RunRecord& run, const std::vector<PartitionRecord>& partitions) {
  Sqlite& database = writable();
  SqliteTransaction transaction(database);
  // When rejects are retried, their counts are added to the existing rows.
  const bool adds = std::ranges::any_of(partitions, [](const PartitionRecord& partition) {
    return partition.id == kRejectsPartition;
  });
  const int64_t output_size =
      adds ? number(
                 "SELECT coalesce((SELECT output_size FROM runs WHERE job = ?1 AND (?2 = '' OR "
                 "target IN ('', ?2)) AND output_size >= 0 ORDER BY ordinal DESC LIMIT 1), -1)",
                 run.job)
           : kNotOwned;
  database.run(
      fmt::format("INSERT INTO runs (run, job, script_hash, source, source_identity, mode, status, "
                  "command, message, run_now, started_at, output_size, target) VALUES (?, ?, ?, ?, "
                  "?, ?, ?, ?, ?, coalesce(?, {0}), coalesce(?, {0}), ?, ?)",
                  kStateNow),
      {run.run, run.job, run.script_hash, run.source, run.source_identity, run.mode,
       run.status.word(), run.command, run.message, or_null(run.now), or_null(run.started),
       output_size, target()});
  SqliteStatement insert(database,
                         "INSERT INTO partitions (run, partition, ordinal, spec, position, "
                         "bytes_total, done, start, phase) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  int64_t ordinal = 0;
  for (const PartitionRecord& partition : partitions) {
    insert.run({run.run, partition.id, ordinal++, partition.spec, partition.position,
                signed_of(partition.bytes), int64_t{partition.done}, partition.start,
                int64_t{partition.phase}});
  }
  transaction.commit();
}

std::vector<PartitionRecord> FileState::partitions(const std::string& run) {
  std::vector<PartitionRecord> out;
  if (readable() == nullptr) return out;
  SqliteStatement rows(
      *database_,
      fmt::format("SELECT partition, spec, position, bytes_total, done, start, phase, {} "
                  "FROM "
                  "partitions WHERE run = ? ORDER BY ordinal IS NULL, ordinal, "
                  "partition",
                  counts("{count}")));
  rows.begin({run});
  while (rows.next()) {
    PartitionRecord& record = out.emplace_back();
    record.id = rows.text(0), record.spec = rows.text(1), record.position = rows.text(2);
    record.bytes = static_cast<uint64_t>(rows.number(3));
    record.done = rows.number(4) != 0;
    record.start = rows.text(5);
    record.phase = static_cast<int>(rows.number(6));
    record.tally = tally_at(rows, 7);
  }
  return out;
}

// A file lock rather than a row, because the system releases it however its holder dies.
bool FileState::lease(const std::string& job, std::string& holder) {
  const fs::path file = directory_ / fmt::format("lease-{}.lock", sha256_hex(job).substr(0, 16));
  FileLock lock(file);
  if (!lock.try_lock_exclusive()) {
    std::ifstream in(file);
    std::getline(in, holder);
    if (holder.empty()) holder = "another process";
    return false;
  }
  std::ofstream(file, std::ios::trunc) << this_process() << '\n';
  lease_ = std::move(lock);
  return true;
}

// In pages, so that readers do not block writers.
void FileState::each_reject(const std::string& job,
                            const std::function<bool(const RejectRecord&)>& use, int64_t after) {
  constexpr size_t kPage = 50;
  if (readable() == nullptr) return;
  SqliteStatement rows(
      *database_, fmt::format("SELECT reject, run, job, \"table\", document_id, \"column\", "
                              "code, message, document, raw, at, operation FROM rejects WHERE {} "
                              "AND reject > ?3 ORDER BY reject LIMIT {}",
                              kOurRejects, kPage));
  std::vector<RejectRecord> page;
  do {
    page.clear();
    rows.begin({job, target(), after});
    while (rows.next()) {
      RejectRecord& reject = page.emplace_back();
      reject.reject = after = rows.number(0);
      int column = 1;
      for (std::string* field :
           {&reject.run, &reject.job, &reject.table, &reject.document_id, &reject.column,
            &reject.code, &reject.message, &reject.document, &reject.raw, &reject.at}) {
        *field = rows.text(column++);
      }
      reject.operation = operation_of(rows.text(column));
    }
    for (const RejectRecord& reject : page) {
      if (!use(reject)) return;
    }
  } while (page.size() == kPage);
}

// The newest run of a job is always kept, because it records how much of the output belongs to the
// job.
Pruned FileState::prune(uint64_t keep, uint64_t seconds) {
  Pruned out;
  if (readable() == nullptr) return out;
  Sqlite& database = writable();
  SqliteTransaction transaction(database);
  SqliteStatement old(
      database,
      "SELECT run FROM (SELECT *, row_number() OVER (PARTITION BY job, target ORDER BY ordinal "
      "DESC) AS "
      "place FROM runs WHERE status IN ('done', 'abandoned')) r WHERE place > ? AND updated_at <= "
      "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?) AND ordinal < (SELECT max(ordinal) FROM runs WHERE "
      "job = r.job AND target = r.target)");
  std::vector<std::string> runs;
  old.begin({signed_of(keep), fmt::format("-{} seconds", seconds)});
  while (old.next()) runs.push_back(old.text(0));
  for (const std::string& run : runs) {
    out.rejects += database.change("DELETE FROM rejects WHERE run = ?", {run});
    out.runs += database.change("DELETE FROM runs WHERE run = ?", {run});
  }
  transaction.commit();
  database.execute("PRAGMA incremental_vacuum");
  return out;
}

}  // namespace

std::unique_ptr<State> make_file_state(const fs::path& directory,
                                       std::function<std::string()> target) {
  return std::make_unique<FileState>(directory, std::move(target));
}

std::optional<OutputOwner> output_owner(const fs::path& directory, const std::string& target,
                                        const std::string& job) {
  const std::unique_ptr<Sqlite> database = find_state(directory);
  if (!database) return {};
  SqliteStatement runs(*database,
                       "SELECT run, job, output_size, status FROM runs WHERE output_size >= 0 AND "
                       "(target = ? OR (target = '' AND job = ?)) ORDER BY ordinal DESC LIMIT 1");
  runs.begin({target, job});
  if (!runs.next()) return {};
  return OutputOwner{runs.text(0), runs.text(1), static_cast<uint64_t>(runs.number(2)),
                     RunStatus::of(runs.text(3)) == RunStatus::kDone};
}

UnitLedger::UnitLedger(const fs::path& directory) : database_(make_state(directory)) {}

void UnitLedger::add(const UnitRecord& unit, uint64_t output_size,
                     const std::function<void()>& settle) {
  SqliteTransaction transaction(*database_);
  if (settle) settle();
  check_books(unit.tally);
  forget(*database_, unit.resolved);
  write_rejects(*database_, unit);
  write_progress(*database_, unit, output_size);
  transaction.commit();
}

uint64_t UnitLedger::output_size(const std::string& run) {
  return static_cast<uint64_t>(
      database_->number("SELECT max(output_size, 0) FROM runs WHERE run = ?", {run}));
}

void UnitLedger::own_output(const std::string& run) {
  database_->run("UPDATE runs SET output_size = max(output_size, 0) WHERE run = ?", {run});
}

std::string UnitLedger::job_of(const std::string& run) {
  SqliteStatement row(*database_, "SELECT job FROM runs WHERE run = ?");
  row.begin({run});
  return row.next() ? std::string(row.text(0)) : std::string();
}

bool UnitLedger::binds(const std::string& run, const std::string& identity) {
  database_->run("UPDATE runs SET target_identity = ? WHERE run = ? AND target_identity = ''",
                 {identity, run});
  return database_->number("SELECT count(*) FROM runs WHERE run = ? AND target_identity <> ?",
                           {run, identity}) == 0;
}

uint64_t UnitLedger::rows(const std::string& run) {
  return static_cast<uint64_t>(
      database_->number("SELECT coalesce(sum(rows), 0) FROM partitions WHERE run = ?", {run}));
}

RunKeys& UnitLedger::keys(const std::string& run) {
  if (!keys_ || keys_of_ != run) keys_.emplace(*database_, run);
  keys_of_ = run;
  return *keys_;
}

}  // namespace lugger
