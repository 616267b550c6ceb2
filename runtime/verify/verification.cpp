#include "verify/verification.hpp"

#include <mutex>

#include "base/conductor.hpp"
#include "engine/retry.hpp"
#include "value/datetime.hpp"
#include "verify/live.hpp"
#include "verify/live_repair.hpp"
#include "verify/prepare.hpp"
#include "verify/recall.hpp"
#include "verify/repair.hpp"
#include "verify/sample.hpp"

namespace lugger {

namespace {

// Changes made by others or by triggers during a round are left to the next round.
constexpr uint64_t kMostRounds = 3;

uint64_t wrong_count(const Verdict& verdict) {
  uint64_t out = 0;
  for (const TableVerdict& table : verdict.tables)
    out += table.missing + table.extra + table.different;
  return out;
}

/// For the documents' own tables: how many rows were compared, and how many there are.
void say_sample(const VerifyContext& context, Verdict& verdict) {
  uint64_t looked_at = 0;
  for (const ComparedTable& table : context.comparison.tables) {
    const TableVerdict& found = verdict.tables[table.table];
    if (table.own) looked_at += std::max(found.source, found.target);
  }
  const uint64_t expected = verdict.documents - verdict.skipped - verdict.rejected;
  verdict.sample = sample_words(looked_at, std::max(looked_at, expected), wrong_count(verdict),
                                context.options.sample) +
                   fmt::format(" (seed {})", verdict.seed);
}

/// Where every document was refused both sides are empty, which proves nothing.
void refuse_empty(const VerifyContext& context, Verdict& verdict) {
  const uint64_t refused = verdict.rejected + verdict.kept_rejects;
  uint64_t rows = 0;
  for (const TableVerdict& table : verdict.tables) rows += table.source + table.target;
  if (rows != 0 || refused == 0 || !context.options.where.empty()) return;
  verdict.equal = false;
  verdict.reasons.push_back(fmt::format("no row was compared, as {} document{} rejected", refused,
                                        refused == 1 ? " was" : "s were"));
}

}  // namespace

std::string_view finding_word(FindingKind kind) noexcept {
  switch (kind) {
    case FindingKind::kMissing: return "missing";
    case FindingKind::kExtra: return "extra";
    case FindingKind::kDifferent: break;
  }
  return "different";
}

void add_counts(TableVerdict& to, const TableVerdict& more) noexcept {
  to.source += more.source, to.target += more.target, to.equal += more.equal;
  to.missing += more.missing, to.extra += more.extra, to.different += more.different;
  to.newer += more.newer, to.older += more.older;
}

struct Verification::Impl {
  Impl(Job& of, VerifyOptions as, const RepairOptions* mend)
      : job(of), options(std::move(as)), repairs(mend != nullptr) {
    if (mend != nullptr) repair_options = *mend;
    conductor.start(
        stop, [this] { work(); },
        [this](const std::optional<Error>& failed) -> std::string {
          failure = failed;
          return failed ? "failed" : "done";
        });
  }
  ~Impl() {
    stop_now();
    conductor.join();
  }

  void work() {
    WrongRows wrong;
    verify(verdict, repairs ? &wrong : nullptr);
    if (!repairs) return;
    first = verdict;
    for (uint64_t left = wrong_count(verdict); left != 0;) {
      if (!mend(wrong)) return;
      const bool more = !wrong.complete || !live_wrong.complete;
      wrong = {};
      verdict = {};
      verify(verdict, &wrong);
      const uint64_t now = wrong_count(verdict);
      if (more ? now >= left : repair.rounds >= kMostRounds) return;
      left = now;
    }
  }

  /// A complete verification; inspects the places again, as they are now.
  void verify(Verdict& out, WrongRows* wrong) {
    const Stopwatch verification_watch;
    renew();
    VerifyContext& now = *context;
    conductor.enter("opening");
    prepare_verification(now, out);
    total_bytes = job.impl().source->info().bytes;
    const auto stage = [this](const char* name) { conductor.enter(name); };
    if (options.live) {
      live_wrong = {};
      LiveComparing(now, out, live_wrong).run(stage);
    } else {
      Comparing(now, out, wrong).run(stage);
    }
    refuse_empty(now, out);
    if (now.options.sample > 0) say_sample(now, out);
    if (now.options.recall) compare_recall(now, out, stage);
    record_verification(now, out);
    out.seconds = verification_watch.seconds();
    out.finished = timestamp_text(*micros_from_unix_us(unix_micros_now()));
  }

  void renew() {
    auto made = std::make_unique<VerifyContext>(job.impl(), options);
    const std::lock_guard lock(mutex);
    made->stop.set(stop.level());
    context = std::move(made);
  }
  void stop_now() {
    const std::lock_guard lock(mutex);
    stop.set(StopLevel::kNow);
    if (context) context->stop.set(StopLevel::kNow);
  }

  bool mend(const WrongRows& wrong) {
    conductor.enter("repairing");
    if (options.live) return ask_for_repair(*context, live_wrong, verdict, repair_options, repair);
    return repair_rows(*context, wrong, verdict, repair_options, repair);
  }

  Job& job;
  VerifyOptions options;
  bool repairs;
  RepairOptions repair_options;
  Verdict verdict, first;
  LiveWrong live_wrong;
  RepairResult repair;
  std::unique_ptr<VerifyContext> context;  // replaced only under the mutex
  StopFlag stop;
  std::atomic<uint64_t> total_bytes{0};
  std::mutex mutex;
  std::optional<Error> failure;
  Conductor conductor{"opening"};
};

Verification::Verification(Job& job, VerifyOptions options, const RepairOptions* repair)
    : impl_(std::make_unique<Impl>(job, std::move(options), repair)) {}
Verification::~Verification() = default;

VerifySnapshot Verification::poll(int timeout_ms) {
  Impl& impl = *impl_;
  impl.conductor.wait(timeout_ms);
  const std::lock_guard lock(impl.mutex);
  VerifySnapshot out;
  out.stage = impl.conductor.stage();
  out.seconds = impl.conductor.seconds();
  out.total_bytes = impl.total_bytes;
  if (const VerifyContext* context = impl.context.get()) {
    out.documents = context->source_documents.load(std::memory_order_relaxed);
    out.bytes = context->source_bytes.load(std::memory_order_relaxed);
    out.rows = context->target_rows.load(std::memory_order_relaxed);
    if (context->away.any()) out.waits_for = kServerAway;
  }
  return out;
}

bool Verification::ended() const { return impl_->conductor.ended(); }

void Verification::stop() { impl_->stop_now(); }

const Verdict& Verification::result() {
  impl_->conductor.join();
  if (impl_->failure) throw *impl_->failure;
  return impl_->verdict;
}

const Verdict& Verification::before() const noexcept { return impl_->first; }
const RepairResult& Verification::repair() const noexcept { return impl_->repair; }

}  // namespace lugger
