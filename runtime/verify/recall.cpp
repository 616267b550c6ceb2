#include "verify/recall.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>

#include "verify/recall_score.hpp"
#include "verify/recall_truth.hpp"
#include "verify/target_pass.hpp"

namespace lugger {

namespace {

class TruthOfSource final : public SourceUse {
 public:
  TruthOfSource(Truth& truth, const PlanShape& shape, const RecallColumn& column)
      : worker_(truth), column_(column), vector_(shape, column) {}
  void row(const SourceRow& row) override {
    if (&row.table != column_.table || row.slots == nullptr) return;
    const Value& vector = vector_.of(row);
    worker_.row([&](size_t c) -> const Value& {
      return c == column_.vector ? vector : row.slots[row.table.columns[c].slot];
    });
  }
  Truth::Worker& worker() noexcept { return worker_; }

 private:
  Truth::Worker worker_;
  const RecallColumn& column_;
  SourceVector vector_;
};

class TruthOfTarget {
 public:
  TruthOfTarget(Truth& truth, const RecallColumn& column) : worker_(truth), column_(column) {}
  void row(const TargetRow& row) {
    if (&row.table != column_.table) return;
    worker_.row([&](size_t c) -> const Value& { return row.values[c]; });
  }
  Truth::Worker& worker() noexcept { return worker_; }

 private:
  Truth::Worker worker_;
  const RecallColumn& column_;
};

class Recalling {
 public:
  Recalling(VerifyContext& context, Verdict& verdict)
      : context_(context),
        options_(*context.options.recall),
        verdict_(verdict),
        column_(recall_column(context.comparison, options_.column)),
        target_spec_(spec(false)),
        source_spec_(spec(true)) {}

  void run(const std::function<void(const char*)>& stage) {
    stage("drawing queries");
    RecallVerdict& out = verdict_.recall.emplace();
    if (options_.queries.empty()) {
      queries_.target = sample_queries(context_, column_, options_.sample);
      queries_.source = queries_.target;
    } else {
      queries_ = read_queries(options_, column_);
    }
    out.column = column_.column().name;
    out.queries_from = queries_.target.from;
    if (queries_.source.from != queries_.target.from)
      out.queries_from =
          fmt::format("source: {}; target: {}", queries_.source.from, queries_.target.from);
    out.k = options_.k, out.least = options_.least;
    open_searches();
    out.metric = metric_word(metric_);
    if (queries_.target.size() != 0) {
      stage("finding exact neighbours");
      find_truths();
      stage("searching");
      ask();
    }
    judge();
  }

 private:
  SearchSpec spec(bool of_source) const {
    const auto name = [&](size_t c) {
      return of_source ? SourceVector::path(*context_.shape, column_, c)
                       : column_.table->columns[c].name;
    };
    SearchSpec out;
    out.table = of_source ? "" : column_.table->name;
    for (const size_t c : column_.key) out.key.push_back(name(c));
    out.vector = name(column_.vector);
    if (!options_.metric.empty()) out.metric = metric_of(options_.metric);
    return out;
  }

  /// The metric is the one asked for, else that of the target's index; the source is searched by
  /// the same.
  void open_searches() {
    JobImpl& job = context_.job;
    target_ = job.open_target_once().search(target_spec_);
    metric_ = target_ ? target_->metric()
                      : target_spec_.metric.value_or(usual_metric(column_.column().type));
    source_spec_.metric = metric_;
    source_ = job.open_source_once().search(source_spec_);
  }

  void find_truths() {
    source_truth_ = std::make_unique<Truth>(queries_.source, column_, metric_, options_.k);
    target_truth_ = std::make_unique<Truth>(queries_.target, column_, metric_, options_.k);
    const std::unique_ptr<RowSnapshot> snapshot = context_.rows->snapshot(context_.connections);
    SourcePass source(context_);
    TargetPass target(context_, *snapshot, true, false);
    std::deque<TruthOfSource> of_source;
    std::deque<TruthOfTarget> of_target;
    for (int i = 0; i < context_.readers; ++i)
      of_source.emplace_back(*source_truth_, *context_.shape, column_);
    for (size_t i = 0; i < snapshot->readers(); ++i)
      of_target.emplace_back(*target_truth_, column_);
    Crew crew(context_.stop);
    for (TruthOfSource& of : of_source) {
      crew.start([&] {
        source.work(of, crew);
        of.worker().end();
      });
    }
    for (size_t i = 0; i < of_target.size(); ++i) {
      crew.start([&, i] {
        target.work(snapshot->reader(i), of_target[i], crew);
        of_target[i].worker().end();
      });
    }
    crew.finish();
    for (TruthOfSource& of : of_source) source_truth_->take(of.worker());
    for (TruthOfTarget& of : of_target) target_truth_->take(of.worker());
    note_counts(verdict_.recall->source, source_truth_->counts());
    note_counts(verdict_.recall->target, target_truth_->counts());
    check_dimensions("source", source_truth_->counts(), queries_.source);
    check_dimensions("target", target_truth_->counts(), queries_.target);
  }

  static void check_dimensions(std::string_view side, const Truth::Counts& counts,
                               const QuerySet& queries) {
    if (counts.vectors == 0 || counts.other_size < counts.vectors) return;
    throw Error(Code::kConfig,
                fmt::format("recall: none of the {} vectors of the {} has the {} dimensions of the "
                            "queries",
                            counts.vectors, side, queries.dimensions),
                "take queries of the model that made the vectors");
  }

  static void note_counts(RecallSide& side, const Truth::Counts& counts) {
    side.vectors = counts.vectors, side.without = counts.without;
    side.other_size = counts.other_size;
  }

  void ask() {
    RecallVerdict& out = *verdict_.recall;
    RecallScore score(out, metric_);
    std::map<std::string, uint64_t> source_ways, target_ways;  // how -> queries
    for (size_t g = 0; g < queries_.target.groups.size(); ++g) {
      const QueryGroup& group = queries_.target.groups[g];
      std::vector<std::vector<Hit>> source = source_truth_->found(g);
      std::vector<std::vector<Hit>> target = target_truth_->found(g);
      uint64_t tested = 0;
      for (size_t q = 0; q < group.ids.size(); ++q) {
        if (context_.stop.requested()) raise(Code::kInterrupted, "stopped while searching");
        SideAnswer of_source{std::move(source[q]), {}}, of_target{std::move(target[q]), {}};
        if (!of_source.exact.empty() || !of_target.exact.empty()) {
          const Floats as_source = queries_.source.query(queries_.source.groups[g], q);
          search(source_.get(), as_source, source_filter(group), of_source);
          search(target_.get(), queries_.target.query(group, q), group.filter, of_target);
        }
        tested += of_source.exact.empty() && of_target.exact.empty() ? 0 : 1;
        score.add(group.ids[q], filter_words(group.filter), of_source, of_target);
      }
      if (tested == 0) continue;
      if (source_) source_ways[source_->how()] += tested;
      if (target_) target_ways[target_->how()] += tested;
    }
    score.end();
    out.source.how = ways_words(source_ways);
    out.target.how = ways_words(target_ways);
  }

  /// How a side searched: with the number of queries where they were not all searched alike.
  static std::string ways_words(const std::map<std::string, uint64_t>& ways) {
    if (ways.size() == 1) return ways.begin()->first;
    std::vector<std::pair<uint64_t, std::string>> most;
    for (const auto& [how, count] : ways) most.emplace_back(count, how);
    std::ranges::sort(most, std::greater{});
    std::string out;
    for (const auto& [count, how] : most)
      out += fmt::format("{}{} {}: {}", out.empty() ? "" : "; ", count,
                         count == 1 ? "query" : "queries", how);
    return out;
  }

  void search(Search* search, Floats query, const SearchFilter& filter, SideAnswer& answer) const {
    if (search != nullptr) {
      answer.hits = search->nearest(query, options_.k, filter);
      return;
    }
    const size_t k = std::min<size_t>(options_.k, answer.exact.size());
    answer.hits.assign(answer.exact.begin(), answer.exact.begin() + static_cast<ptrdiff_t>(k));
  }

  SearchFilter source_filter(const QueryGroup& group) const {
    SearchFilter out;
    for (size_t i = 0; i < group.filter.size(); ++i)
      out.emplace_back(SourceVector::path(*context_.shape, column_, group.columns[i]),
                       group.filter[i].second);
    return out;
  }

  void judge() {
    RecallVerdict& out = *verdict_.recall;
    std::string why;
    if (queries_.target.size() == 0 && options_.queries.empty()) {
      why = fmt::format("no query could be tested: no row of the source has a vector in {}",
                        column_.column().name);
    } else if (out.queries_tested == 0) {
      why = "no query could be tested";
    } else if (out.target.recall < out.least) {
      why = fmt::format("recall@{} of the target is {:.3f}, below {:g}", out.k, out.target.recall,
                        out.least);
    }
    out.good = why.empty();
    if (out.good) return;
    verdict_.equal = false;
    verdict_.reasons.push_back(why);
  }

  VerifyContext& context_;
  const RecallOptions& options_;
  Verdict& verdict_;
  const RecallColumn column_;
  SearchSpec target_spec_, source_spec_;
  BothQueries queries_;
  Metric metric_ = Metric::kCosine;
  std::unique_ptr<Search> source_, target_;
  std::unique_ptr<Truth> source_truth_, target_truth_;
};

}  // namespace

void compare_recall(VerifyContext& context, Verdict& verdict,
                    const std::function<void(const char*)>& stage) {
  Recalling(context, verdict).run(stage);
}

}  // namespace lugger
