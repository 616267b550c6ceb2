#include <algorithm>

#include "postgres/array_text.hpp"
#include "postgres/copy_loader.hpp"
#include "postgres/merge.hpp"
#include "postgres/unit_keys.hpp"

namespace lugger {
namespace {

constexpr uint64_t kManyOutcomes = 200;

std::string stage_ddl(const PgTableLayout& layout, size_t table, std::string_view on_commit) {
  std::string out = fmt::format(
      "CREATE TEMPORARY TABLE {} (seq int8, doc int4, turn int4 DEFAULT 1", stage_table(table));
  for (size_t f = 0; f < layout.fields.size(); ++f) {
    const bool key = std::find(layout.key.begin(), layout.key.end(), f) != layout.key.end();
    // A key that is NULL would never conflict, and never be found again.
    out += fmt::format(", {} {}{}", stage_column(f), layout.fields[f].plan_type,
                       key ? " NOT NULL" : "");
  }
  return out + fmt::format(") ON COMMIT {}", on_commit);
}

std::string outcome_ddl(std::string_view unless, std::string_view on_commit) {
  return fmt::format(
      "CREATE TEMPORARY TABLE {}{} (turn int4, doc int4, k text[], outcome int2, wrote bool, "
      "others bool, gone bool) ON COMMIT {};",
      unless, kOutcomeTable, on_commit);
}

class StagedLoader : public CopyLoader {
 public:
  StagedLoader(PgLoad& load, std::function<void()> choose)
      : CopyLoader(load, true),
        policy_(load.plan.mapping().on_conflict),
        sql_(load.tables, policy_, MergeSql::Relations::kTemporary),
        choose_(std::move(choose)) {
    for (size_t t = 0; t < load.tables.size() && load.tables[t].own; ++t)
      keys_.emplace_back(load.tables[t], load.plan.tables()[t]);
    tells_ = choose_ || (tells_outcomes(load) && !counts_itself());
  }

  /// Through a pooler the next transaction may be another server process.
  void prepare() override {
    if (lasting_ || load_.pooled) return;
    make_tables("DELETE ROWS");
    lasting_ = true;
  }

  void start(bool again) override {
    if (again) {
      truncate();
    } else if (!lasting_) {
      make_tables("DROP");
    }
    CopyLoader::start(again);
    for (UnitKeys& keys : keys_) keys.clear();
  }

  void write(const UnitDocuments& unit, size_t first, size_t last) override {
    CopyLoader::write(unit, first, last);
    for (size_t t = 0; t < keys_.size(); ++t)
      unit.each_row(t, first, last, [&](const Value* row, size_t) { keys_[t].add(row); });
  }

  void finish(const UnitDocuments& unit, Tally& tally) override {
    finish_copies();
    if (choose_) {
      choose_();
      merge({chosen(), 0, 0}, unit, tally);
      return;
    }
    const OwnRows own = count_own_rows(load_, unit, first_document(), last_document());
    tally.skipped += own.without;
    if (tells_outcomes(load_)) {
      merge(own, unit, tally);
    } else {
      insert_all(own.with, tally);
    }
  }

  void release() override {
    if (lasting_) return;
    std::string tables = tells_ || has_outcomes_ ? std::string(kOutcomeTable) : "";
    for (size_t t = 0; t < load_.tables.size(); ++t)
      tables += (tables.empty() ? "" : ", ") + stage_table(t);
    load_.session.execute("DROP TABLE " + tables);
    has_outcomes_ = false;
  }

 private:
  void make_tables(std::string_view on_commit) {
    std::string sql = tells_ ? outcome_ddl("", on_commit) : "";
    for (size_t t = 0; t < load_.tables.size(); ++t)
      sql += stage_ddl(load_.tables[t], t, on_commit) + ";";
    load_.session.execute(sql);
  }

  void truncate() {
    std::string sql = tells_ ? fmt::format("{}", kOutcomeTable) : "";
    for (size_t t = 0; t < load_.tables.size(); ++t)
      sql += (sql.empty() ? "" : ", ") + stage_table(t);
    load_.session.execute("TRUNCATE " + sql);
  }

  /// For the few units of which counting is not enough after all. It goes with their transaction,
  /// or is empty from an earlier try in it.
  void make_outcomes() {
    if (tells_) return;
    load_.session.execute(outcome_ddl("IF NOT EXISTS ", "DROP") +
                          fmt::format("TRUNCATE {}", kOutcomeTable));
    has_outcomes_ = true;
  }

  void insert_all(uint64_t documents, Tally& tally) {
    uint64_t kept_out = 0;
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (rows(t) == 0) continue;
      const uint64_t written = load_.session.query(sql_.insert(t)).affected();
      tally.rows += written;
      if (!load_.tables[t].own) tally.child_rows += written;
      kept_out += rows(t) - std::min(rows(t), written);
    }
    count_insert(documents, kept_out, tally);
  }

  /// Documents that choose_() left, or told something of.
  uint64_t chosen() {
    std::string staged = fmt::format("SELECT doc FROM {}", kOutcomeTable);
    for (size_t t = 0; t < keys_.size(); ++t)
      staged += fmt::format(" UNION SELECT doc FROM {}", sql_.stage(t));
    return std::stoull(
        load_.session.query(fmt::format("SELECT pg_catalog.count(*) FROM ({}) d", staged))
            .text(0, 0));
  }

  /// Of documents of which nothing is told, the rows stood as they come.
  void merge(const OwnRows& own, const UnitDocuments& unit, Tally& tally) {
    int turns = 1;
    for (size_t t = 0; t < keys_.size(); ++t) {
      if (rows(t) != 0) turns = std::max(turns, take_turns(t));
    }
    const bool one_each = turns == 1 && one_row_each(own.with + own.elsewhere);
    if (one_each && !tells_ && counts_itself() && own.elsewhere == 0)
      return merge_and_count(own.with, tally);
    make_outcomes();
    for (int turn = 1; turn <= turns; ++turn) merge_turn(turn, one_each, tally);
    // A NULL outcome is that of the documents that other rows count.
    const PgRows counts = load_.session.query(fmt::format(
        "SELECT outcome, pg_catalog.count(*), (SELECT pg_catalog.count(*) FROM {0} WHERE wrote) "
        "FROM (SELECT {1} AS outcome FROM {0} GROUP BY doc) d GROUP BY outcome",
        kOutcomeTable, own.elsewhere == 0 ? "pg_catalog.min(outcome)" : outcome_if_here(unit)));
    uint64_t told = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
      if (!counts[i][0]) continue;
      const uint64_t count = std::stoull(counts.text(i, 1));
      count_outcome(static_cast<Outcome>(std::stoi(counts.text(i, 0))), count, tally);
      told += count;
    }
    if (counts.size() != 0) tally.rows += std::stoull(counts.text(0, 2));
    count_outcome(Outcome::kUnchanged, own.with - told, tally);
  }

  std::string outcome_if_here(const UnitDocuments& unit) const {
    ArrayText elsewhere;
    for (size_t i = first_document(); i < last_document(); ++i) {
      if (unit.counted_elsewhere(i)) elsewhere.number(static_cast<int64_t>(i));
    }
    return fmt::format(
        "CASE WHEN doc NOT IN (SELECT unnest('{}'::int4[])) THEN pg_catalog.min(outcome) END",
        elsewhere.finish());
  }

  /// No child tables, and the server gives back exactly what it writes: where documents have one
  /// row each, counting is all that is left to do.
  bool counts_itself() const {
    if (keys_.size() != load_.tables.size()) return false;
    for (size_t t = 0; t < keys_.size(); ++t) {
      if (!sql_.counts_itself(t)) return false;
    }
    return true;
  }

  bool one_row_each(uint64_t documents) const {
    uint64_t all = 0;
    for (size_t t = 0; t < keys_.size(); ++t) all += rows(t);
    return all == documents;
  }

  void merge_and_count(uint64_t documents, Tally& tally) {
    uint64_t written = 0;
    for (size_t t = 0; t < keys_.size(); ++t) {
      if (rows(t) == 0) continue;
      const PgRows counts = load_.session.query(fmt::format(
          "WITH {} {}", sql_.upsert_with(t, 1, keys_[t].ascend()), sql_.upsert_counts()));
      const uint64_t inserted = std::stoull(counts.text(0, 0)),
                     all = std::stoull(counts.text(0, 1));
      count_outcome(Outcome::kInserted, inserted, tally);
      count_outcome(Outcome::kUpdated, all - inserted, tally);
      written += all;
    }
    tally.rows += written;
    count_outcome(Outcome::kUnchanged, documents - written, tally);
  }

  /// The number of turns that rows of one key need.
  int take_turns(size_t table) {
    PgSession& session = load_.session;
    if (policy_ == OnConflict::kError || keys_[table].differ()) return 1;
    const int most = number_or(session.query(sql_.most_of_a_key(table)), 1);
    if (most <= 1) return 1;
    // What comes after the first writes nothing, so that it may come at once.
    const bool two = policy_ == OnConflict::kSkip && !load_.tables[table].guarded;
    session.execute(fmt::format("UPDATE {} s SET turn = {} FROM ({}) k WHERE k.seq = s.seq",
                                stage_table(table), two ? "2" : "k.turn", sql_.turns(table)));
    std::string index = fmt::format("CREATE INDEX IF NOT EXISTS lugger_turn_{} ON {} (turn)", table,
                                    stage_table(table));
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (load_.tables[t].own) continue;
      index +=
          fmt::format("; CREATE INDEX IF NOT EXISTS lugger_doc_{} ON {} (doc)", t, stage_table(t));
    }
    make_outcomes();
    index += fmt::format("; CREATE INDEX IF NOT EXISTS lugger_outcome_turn ON {} (turn, doc)",
                         kOutcomeTable);
    session.execute(index);
    return two ? 2 : most;
  }

  void merge_turn(int turn, bool one_each, Tally& tally) {
    bool children = false;
    uint64_t told = 0;
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (!load_.tables[t].own) {
        children = true;
      } else if (rows(t) != 0) {
        told += load_.session
                    .query(fmt::format("WITH {} INSERT INTO {} {}",
                                       sql_.upsert_with(t, turn, keys_[t].ascend()), sql_.outcome(),
                                       sql_.upsert_outcome(t, turn)))
                    .affected();
        if (load_.tables[t].guarded) make_sure(t, turn);
      }
    }
    if (!children) return;
    if (one_each && all_updated(told)) return set_all_children(tally);
    count_outcomes(told);
    told += mark_children(turn, told);
    if (told != 0) replace_children(turn, tally);
  }

  /// Is every document counted as updated, so that its child rows need not be looked at to tell?
  bool all_updated(uint64_t told) const {
    if (choose_ || keys_.size() != 1 || told != last_document() - first_document() ||
        !sql_.counts_itself(0))
      return false;
    for (size_t t = 1; t < load_.tables.size(); ++t) {
      if (!load_.tables[t].in_place || load_.tables[t].distributed) return false;
    }
    return load_.session
               .query(fmt::format("SELECT FROM {} WHERE outcome <> {} LIMIT 1", kOutcomeTable,
                                  static_cast<int>(Outcome::kUpdated)))
               .size() == 0;
  }

  void set_all_children(Tally& tally) {
    for (size_t t = load_.tables.size(); t-- != 1;)
      query_children(load_.session, load_.tables[t], sql_.remove_missing_children(t));
    for (size_t t = 1; t < load_.tables.size(); ++t) {
      if (rows(t) == 0) continue;
      const uint64_t written = load_.session.query(sql_.set_all_children(t)).affected();
      tally.rows += written;
      tally.child_rows += written;
    }
  }

  /// Without statistics the server takes the outcomes of a turn for one row, and looks at every
  /// staged row for each of them. Few need none; a key that comes a thousand times is a thousand
  /// turns.
  void count_outcomes(uint64_t changed) {
    if (changed >= kManyOutcomes)
      load_.session.execute(fmt::format("ANALYZE {} (turn, outcome)", kOutcomeTable));
  }

  void make_sure(size_t t, int turn) {
    const std::string unsure =
        fmt::format("turn = {} AND outcome = {}", turn, static_cast<int>(Outcome::kUnsure));
    PgSession& session = load_.session;
    if (session.query(fmt::format("SELECT FROM {} WHERE {} LIMIT 1", kOutcomeTable, unsure))
            .size() == 0)
      return;
    const PgRows taken = rehearse(session, "WITH " + sql_.rehearse(t, turn));
    ArrayText documents, keys;
    for (size_t i = 0; i < taken.size(); ++i) {
      documents.number(std::stoll(taken.text(i, 0)));
      keys.text(taken.text(i, 1));
    }
    session.query(fmt::format("UPDATE {} SET outcome = CASE WHEN (doc, k::text) IN (SELECT * FROM "
                              "unnest($1::int4[], $2::text[])) THEN {} ELSE 0 END WHERE {}",
                              kOutcomeTable, static_cast<int>(of_taken(policy_)), unsure),
                  {documents.finish(), keys.finish()});
    session.execute(fmt::format("DELETE FROM {} WHERE outcome = {}", kOutcomeTable,
                                static_cast<int>(Outcome::kUnchanged)));
  }

  /// Finds the documents whose child rows differ; how many there are. `told`: outcomes of the turn.
  uint64_t mark_children(int turn, uint64_t told) {
    if (policy_ == OnConflict::kError) return 0;
    uint64_t marked = 0;
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (load_.tables[t].own) continue;
      const bool first = told + marked == 0;
      const uint64_t others =
          query_children(load_.session, load_.tables[t],
                         sql_.mark_children(t, turn, of_other_children(policy_), first))
              .affected();
      if (others != 0 && !first) load_.session.execute(sql_.settle_marks(turn));
      count_outcomes(others);
      marked += others;
    }
    return marked;
  }

  void replace_children(int turn, Tally& tally) {
    PgSession& session = load_.session;
    const PgRows of = session.query(
        fmt::format("SELECT pg_catalog.bool_or(outcome = 1), pg_catalog.bool_or(others), "
                    "pg_catalog.bool_or(gone) FROM {} WHERE turn = {}",
                    kOutcomeTable, turn));
    const bool inserted = of.text(0, 0) == "t", others = of.text(0, 1) == "t";
    const bool gone = of.text(0, 2) == "t";
    // Children of children go first.
    for (size_t t = load_.tables.size(); others && t-- != 0;) {
      if (!load_.tables[t].own && (gone || !load_.tables[t].in_place))
        query_children(session, load_.tables[t], sql_.remove_children(t, turn));
    }
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      const PgTableLayout& child = load_.tables[t];
      if (child.own || rows(t) == 0) continue;
      uint64_t written = 0;
      if (others && child.in_place) written += session.query(sql_.set_children(t, turn)).affected();
      if (inserted || (others && !child.in_place)) written += insert_children(t, turn);
      tally.rows += written;
      tally.child_rows += written;
    }
  }

  uint64_t insert_children(size_t t, int turn) {
    PgSession& session = load_.session;
    if (!load_.tables[t].guarded) return session.query(sql_.insert_children(t, turn)).affected();
    return std::stoull(
        session
            .query(fmt::format(
                "WITH {}, c AS ({}), u AS (UPDATE {} o SET outcome = 0 FROM c WHERE NOT c.taken "
                "AND o.doc = c.doc AND o.k = c.k AND o.turn = {}) SELECT pg_catalog.count(*) FROM "
                "i",
                sql_.children_with(t, turn), sql_.children_taken(t, turn), kOutcomeTable, turn))
            .text(0, 0));
  }

  OnConflict policy_;
  MergeSql sql_;
  std::function<void()> choose_;
  std::vector<UnitKeys> keys_;  // one an own table
  bool tells_ = false;          // every unit's outcomes, row by row
  bool has_outcomes_ = false;   // made for the unit alone
  bool lasting_ = false;        // its tables are the session's, not one transaction's
};

}  // namespace

std::unique_ptr<PgLoader> make_staged_loader(PgLoad& load, std::function<void()> choose) {
  return std::make_unique<StagedLoader>(load, std::move(choose));
}

}  // namespace lugger
