#include <algorithm>
#include <map>

#include "sink/pg_loader.hpp"
#include "sink/pg_merge.hpp"

namespace lugger {
namespace {

/// The text of a PostgreSQL array under construction.
class ArrayText {
 public:
  void null() { next() += "NULL"; }
  void number(int64_t value) { next() += fmt::format("{}", value); }
  void text(std::string_view value) {
    std::string& out = next();
    out += '"';
    for (char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  std::string finish() { return std::move(text_) + "}"; }

 private:
  std::string& next() {
    if (text_.size() > 1) text_ += ',';
    return text_;
  }
  std::string text_ = "{";
};

struct DocumentOutcome {
  int64_t document;
  std::string key;
  Outcome outcome;
  bool winner, wrote;
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
    const RowlessCount rowless = count_rowless(load_, unit, first, last);
    counted_.inserted += rowless.with_children;
    counted_.skipped += rowless.without;
    outcomes_.clear();
    if (policy_ == OnConflict::kError || load_.tables[0].key.empty()) {
      counted_.inserted += rowless.with_rows;
      for (size_t t = 0; t < load_.tables.size(); ++t) insert(t, sql_.insert(t), false);
      return;
    }
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (load_.tables[t].own) upsert(t);
    }
    if (std::any_of(load_.tables.begin(), load_.tables.end(),
                    [](const PgTableLayout& t) { return !t.own; })) {
      merge_children();
    }
    count_outcomes();
  }

 private:
  struct Rows {
    PgParams arrays;  // seq, doc, one a field
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
            arrays[f + 2].text(coerced_text(row[slot], table.columns[slot].type));
          }
        }
      });
      for (ArrayText& array : arrays) rows_[t].arrays.emplace_back(array.finish());
    }
  }

  /// "stage_0 AS (...)" over the parameters it appends.
  std::string stage(size_t t, PgParams& params) const {
    const PgTableLayout& layout = load_.tables[t];
    std::string names = "seq, doc", values = "u.seq, u.doc", arrays;
    size_t number = params.size();
    arrays = fmt::format("${}::int8[], ${}::int4[]", number + 1, number + 2);
    number += 2;
    for (size_t f = 0; f < layout.fields.size(); ++f) {
      const std::string column = stage_column(f);
      names += ", " + column;
      values += fmt::format(", u.{0}::{1} AS {0}", column, layout.fields[f].plan_type);
      arrays += fmt::format(", ${}::text[]", ++number);
    }
    params.insert(params.end(), rows_[t].arrays.begin(), rows_[t].arrays.end());
    return fmt::format("{} AS MATERIALIZED (SELECT {} FROM unnest({}) AS u({}))", sql_.stage(t),
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

  std::string outcome(PgParams& params) const {
    ArrayText documents, keys, outcomes, winners;
    for (const DocumentOutcome& one : outcomes_) {
      documents.number(one.document);
      keys.text(one.key);
      outcomes.number(static_cast<int>(one.outcome));
      winners.text(one.winner ? "t" : "f");
    }
    const size_t n = params.size();
    for (ArrayText* array : {&documents, &keys, &outcomes, &winners})
      params.emplace_back(array->finish());
    return fmt::format(
        "{} AS MATERIALIZED (SELECT * FROM unnest(${}::int4[], ${}::text[], ${}::int2[], "
        "${}::bool[])"
        " AS u(doc, k, outcome, winner))",
        sql_.outcome(), n + 1, n + 2, n + 3, n + 4);
  }

  void insert(size_t t, const std::string& body, bool with_outcome) {
    if (rows_[t].count == 0) return;
    PgParams params;
    std::string with = "WITH " + stage(t, params);
    if (with_outcome) with += ", " + outcome(params);
    const uint64_t written = load_.session.query(with + " " + body, params).affected();
    counted_.rows += written;
    if (!load_.tables[t].own) counted_.child_rows += written;
  }

  void upsert(size_t t) {
    if (rows_[t].count == 0) return;
    PgParams params;
    const std::string stage_sql = stage(t, params);
    const PgRows rows = load_.session.query(
        fmt::format("WITH {}, {} {}", stage_sql, sql_.upsert_with(t), sql_.upsert_outcome(t)),
        params);
    for (size_t i = 0; i < rows.size(); ++i) {
      outcomes_.push_back({std::stoll(rows.text(i, 0)), rows.text(i, 1),
                           static_cast<Outcome>(std::stoi(rows.text(i, 2))), rows.text(i, 3) == "t",
                           rows.text(i, 4) == "t"});
    }
  }

  void merge_children() {
    PgSession& session = load_.session;
    for (size_t t = 0; policy_ == OnConflict::kUpdate && t < load_.tables.size(); ++t) {
      if (load_.tables[t].own) continue;
      PgParams params;
      const std::string with = roots(params) + ", " + stage(t, params);
      mark_updated(session.query("WITH " + with + " " + sql_.differing_children(t), params));
    }
    for (size_t t = load_.tables.size(); policy_ != OnConflict::kSkip && t-- != 0;) {
      if (load_.tables[t].own) continue;
      PgParams params;
      std::string with = roots(params);
      with += ", " + outcome(params);
      session.query("WITH " + with + " " + sql_.remove_children(t), params);
    }
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (!load_.tables[t].own) insert(t, sql_.insert_children(t), true);
    }
  }

  void mark_updated(const PgRows& differing) {
    std::multimap<int64_t, DocumentOutcome*> by_document;
    for (DocumentOutcome& one : outcomes_) by_document.emplace(one.document, &one);
    for (size_t i = 0; i < differing.size(); ++i) {
      const auto [from, to] = by_document.equal_range(std::stoll(differing.text(i, 0)));
      for (auto at = from; at != to; ++at) {
        DocumentOutcome& one = *at->second;
        const bool same = one.key == differing.text(i, 1) && one.winner;
        if (same && one.outcome == Outcome::kUnchanged) one.outcome = Outcome::kUpdated;
      }
    }
  }

  void count_outcomes() {
    std::map<int64_t, Outcome> documents;
    for (const DocumentOutcome& one : outcomes_) {
      const auto [at, fresh] = documents.try_emplace(one.document, one.outcome);
      if (!fresh) at->second = std::min(at->second, one.outcome);
      counted_.rows += one.wrote ? 1 : 0;
    }
    for (const auto& [document, outcome] : documents) {
      switch (outcome) {
        case Outcome::kInserted: ++counted_.inserted; break;
        case Outcome::kUpdated: ++counted_.updated; break;
        case Outcome::kSkipped: ++counted_.skipped; break;
        case Outcome::kUnchanged: ++counted_.unchanged; break;
      }
    }
  }

  OnConflict policy_;
  MergeSql sql_;
  std::vector<Rows> rows_;
  std::vector<DocumentOutcome> outcomes_;
  Tally counted_;
};

}  // namespace

std::unique_ptr<PgLoader> make_statement_loader(PgLoad& load) {
  return std::make_unique<StatementLoader>(load);
}

}  // namespace lugger
