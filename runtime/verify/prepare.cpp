#include "verify/prepare.hpp"

#include <algorithm>
#include <random>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/url.hpp"
#include "engine/check_manifests.hpp"
#include "engine/follow.hpp"
#include "engine/ledger_run.hpp"
#include "engine/stages.hpp"
#include "engine/start.hpp"
#include "place/identity.hpp"
#include "value/datetime.hpp"
#include "verify/sample.hpp"

namespace lugger {

namespace {

std::string describe_key(const TablePlan& table) {
  std::string out;
  for (const size_t slot : table.key) out += "," + table.columns[slot].name;
  return out;
}

/// A hash of the tables and columns of the mapping, independent of the rest of the script.
std::string mapping_hash(const PlanShape& shape) {
  std::string text;
  for (const TablePlan& table : shape.tables()) {
    text += fmt::format("table {} key{} path {}\n", table.name, describe_key(table), table.path);
    for (const Column& column : table.columns)
      text += fmt::format("{}\t{}\t{}\t{}\n", column.name, column.type.sql, column.from,
                          static_cast<int>(column.generate));
  }
  return sha256_hex(text);
}

uint64_t random_seed() {
  std::random_device device;
  // Integers in JSON are exact only up to 53 bits.
  return (uint64_t{device()} << 20 ^ device()) & ((uint64_t{1} << 48) - 1);
}

void open_places(VerifyContext& context, Verdict& verdict) {
  JobImpl& job = context.job;
  Target& target = job.open_target_once();
  context.rows = target.rows();
  if (!context.rows) {
    throw Error(Code::kConfig,
                fmt::format("{} cannot be read back: PostgreSQL, Weaviate and files of plain "
                            "JSON lines can be verified",
                            mask_secrets(job.spec.target)),
                "load into PostgreSQL with --into postgresql://... or local:DIR, and verify there");
  }
  verdict.target = target.place();
  const SourceInfo info = job.open_source_once().info();
  verdict.source = info.place;
  verdict.source_identity = info.identity;
  verdict.source_moves = info.moves;
  context.shape = job.shape_once();
  verdict.job = job.spec.name;
  verdict.script_hash = job.spec.script_hash;
  verdict.mapping_hash = mapping_hash(*context.shape);
}

void inspect_target(VerifyContext& context, Verdict& verdict) {
  const std::unique_ptr<RowsLook> look = context.rows->look(*context.shape);
  RowsFacts facts = look->facts();
  verdict.server = std::move(facts.server);
  verdict.target_identity = std::move(facts.identity);
  context.comparison = make_comparison(*look, *context.shape, context.options.columns);
  verdict.altered = context.comparison.altered;
  verdict.notes = context.comparison.notes;
}

/// Equal bits of another model are not the same vectors.
void compare_manifests(VerifyContext& context, Verdict& verdict) {
  const Mapping& mapping = context.shape->mapping();
  std::vector<std::string> found = context.job.mismatches;
  if (!mapping.manifests.empty()) {
    for (std::string& one : target_mismatches(
             mapping.manifests, context.job.open_target_once().manifests(*context.shape)))
      found.push_back(std::move(one));
  }
  for (const std::string& one : found) {
    if (mapping.other_manifest)
      verdict.warnings.push_back("vectors of another making: " + one);
    else
      verdict.reasons.push_back("vectors of another making: " + one);
  }
}

/// Whether the changes behind this load are applied by the script as it is now.
bool was_accepted(JobImpl& job, State& state, const RunRecord& load) {
  const std::optional<RunRecord> follow = state.latest_follow(job.spec.name);
  return follow && follow->run > load.run && follow->script_hash == job.spec.script_hash;
}

void take_run(VerifyContext& context, Verdict& verdict, State& state) {
  const std::optional<RunRecord> run = latest_load(state, verdict.job);
  if (!run) {
    verdict.warnings.push_back("no run of this job is recorded in the target");
    return;
  }
  verdict.run = run->run;
  verdict.run_status = run->status;
  context.now = run->now;
  context.one_reader = state.partitions(run->run).size() == 1;
  if (is_unfinished(*run)) {
    context.resume = run->command;
    context.unfinished = !is_read(state, *run);
  }
  if (run->script_hash != context.job.spec.script_hash && !was_accepted(context.job, state, *run))
    verdict.warnings.push_back("the script changed since the run that loaded the rows");
  if (compare_identities(run->source_identity, verdict.source_identity) == Sameness::kOther) {
    verdict.warnings.push_back(
        "the source changed since the run that loaded the rows: it is compared as it is now");
  }
  if (state.count_rejects(verdict.job) == 0) return;
  state.each_reject(verdict.job, [&](const RejectRecord& reject) {
    context.rejects.add(reject);
    return true;
  });
  if (context.rejects.by_id() != 0) {
    verdict.warnings.push_back(fmt::format(
        "{} rejects hold no document (--redact, or too large to keep): documents with one of their "
        "ids do not count as missing",
        context.rejects.by_id()));
  }
  if (context.rejects.unknown() != 0) {
    verdict.warnings.push_back(fmt::format(
        "{} rejects hold no document (--redact, or too large to keep) and have no id: their "
        "documents count as missing where the mapping takes them",
        context.rejects.unknown()));
  }
}

/// A role may be able to read the tables but not the ledger.
void read_ledger(VerifyContext& context, Verdict& verdict) {
  context.now = context.job.spec.now;
  std::optional<Error> renamed;
  try {
    const std::unique_ptr<State> state = context.job.open_target_once().state();
    take_run(context, verdict, *state);
    renamed = why_renamed(*context.job.source, *state, verdict.job, "cannot be verified");
  } catch (const Error& error) {
    if (error.code() == Code::kConnect) throw;
    verdict.warnings.push_back(fmt::format(
        "the ledger cannot be read ({}): documents that the server rejected count as missing",
        error.message()));
  }
  if (renamed) throw *renamed;
}

/// The result of a load is known only when it has ended. Until then rows may be missing, several
/// rows may have the same key, and rows of an earlier load may still be there.
void refuse_unfinished(const VerifyContext& context, Verdict& verdict) {
  if (!context.unfinished && !context.comparison.unsettled) return;
  verdict.reasons.emplace_back("the load is not finished");
  verdict.warnings.push_back(fmt::format(
      "the load is not finished, so it cannot be called equal: what was not loaded yet counts as "
      "missing, and rows of one key are not settled yet; finish it first{}{}",
      context.resume.empty() ? "" : ": ", context.resume));
}

void divide_work(VerifyContext& context) {
  const int jobs = context.options.jobs > 0 ? context.options.jobs : default_jobs();
  context.partitions = context.job.source->split(parts_for(context.job.source->info(), jobs));
  context.readers = std::clamp(jobs, 1, std::max(1, static_cast<int>(context.partitions.size())));
  context.connections = jobs;
}

void set_sample(VerifyContext& context, Verdict& verdict) {
  context.seed = context.options.seed != 0 ? context.options.seed : random_seed();
  verdict.seed = context.seed;
  if (context.options.sample <= 0) return;
  uint64_t rows = 0;
  for (const ComparedTable& table : context.comparison.tables) {
    if (!table.own) continue;
    if (table.key.empty()) {
      throw Error(Code::kConfig, fmt::format("--sample needs a key, and {} has none", table.name),
                  "verify it without --sample");
    }
    rows += context.rows->count(table.table);
  }
  const uint64_t wanted = sample_rows(context.options.sample);
  if (wanted < rows) {
    context.sample_below = static_cast<uint64_t>(
        static_cast<double>(wanted) / static_cast<double>(rows) * 18446744073709551615.0);
  }
}

}  // namespace

void record_verification(VerifyContext& context, const Verdict& verdict) {
  uint64_t wrong = 0;
  for (const TableVerdict& table : verdict.tables)
    wrong += table.missing + table.extra + table.different;
  RunRecord record;
  record.job = verdict.job + " (verify)";
  record.script_hash = verdict.script_hash;
  record.source = verdict.source;
  record.source_identity = verdict.source_identity;
  record.mode = "verify";
  record.now = verdict.run_now;
  record.started = verdict.started;
  record.message = verdict.equal ? "equal" : "not equal";
  if (wrong != 0) record.message += fmt::format(": {} rows are wrong", wrong);
  if (verdict.equal && verdict.rejected + verdict.kept_rejects != 0)
    record.message += fmt::format(" but for {} rejects", verdict.rejected + verdict.kept_rejects);
  for (const std::string& reason : verdict.reasons) record.message += "; " + reason;
  for (const std::string* narrowed : {&verdict.window, &verdict.where, &verdict.sample}) {
    if (!narrowed->empty()) record.message += "; " + *narrowed;
  }
  if (!verdict.source_position.empty())
    record.message += "; under writes, up to " + verdict.source_position;
  if (verdict.changing != 0)
    record.message += fmt::format("; {} documents still changing", verdict.changing);
  if (!verdict.columns.empty()) record.message += "; columns " + verdict.columns;
  try {
    LedgerRun(context.job.open_target_once().state()).note(std::move(record));
  } catch (const Error& error) {
    if (error.code() == Code::kConnect) throw;
  }
}

void prepare_verification(VerifyContext& context, Verdict& verdict) {
  const VerifyOptions& options = context.options;
  if (options.recall &&
      (options.live || options.sample > 0 || !options.where.empty() || !options.since.empty())) {
    throw Error(Code::kConfig, "recall is of all vectors, while nobody writes",
                "leave out live, sample, where and since");
  }
  verdict.started = timestamp_text(*micros_from_unix_us(unix_micros_now()));
  open_places(context, verdict);
  inspect_target(context, verdict);
  compare_manifests(context, verdict);
  read_ledger(context, verdict);
  refuse_unfinished(context, verdict);
  verdict.run_now = context.now;
  if (!context.options.since.empty()) {
    context.since.emplace(context.options.since, context.options.since_field);
    verdict.window = context.since->words();
  }
  verdict.where = context.options.where;
  verdict.columns = fmt::format("{}", fmt::join(context.options.columns, ", "));
  verdict.looked_for_missing = !context.options.narrows_target();
  verdict.looked_for_extra = context.options.since.empty();
  divide_work(context);
  set_sample(context, verdict);
}

}  // namespace lugger
