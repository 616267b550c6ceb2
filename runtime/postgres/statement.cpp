#include <algorithm>
#include <map>

#include "postgres/array_text.hpp"
#include "postgres/loader.hpp"
#include "postgres/merge.hpp"
#include "postgres/vectors_types.hpp"

namespace lugger {
namespace {

struct DocumentOutcome {
  int64_t document;
  std::string key;
  Outcome outcome;
  bool wrote;
  bool others = false;  // its child rows differ and are replaced
  bool gone = false;    // some of those stored do not come again
};

/// Rows travel as one text array a column, so that a statement's text is the same for every batch.
/// What staging tables are to the staged loader, common table expressions over these parameters are
/// here.
class StatementLoader : public PgLoader {
 public:
  explicit StatementLoader(PgLoad& load)
      : PgLoader(load),
        policy_(load.plan.mapping().on_conflict),
        sql_(load.tables, policy_, MergeSql::Relations::kExpressions) {}

  void start(bool) override { counted_ = {}; }
  void abort() noexcept override { counted_ = {}; }
  size_t guilty(const UnitDocuments& unit, const Error&) const override { return unit.size(); }

  void finish(const UnitDocuments&, Tally& tally) override {
    tally += counted_;
    counted_ = {};
  }

  void write(const UnitDocuments& unit, size_t first, size_t last) override {
    collect(unit, first, last);
    const OwnRows own = count_own_rows(load_, unit, first, last);
    counted_.skipped += own.without;
    if (!tells_outcomes(load_)) return insert_all(own.with);
    documents_.clear();
    int turns = 1;
    for (size_t t = 0; t < load_.tables.size() && load_.tables[t].own; ++t)
      turns = std::max(turns, take_turns(t));
    for (int turn = 1; turn <= turns; ++turn) merge(turn);
    for (const auto& [document, outcome] : documents_) {
      if (!unit.counted_elsewhere(static_cast<size_t>(document)))
        count_outcome(outcome, 1, counted_);
    }
  }

 private:
  struct Rows {
    PgParams arrays;         // seq, doc, one a field
    std::vector<int> turns;  // empty: all rows take the first
    size_t count = 0;
  };

  void collect(const UnitDocuments& unit, size_t first, size_t last) {
    rows_.assign(load_.tables.size(), {});
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      const PgTableLayout& layout = load_.tables[t];
      const TablePlan& table = load_.plan.tables()[t];
      std::vector<ArrayText> arrays(layout.fields.size() + 2);
      unit.each_row(t, first, last, [&](const Value* row, size_t number) {
        arrays[0].number(static_cast<int64_t>(++rows_[t].count));
        arrays[1].number(static_cast<int64_t>(number));
        for (size_t f = 0; f < layout.fields.size(); ++f) {
          const size_t slot = layout.fields[f].slot;
          if (row[slot].absent()) {
            arrays[f + 2].null();
          } else {
            arrays[f + 2].text(input_text(row[slot], table.columns[slot].type));
          }
        }
      });
      for (ArrayText& array : arrays) rows_[t].arrays.emplace_back(array.finish());
    }
  }

  /// "stage_0 AS (...)" over the parameters it appends. Not materialized: so the server knows how
  /// many rows there are, and that all are of this turn where there is but one. It takes a set of
  /// unknown size for one row, and then looks at all rows for each.
  std::string stage(size_t t, PgParams& params) const {
    const PgTableLayout& layout = load_.tables[t];
    const bool one_turn = rows_[t].turns.empty();
    std::string names = "turn, seq, doc", arrays;
    std::string values = one_turn ? "u.seq, u.doc, 1 AS turn" : "u.seq, u.doc, u.turn";
    size_t number = params.size();
    arrays =
        fmt::format("${}::int4[], ${}::int8[], ${}::int4[]", number + 1, number + 2, number + 3);
    number += 3;
    ArrayText turns;
    for (const int turn : rows_[t].turns) turns.number(turn);
    params.emplace_back(turns.finish());
    for (size_t f = 0; f < layout.fields.size(); ++f) {
      const std::string column = stage_column(f);
      names += ", " + column;
      values += fmt::format(", u.{0}::{1} AS {0}", column, layout.fields[f].plan_type);
      arrays += fmt::format(", ${}::text[]", ++number);
    }
    params.insert(params.end(), rows_[t].arrays.begin(), rows_[t].arrays.end());
    return fmt::format("{} AS NOT MATERIALIZED (SELECT {} FROM unnest({}) AS u({}))", sql_.stage(t),
                       values, arrays, names);
  }

  std::string roots(PgParams& params) const {
    std::string out;
    for (size_t t = 0; t < load_.tables.size() && load_.tables[t].own; ++t) {
      if (t != 0) out += ", ";
      out += stage(t, params);
    }
    return out;
  }

  std::string outcome(int turn, PgParams& params) const {
    ArrayText documents, keys, outcomes, others, gone;
    for (const DocumentOutcome& one : outcomes_) {
      documents.number(one.document);
      keys.text(one.key);
      outcomes.number(static_cast<int>(one.outcome));
      others.number(one.others ? 1 : 0);
      gone.number(one.gone ? 1 : 0);
    }
    const size_t n = params.size();
    for (ArrayText* array : {&documents, &keys, &outcomes, &others, &gone})
      params.emplace_back(array->finish());
    return fmt::format(
        "{} AS NOT MATERIALIZED (SELECT {} AS turn, u.doc, u.k::text[] AS k, u.outcome, "
        "u.others::bool AS others, u.gone::bool AS gone FROM unnest(${}::int4[], ${}::text[], "
        "${}::int2[], ${}::int4[], ${}::int4[]) AS u(doc, k, outcome, others, gone))",
        sql_.outcome(), turn, n + 1, n + 2, n + 3, n + 4, n + 5);
  }

  void insert_all(uint64_t documents) {
    uint64_t kept_out = 0;
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (rows_[t].count == 0) continue;
      PgParams params;
      const std::string with = "WITH " + stage(t, params) + " ";
      const uint64_t written = load_.session.query(with + sql_.insert(t), params).affected();
      count_rows(t, written);
      kept_out += rows_[t].count - std::min<uint64_t>(rows_[t].count, written);
    }
    count_insert(documents, kept_out, counted_);
  }

  void count_rows(size_t t, uint64_t written) {
    counted_.rows += written;
    if (!load_.tables[t].own) counted_.child_rows += written;
  }

  /// The number of turns that rows of one key need.
  int take_turns(size_t t) {
    if (policy_ == OnConflict::kError || rows_[t].count < 2) return 1;
    PgParams params;
    const std::string with = "WITH " + stage(t, params) + " ";
    const PgRows later = load_.session.query(with + sql_.turns(t), params);
    int turns = 1;
    if (later.size() != 0) rows_[t].turns.assign(rows_[t].count, 1);
    for (size_t i = 0; i < later.size(); ++i) {
      int& turn = rows_[t].turns[std::stoull(later.text(i, 0)) - 1];
      turn = std::stoi(later.text(i, 1));
      turns = std::max(turns, turn);
    }
    return turns;
  }

  void merge(int turn) {
    outcomes_.clear();
    bool children = false;
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (load_.tables[t].own) {
        upsert(t, turn);
      } else {
        children = true;
      }
    }
    make_sure(turn);
    if (children) merge_children(turn);
    for (const DocumentOutcome& one : outcomes_) {
      const auto [at, fresh] = documents_.try_emplace(one.document, one.outcome);
      if (!fresh) at->second = std::min(at->second, one.outcome);
      counted_.rows += one.wrote ? 1 : 0;
    }
  }

  void upsert(size_t t, int turn) {
    if (rows_[t].count == 0) return;
    PgParams params;
    const std::string stage_sql = stage(t, params);
    const PgRows rows =
        load_.session.query(fmt::format("WITH {}, {} {}", stage_sql, sql_.upsert_with(t, turn),
                                        sql_.upsert_outcome(t, turn)),
                            params);
    for (size_t i = 0; i < rows.size(); ++i) {
      outcomes_.push_back({std::stoll(rows.text(i, 1)), rows.text(i, 2),
                           static_cast<Outcome>(std::stoi(rows.text(i, 3))),
                           rows.text(i, 4) == "t"});
    }
  }

  void make_sure(int turn) {
    const auto unsure = [](const DocumentOutcome& one) { return one.outcome == Outcome::kUnsure; };
    for (size_t t = 0; t < load_.tables.size() && load_.tables[t].own; ++t) {
      if (rows_[t].count == 0 || std::none_of(outcomes_.begin(), outcomes_.end(), unsure)) continue;
      PgParams params;
      std::string with = "WITH " + stage(t, params);
      with += ", " + outcome(turn, params);
      mark(rehearse(load_.session, with + ", " + sql_.rehearse(t, turn), params), Outcome::kUnsure,
           of_taken(policy_));
    }
    for (DocumentOutcome& one : outcomes_) {
      if (unsure(one)) one.outcome = Outcome::kSuppressed;
    }
  }

  void merge_children(int turn) {
    PgSession& session = load_.session;
    for (size_t t = 0; policy_ != OnConflict::kError && t < load_.tables.size(); ++t) {
      if (load_.tables[t].own) continue;
      PgParams params;
      const std::string with = "WITH " + roots(params) + ", " + stage(t, params) + " ";
      replace_children(query_children(session, load_.tables[t],
                                      with + sql_.differing_children(t, turn), params));
    }
    const bool replaces = policy_ == OnConflict::kUpdate || policy_ == OnConflict::kNewer;
    for (size_t t = load_.tables.size(); replaces && t-- != 0;) {
      if (load_.tables[t].own) continue;
      PgParams params;
      std::string with = "WITH " + roots(params);
      with += ", " + outcome(turn, params);
      query_children(session, load_.tables[t], with + " " + sql_.remove_children(t, turn), params);
    }
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (!load_.tables[t].own && rows_[t].count != 0) insert_children(t, turn);
    }
  }

  void insert_children(size_t t, int turn) {
    PgParams params;
    std::string with = "WITH " + stage(t, params);
    with += ", " + outcome(turn, params);
    if (!load_.tables[t].guarded) {
      for (const std::string& sql : {load_.tables[t].in_place ? sql_.set_children(t, turn) : "",
                                     sql_.insert_children(t, turn)}) {
        if (!sql.empty()) count_rows(t, load_.session.query(with + " " + sql, params).affected());
      }
      return;
    }
    const PgRows rows = load_.session.query(
        fmt::format(
            "{}, {}, c AS ({}) SELECT doc, k::text FROM c WHERE NOT taken UNION ALL SELECT NULL, "
            "pg_catalog.count(*)::text FROM i",
            with, sql_.children_with(t, turn), sql_.children_taken(t, turn)),
        params);
    count_rows(t, std::stoull(rows.text(rows.size() - 1, 1)));
    mark(rows, std::nullopt, Outcome::kSuppressed);
  }

  /// Documents and keys whose child rows are not as stored.
  void replace_children(const PgRows& rows) {
    each_told(rows, [&](DocumentOutcome& one, size_t row) {
      if (one.outcome == Outcome::kUnchanged) one.outcome = of_other_children(policy_);
      one.others = one.others || one.outcome == Outcome::kUpdated;
      one.gone = one.gone || rows.text(row, 2) == "t";
    });
  }

  /// Documents and keys whose outcome turns out to be another; `from`: only those.
  void mark(const PgRows& rows, std::optional<Outcome> from, Outcome to) {
    each_told(rows, [&](DocumentOutcome& one, size_t) {
      if (one.outcome == from.value_or(one.outcome)) one.outcome = to;
    });
  }

  /// Calls use(outcome, row) for each row's document and key.
  template <typename Use>
  void each_told(const PgRows& rows, Use&& use) {
    std::multimap<int64_t, DocumentOutcome*> by_document;
    for (DocumentOutcome& one : outcomes_) by_document.emplace(one.document, &one);
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!rows[i][0]) continue;
      const auto [first, last] = by_document.equal_range(std::stoll(rows.text(i, 0)));
      for (auto at = first; at != last; ++at) {
        if (at->second->key == rows.text(i, 1)) use(*at->second, i);
      }
    }
  }

  OnConflict policy_;
  MergeSql sql_;
  std::vector<Rows> rows_;
  std::vector<DocumentOutcome> outcomes_;  // of the turn under way
  std::map<int64_t, Outcome> documents_;   // of the batch
  Tally counted_;
};

}  // namespace

std::unique_ptr<PgLoader> make_statement_loader(PgLoad& load) {
  return std::make_unique<StatementLoader>(load);
}

}  // namespace lugger
