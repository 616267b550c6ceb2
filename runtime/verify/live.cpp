#include "verify/live.hpp"

#include <algorithm>
#include <thread>

#include "engine/follow.hpp"
#include "engine/rejects.hpp"

namespace lugger {
namespace {

constexpr uint32_t kBatchDocuments = 500;
constexpr size_t kBatchBytes = 256 << 10;
constexpr size_t kJudgedAtOnce = 5000;
constexpr size_t kMostHot = 20'000;
constexpr int kTimes = 2;  // a difference must be found so often
constexpr int kPauseMs = 200;
// Documents that change faster than they are read are given up after this time.
constexpr double kHotSeconds = 10;
constexpr double kLookSeconds = 5, kStuckSeconds = 60;

[[noreturn]] void refuse(const std::string& job, std::string_view why) {
  throw Error(Code::kConfig, fmt::format("{} cannot be verified under writes: {}", job, why),
              "start `lugger move SCRIPT`, wait until it says `following`, and verify again; "
              "without --live, when nobody writes to the source");
}

void check_options(const VerifyOptions& options) {
  if (options.sample <= 0 && options.where.empty() && options.since.empty()) return;
  throw Error(Code::kConfig,
              "--live compares everything: it does not go with --sample, --where or "
              "--since",
              "leave one of them away");
}

void check_keys(const ComparedTable& own) {
  const bool known = !own.key.empty() && std::ranges::none_of(own.key, [&](size_t i) {
    return own.columns[i].by_server || own.columns[i].hash >= 0;
  });
  if (known) return;
  throw Error(
      Code::kConfig,
      fmt::format("{} cannot be verified under writes: only the server can tell which of its "
                  "keys are equal",
                  own.name),
      "pause the application, and verify it without --live");
}

}  // namespace

LiveComparing::LiveComparing(VerifyContext& context, Verdict& verdict, LiveWrong& wrong)
    : context_(context), verdict_(verdict), wrong_(wrong) {
  for (const ComparedTable& table : context.comparison.tables) {
    TableVerdict& out = tables_.emplace_back();
    out.table = table.name;
    for (const ComparedColumn& column : table.columns) out.columns.push_back(column.name);
    out.left_out = table.left_out;
  }
  wrong_.extra_rows.resize(tables_.size());
}

void LiveComparing::run(const std::function<void(const char*)>& stage) {
  stage("reading");
  begin();
  read_all();
  stage("comparing");
  find_strangers();
  stage("looking closer");
  judge_moved();
  finish();
}

void LiveComparing::begin() {
  check_options(context_.options);
  check_keys(context_.comparison.tables.front());
  feed_ = feed_of(*context_.job.source);
  state_ = context_.job.open_target_once().state();
  seen_ = context_.rows->seen_keys();
  const std::string& job = context_.job.spec.name;
  if (context_.job.source->info().rows)
    throw Error(Code::kConfig,
                fmt::format("{} cannot be verified under writes: its source is PostgreSQL", job),
                "verify it without --live, when nobody writes to the source and `lugger status` says "
                "that all is applied");
  if (!seen_) refuse(job, "its target does not tell which rows were changed");
  const std::optional<Position> applied = applied_position(*state_, job);
  if (!applied) refuse(job, "nothing applies its changes");
  std::string holder;
  if (context_.job.open_target_once().state()->lease(job, holder))
    refuse(job, "the run that applied its changes has ended");
  applied_ = *applied;
  check_ = std::make_unique<LiveCheck>(context_);
  watch_ = std::make_unique<LiveWatch>(context_, *seen_, applied_);
}

void LiveComparing::read_all() {
  context_.source_documents = context_.source_bytes = context_.target_rows = 0;
  std::atomic<size_t> next{0};
  Crew crew(context_.stop);
  for (int i = 0; i < context_.readers; ++i) {
    crew.start([&] {
      LiveCheck check(context_);
      SourceFacts facts;
      for (size_t part = next++; part < context_.partitions.size() && !crew.stopped();
           part = next++)
        read_part(part, check, crew, facts);
      add_facts(facts, check.plan());
    });
  }
  crew.finish();
}

void LiveComparing::read_part(size_t partition, LiveCheck& check, const Crew& crew,
                              SourceFacts& facts) {
  const std::unique_ptr<Cursor> cursor = context_.job.source->open(context_.partitions[partition]);
  Arena arena;
  Batch batch(arena);
  batch.max_documents = kBatchDocuments;
  batch.max_bytes = kBatchBytes;
  std::vector<SeenKey> seen;
  for (uint64_t bytes = 0; !crew.stopped(); bytes = cursor->bytes()) {
    batch.clear();
    arena.reset();
    if (!cursor->fill(batch, context_.stop)) return;
    const std::unique_ptr<RowSnapshot> snapshot = context_.rows->snapshot(1);
    seen.clear();
    check.run(batch, snapshot->reader(0), nullptr, false,
              [&](Judgement&& one) { take_first(std::move(one), seen, facts); });
    seen_->add(seen);
    for (size_t i = 0; i < batch.documents.size(); ++i) {
      facts.skipped += batch.fates[i] == Fate::kSkip ? 1 : 0;
      facts.rejected += batch.fates[i] == Fate::kReject ? 1 : 0;
    }
    for (const auto& [reason, documents] : batch.skips) facts.skip_reasons[reason] += documents;
    for (const Refusal& refusal : batch.refusals)
      ++facts.reject_codes[std::string(refusal_code(refusal))];
    facts.documents += batch.documents.size();
    context_.source_documents.fetch_add(batch.documents.size(), std::memory_order_relaxed);
    context_.source_bytes.fetch_add(cursor->bytes() - bytes, std::memory_order_relaxed);
  }
}

/// A document whose rows differ is judged later: its key is kept without rows.
void LiveComparing::take_first(Judgement&& one, std::vector<SeenKey>& seen, SourceFacts& facts) {
  if (one.keys.empty()) ++facts.without_key;
  if (one.equal) {
    const std::lock_guard lock(mutex_);
    for (size_t t = 0; t < tables_.size(); ++t) add_counts(tables_[t], one.tables[t]);
  }
  for (SeenKey& key : one.keys) {
    if (!one.equal) key.rows.clear();
    seen.push_back(std::move(key));
  }
}

void LiveComparing::add_facts(const SourceFacts& facts, const Plan& plan) {
  const std::lock_guard lock(mutex_);
  verdict_.documents += facts.documents;
  verdict_.skipped += facts.skipped;
  verdict_.rejected += facts.rejected;
  verdict_.without_key += facts.without_key;
  for (const auto& [reason, count] : facts.skip_reasons) verdict_.skip_reasons[reason] += count;
  for (const auto& [code, count] : facts.reject_codes) verdict_.reject_codes[code] += count;
  for (const auto& [path, count] : plan.unmapped()) verdict_.unmapped[path] += count;
  for (const auto& [column, count] : plan.replaced()) verdict_.replaced[column] += count;
}

/// Rows of documents that are not in the source. Twice: those that are still there when it has been
/// seen that no document came with them.
void LiveComparing::find_strangers() {
  verdict_.position = seen_->moment();
  watch_->reach(feed_->time());
  for (const ComparedTable& table : context_.comparison.tables) seen_->keep_strangers(table.table);
  watch_->reach(feed_->time());
  for (const ComparedTable& table : context_.comparison.tables) {
    seen_->each_stranger(table.table, [&](KeyText&& key, uint64_t rows) {
      TableVerdict& found = tables_[table.table];
      found.extra += rows, found.target += rows;
      wrong_.extra_rows[table.table] += rows;
      RowFinding finding;
      finding.kind = FindingKind::kExtra;
      finding.table = table.name;
      for (size_t k = 0; k < key.size(); ++k)
        finding.key += fmt::format("{}{}={}", k == 0 ? "" : ", ", table.columns[table.root[k]].name,
                                   key[k].value_or("NULL"));
      show(std::move(finding));
      if (wrong_.strangers.size() < LiveWrong::kMost)
        wrong_.strangers.push_back(std::move(key));
      else
        wrong_.complete = false;
    });
  }
}

void LiveComparing::judge_moved() {
  Opens open;
  seen_->each_moved([&](MovedKey&& key) {
    open.push_back({std::move(key)});
    if (open.size() < kJudgedAtOnce) return;
    judge_all(std::exchange(open, {}));
    if (hot_.size() > kMostHot) wait_for_hot(kMostHot / 2, false);
  });
  judge_all(std::move(open));
  wait_for_hot(0, true);
}

/// Until each of them is decided, or changing.
void LiveComparing::judge_all(Opens&& open) {
  for (Opens now = std::move(open); !now.empty();) {
    Opens again;
    judge(std::exchange(now, {}), again);
    now = std::move(again);
  }
}

void LiveComparing::judge(Opens&& open, Opens& again) {
  see_applied();
  const Position applied = applied_;
  watch_->forget(applied);
  KnownRejects rejects;
  if (state_->count_rejects(context_.job.spec.name) != 0) {
    state_->each_reject(context_.job.spec.name, [&](const RejectRecord& reject) {
      rejects.add(reject);
      return true;
    });
  }
  KnownRejects::Pass pass(rejects);
  // Reads nothing older than what is applied: its first question begins here.
  const std::unique_ptr<Feed> feed = feed_of(*context_.job.source);
  std::unordered_map<std::string, Judgement> judged;
  auto shown = shown_;
  Arena arena;
  Batch batch(arena);
  for (size_t at = 0; at < open.size(); at += kBatchDocuments) {
    if (context_.stop.requested()) throw Error(Code::kInterrupted, "stopped");
    std::vector<std::string_view> ids;
    for (size_t i = at; i < std::min(open.size(), at + kBatchDocuments); ++i)
      ids.push_back(open[i].key.id);
    batch.clear();
    arena.reset();
    feed->look_up(ids, applied, batch);
    const std::unique_ptr<RowSnapshot> snapshot = context_.rows->snapshot(1);
    check_->run(batch, snapshot->reader(0), rejects.empty() ? nullptr : &pass, true,
                [&](Judgement&& one) {
                  for (RowFinding& finding : one.findings)
                    make_lean(finding, shown[{finding.table, finding.kind}]++);
                  one.keys.clear();
                  std::string key = id_key(one.id);
                  judged.insert_or_assign(std::move(key), std::move(one));
                });
  }
  watch_->reach(feed->time());
  for (Open& one : open) {
    const std::string key = id_key(one.key.id);
    const auto found = judged.find(key);
    if (found == judged.end() || watch_->is_pending(key, applied))
      hot_.push_back(std::move(one));
    else
      settle(std::move(one), std::move(found->second), again);
  }
}

/// Of a row that is not shown only the columns count.
void LiveComparing::make_lean(RowFinding& finding, uint64_t shown) const {
  if (shown < context_.options.limit_shown) return;
  finding.key.clear();
  for (ColumnDifference& column : finding.columns) column.source = column.target = std::nullopt;
}

void LiveComparing::settle(Open&& open, Judgement&& judgement, Opens& again) {
  if (!judgement.equal && ++open.found < kTimes)
    again.push_back(std::move(open));
  else
    count(open, std::move(judgement));
}

void LiveComparing::count(const Open& open, Judgement&& judgement) {
  for (size_t t = 0; t < tables_.size(); ++t) {
    TableVerdict& table = tables_[t];
    if (!open.key.rows.empty()) {  // they were counted as equal
      table.source -= open.key.rows[t], table.target -= open.key.rows[t];
      table.equal -= open.key.rows[t];
    }
    add_counts(table, judgement.tables[t]);
  }
  verdict_.kept_rejects += judgement.kept_reject ? 1 : 0;
  if (judgement.equal) return;
  keep_wrong(judgement);
  for (RowFinding& finding : judgement.findings) {
    if (finding.kind == FindingKind::kDifferent) {
      const auto table = std::ranges::find(tables_, finding.table, &TableVerdict::table);
      for (const ColumnDifference& column : finding.columns) ++table->differing[column.column];
    }
    show(std::move(finding));
  }
}

void LiveComparing::keep_wrong(const Judgement& judgement) {
  uint64_t lacks = 0;
  for (const TableVerdict& table : judgement.tables) lacks += table.missing + table.different;
  if (judgement.refused || judgement.kept_reject) {
    ++wrong_.refused;
    return;
  }
  if (lacks == 0) {
    for (size_t t = 0; t < tables_.size(); ++t) wrong_.extra_rows[t] += judgement.tables[t].extra;
  }
  std::vector<std::string>& ids = lacks == 0 ? wrong_.extras : wrong_.ids;
  if (ids.size() < LiveWrong::kMost)
    ids.push_back(judgement.id);
  else
    wrong_.complete = false;
}

/// What was made lean has no key to be shown by.
void LiveComparing::show(RowFinding&& finding) {
  if (finding.key.empty()) return;
  uint64_t& shown = shown_[{finding.table, finding.kind}];
  if (shown++ < context_.options.limit_shown) verdict_.rows.push_back(std::move(finding));
}

/// Asks up to where changes are applied by now.
void LiveComparing::see_applied() {
  const std::optional<Position> now = applied_position(*state_, context_.job.spec.name);
  if (!now) refuse(context_.job.spec.name, "the run that applied its changes has ended");
  if (*now == applied_) return;
  applied_ = *now;
  stands_ = {};
}

/// Documents that changed while they were read, until at most so many are left. `last`: those that
/// do not stand still are given up.
void LiveComparing::wait_for_hot(size_t most, bool last) {
  const uint64_t goal = feed_->time();
  Stopwatch since, looked;
  size_t left = hot_.size();
  while (hot_.size() > most) {
    std::this_thread::sleep_for(std::chrono::milliseconds(kPauseMs));
    Opens some, again;
    while (!hot_.empty() && some.size() < kJudgedAtOnce) {
      some.push_back(std::move(hot_.front()));
      hot_.pop_front();
    }
    judge(std::move(some), again);
    for (Open& one : again) hot_.push_front(std::move(one));
    if (hot_.size() < left || feed_->time_of(applied_) <= goal) since = {};
    left = hot_.size();
    if (last && since.seconds() > kHotSeconds) break;
    if (stands_.seconds() < kLookSeconds || looked.seconds() < kLookSeconds) continue;
    looked = {};
    std::string holder;
    const std::string& job = context_.job.spec.name;
    if (context_.job.open_target_once().state()->lease(job, holder))
      refuse(job, "the run that applied its changes has ended");
    if (stands_.seconds() > kStuckSeconds)
      refuse(job, fmt::format("its changes are not applied; they stand at {}",
                              feed_->time_text(feed_->time_of(applied_))));
  }
  if (last) verdict_.changing = hot_.size();
}

void LiveComparing::finish() {
  verdict_.applied_position = feed_->time_text(feed_->time_of(applied_));
  verdict_.source_position = feed_->time_text(feed_->time());
  verdict_.equal = verdict_.altered.empty() && verdict_.reasons.empty();
  for (const TableVerdict& table : tables_) {
    if (table.source != table.equal + table.missing + table.different + table.older ||
        table.target != table.equal + table.extra + table.different + table.newer)
      raise(Code::kBug, "{}: the counts do not add up", table.table);
    if (table.missing + table.extra + table.different != 0) verdict_.equal = false;
  }
  verdict_.tables = tables_;
  std::ranges::stable_sort(verdict_.rows, [](const RowFinding& a, const RowFinding& b) {
    return std::tie(a.table, a.kind, a.key) < std::tie(b.table, b.kind, b.key);
  });
}

}  // namespace lugger
