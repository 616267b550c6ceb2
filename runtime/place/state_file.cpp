#include "place/state_file.hpp"

#include <chrono>
#include <ctime>
#include <fstream>
#include <set>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/file_lock.hpp"
#include "base/text.hpp"
#include "base/this_process.hpp"
#include "place/state_log.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

// Kinds of lines. Fields are only ever added at the end, so that older logs stay readable.
constexpr std::string_view kRun = "run", kPartition = "partition", kUnit = "unit",
                           kReject = "reject", kStatus = "status", kForget = "forget";

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// A line's fields in order; missing ones are empty.
class Fields {
 public:
  explicit Fields(const LogLine& line) : line_(line) {}
  std::string text() { return at_ < line_.size() ? line_[at_++] : ""; }
  uint64_t number() {
    uint64_t out = 0;
    const std::string field = text();
    std::from_chars(field.data(), field.data() + field.size(), out);
    return out;
  }
  Tally tally() {
    Tally out;
    for (uint64_t* count : {&out.read, &out.inserted, &out.updated, &out.unchanged, &out.skipped,
                            &out.rejected, &out.rows, &out.child_rows, &out.bytes}) {
      *count = number();
    }
    return out;
  }

 private:
  const LogLine& line_;
  size_t at_ = 1;
};

void add_tally(LogLine& line, const Tally& tally) {
  for (const uint64_t count :
       {tally.read, tally.inserted, tally.updated, tally.unchanged, tally.skipped, tally.rejected,
        tally.rows, tally.child_rows, tally.bytes}) {
    line.push_back(std::to_string(count));
  }
}

LogLine run_line(const RunRecord& run) {
  const std::string now = now_text();
  return {std::string(kRun),
          run.run,
          run.job,
          run.script_hash,
          run.source,
          run.source_identity,
          run.mode,
          run.status.empty() ? "running" : run.status,
          run.command,
          run.started.empty() ? now : run.started,
          now,
          run.message,
          run.now.empty() ? now : run.now};
}

RunRecord run_of(const LogLine& line) {
  Fields fields(line);
  RunRecord run;
  for (std::string* field :
       {&run.run, &run.job, &run.script_hash, &run.source, &run.source_identity, &run.mode,
        &run.status, &run.command, &run.started, &run.updated, &run.message, &run.now}) {
    *field = fields.text();
  }
  return run;
}

LogLine reject_line(const RejectRecord& reject, const UnitRecord& unit) {
  return {std::string(kReject),
          reject.run.empty() ? unit.run : reject.run,
          reject.job,
          reject.table,
          reject.document_id,
          reject.column,
          reject.code,
          unit.redact ? reject.code : reject.message,
          unit.redact ? std::string() : reject.document,
          unit.redact ? std::string() : to_base64(as_bytes(reject.raw)),
          reject.at.empty() ? now_text() : reject.at};
}

LogLine forget_line(const std::vector<int64_t>& rejects) {
  LogLine line{std::string(kForget)};
  for (const int64_t reject : rejects) line.push_back(std::to_string(reject));
  return line;
}

/// The number of a reject is where its line begins, from 1.
RejectRecord reject_of(const LogLine& line, int64_t offset) {
  Fields fields(line);
  RejectRecord reject;
  reject.reject = offset + 1;
  for (std::string* field : {&reject.run, &reject.job, &reject.table, &reject.document_id,
                             &reject.column, &reject.code, &reject.message, &reject.document}) {
    *field = fields.text();
  }
  reject.raw = from_base64(fields.text()).value_or("");
  reject.at = fields.text();
  return reject;
}

struct KnownRun {
  RunRecord record;
  std::vector<PartitionRecord> partitions;
  uint64_t output_size = 0;

  PartitionRecord& partition(const std::string& id) {
    for (PartitionRecord& known : partitions) {
      if (known.id == id) return known;
    }
    PartitionRecord& added = partitions.emplace_back();
    added.id = id;
    return added;
  }
};

/// Runs in the order they began.
class History {
 public:
  explicit History(const StateLog& log) {
    log.each([&](const LogLine& line, int64_t) {
      take(line);
      return true;
    });
  }
  KnownRun* find(const std::string& run) {
    for (KnownRun& known : runs_) {
      if (known.record.run == run) return &known;
    }
    return nullptr;
  }
  std::vector<KnownRun>& runs() { return runs_; }

 private:
  void take(const LogLine& line) {
    if (line.empty()) return;
    if (line[0] == kRun) {
      runs_.push_back({run_of(line), {}, 0});
      return;
    }
    Fields fields(line);
    KnownRun* run = find(fields.text());
    if (run == nullptr) return;
    if (line[0] == kPartition) {
      PartitionRecord partition;
      for (std::string* field : {&partition.id, &partition.spec, &partition.position})
        *field = fields.text();
      partition.bytes = fields.number();
      partition.done = fields.text() == "done";
      // Rejects tried again are added to the lines that are there.
      if (partition.id == kRejectsPartition) run->output_size = size_before(*run);
      run->partitions.push_back(std::move(partition));
    } else if (line[0] == kUnit) {
      PartitionRecord& partition = run->partition(fields.text());
      partition.position = fields.text();
      partition.done = fields.text() == "done";
      const Tally tally = fields.tally();
      partition.tally += tally;
      run->record.tally += tally;
      run->output_size = fields.number();
      run->record.updated = fields.text();
    } else if (line[0] == kStatus) {
      run->record.status = fields.text();
      run->record.message = fields.text();
      run->record.updated = fields.text();
    }
  }
  /// Of the output, when the run began.
  uint64_t size_before(const KnownRun& run) const {
    uint64_t size = 0;
    for (const KnownRun& known : runs_) {
      if (&known == &run) break;
      if (known.record.job == run.record.job) size = known.output_size;
    }
    return size;
  }

  std::vector<KnownRun> runs_;
};

class FileState final : public State {
 public:
  explicit FileState(const fs::path& directory) : log_(directory) {}

  void ensure() override {
    const FileLock writable(log_.directory() /
                            "state.lock");  // raises what a later append would raise
  }
  std::optional<RunRecord> latest(const std::string& job) override {
    for (RunRecord& run : runs(std::numeric_limits<size_t>::max())) {
      if (run.job == job) return std::move(run);
    }
    return std::nullopt;
  }
  std::optional<RunRecord> find(const std::string& run) override {
    History history(log_);
    KnownRun* known = history.find(run);
    return known == nullptr ? std::nullopt : std::make_optional(known->record);
  }
  std::vector<RunRecord> runs(size_t limit) override {
    History history(log_);
    std::vector<RunRecord> out;
    for (auto run = history.runs().rbegin(); run != history.runs().rend() && out.size() < limit;
         ++run) {
      out.push_back(std::move(run->record));
    }
    return out;
  }
  void start(const RunRecord& run, const std::vector<PartitionRecord>& partitions) override {
    std::vector<LogLine> group;
    if (run.afresh) group.push_back(forget_line(reject_numbers(run.job)));
    group.push_back(run_line(run));
    for (const PartitionRecord& partition : partitions) {
      group.push_back({std::string(kPartition), run.run, partition.id, partition.spec,
                       partition.position, std::to_string(partition.bytes),
                       partition.done ? "done" : ""});
    }
    log_.append(group);
  }
  std::vector<PartitionRecord> partitions(const std::string& run) override {
    History history(log_);
    KnownRun* known = history.find(run);
    return known == nullptr ? std::vector<PartitionRecord>() : std::move(known->partitions);
  }
  void set_status(const std::string& run, const std::string& status,
                  const std::string& message) override {
    log_.append({{std::string(kStatus), run, status, message, now_text()}});
  }
  bool lease(const std::string& job, std::string& holder) override;
  uint64_t count_rejects(const std::string& job) override {
    uint64_t count = 0;
    each_reject(
        job,
        [&](const RejectRecord&) {
          ++count;
          return true;
        },
        0);
    return count;
  }
  void each_reject(const std::string& job, const std::function<bool(const RejectRecord&)>& use,
                   int64_t after) override;
  int64_t last_reject(const std::string& job) override {
    int64_t last = 0;
    for (const int64_t number : reject_numbers(job)) last = std::max(last, number);
    return last;
  }
  void delete_rejects(const std::vector<int64_t>& rejects) override {
    if (!rejects.empty()) log_.append({forget_line(rejects)});
  }

 private:
  std::vector<int64_t> reject_numbers(const std::string& job) {
    std::vector<int64_t> numbers;
    each_reject(
        job,
        [&](const RejectRecord& reject) {
          numbers.push_back(reject.reject);
          return true;
        },
        0);
    return numbers;
  }

  StateLog log_;
  FileLock lease_;
};

bool FileState::lease(const std::string& job, std::string& holder) {
  const fs::path file =
      log_.directory() / fmt::format("lease-{}.lock", sha256_hex(job).substr(0, 16));
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

void FileState::each_reject(const std::string& job,
                            const std::function<bool(const RejectRecord&)>& use, int64_t after) {
  std::set<int64_t> forgotten;
  std::map<std::string, std::string> jobs;  // run -> job
  log_.each([&](const LogLine& line, int64_t) {
    if (line[0] == kRun) jobs[run_of(line).run] = run_of(line).job;
    if (line[0] != kForget) return true;
    for (Fields fields(line); const uint64_t number = fields.number();)
      forgotten.insert(static_cast<int64_t>(number));
    return true;
  });
  log_.each([&](const LogLine& line, int64_t offset) {
    if (line[0] != kReject || offset < after) return true;
    RejectRecord reject = reject_of(line, offset);
    if (reject.job.empty()) reject.job = jobs[reject.run];
    return reject.job != job || forgotten.contains(reject.reject) || use(reject);
  });
}

}  // namespace

std::unique_ptr<State> make_file_state(const fs::path& directory) {
  return std::make_unique<FileState>(directory);
}

void append_unit(const fs::path& directory, const UnitRecord& unit, uint64_t output_size) {
  std::vector<LogLine> group;
  if (!unit.resolved.empty()) group.push_back(forget_line(unit.resolved));
  for (const RejectRecord& reject : unit.rejects) group.push_back(reject_line(reject, unit));
  LogLine line{std::string(kUnit), unit.run, unit.partition, unit.position,
               unit.done ? "done" : ""};
  add_tally(line, unit.tally);
  line.push_back(std::to_string(output_size));
  line.push_back(now_text());
  group.push_back(std::move(line));
  StateLog(directory).append(group);
}

uint64_t recorded_output_size(const fs::path& directory, const std::string& run) {
  const StateLog log(directory);
  History history(log);
  const KnownRun* known = history.find(run);
  return known == nullptr ? 0 : known->output_size;
}

}  // namespace lugger
