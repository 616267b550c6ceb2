#include <algorithm>

#include "postgres/array_text.hpp"
#include "postgres/copy_loader.hpp"
#include "postgres/merge.hpp"

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

class StagedLoader : public CopyLoader {
 public:
  StagedLoader(PgLoad& load, std::function<void()> choose)
      : CopyLoader(load, true),
        policy_(load.plan.mapping().on_conflict),
        sql_(load.tables, policy_, MergeSql::Relations::kTemporary),
        choose_(std::move(choose)) {}

  void prepare() override {
    if (prepared_ || load_.pooled) return;
    make_tables("DELETE ROWS");
    prepared_ = true;
  }

  void start(bool again) override {
    if (again) {
      truncate();
    } else if (load_.pooled) {
      make_tables("DROP");  // the next transaction may be another server process
    }
    CopyLoader::start(again);
  }

  void finish(const UnitDocuments& unit, Tally& tally) override {
    finish_copies();
    if (choose_) {
      choose_();
      merge(tally);
      return;
    }
    const OwnRows own = count_own_rows(load_, unit, first_document(), last_document());
    tally.skipped += own.without;
    if (tells_outcomes(load_)) {
      merge(tally);
    } else {
      insert_all(own.with, tally);
    }
  }

 private:
  void make_tables(std::string_view on_commit) {
    for (size_t t = 0; t < load_.tables.size(); ++t)
      load_.session.execute(stage_ddl(load_.tables[t], t, on_commit));
    load_.session.execute(
        fmt::format("CREATE TEMPORARY TABLE {} (turn int4, doc int4, k text[], outcome int2, wrote "
                    "bool) ON COMMIT {}",
                    kOutcomeTable, on_commit));
  }

  void truncate() {
    std::string sql = fmt::format("TRUNCATE {}", kOutcomeTable);
    for (size_t t = 0; t < load_.tables.size(); ++t) sql += ", " + stage_table(t);
    load_.session.execute(sql);
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

  void merge(Tally& tally) {
    int turns = 1;
    for (size_t t = 0; t < load_.tables.size() && load_.tables[t].own; ++t) {
      if (rows(t) != 0) turns = std::max(turns, take_turns(t));
    }
    for (int turn = 1; turn <= turns; ++turn) merge_turn(turn, tally);
    const PgRows counts = load_.session.query(fmt::format(
        "SELECT outcome, pg_catalog.count(*), (SELECT pg_catalog.count(*) FROM {0} WHERE wrote) "
        "FROM"
        " (SELECT pg_catalog.min(outcome) AS outcome FROM {0} GROUP BY doc) d GROUP BY outcome",
        kOutcomeTable));
    for (size_t i = 0; i < counts.size(); ++i) {
      count_outcome(static_cast<Outcome>(std::stoi(counts.text(i, 0))),
                    std::stoull(counts.text(i, 1)), tally);
    }
    if (counts.size() != 0) tally.rows += std::stoull(counts.text(0, 2));
  }

  /// The number of turns that rows of one key need.
  int take_turns(size_t table) {
    PgSession& session = load_.session;
    if (policy_ == OnConflict::kError) return 1;
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
    index += fmt::format("; CREATE INDEX IF NOT EXISTS lugger_outcome_turn ON {} (turn, doc)",
                         kOutcomeTable);
    session.execute(index);
    return two ? 2 : most;
  }

  void merge_turn(int turn, Tally& tally) {
    bool children = false;
    uint64_t told = 0;
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (!load_.tables[t].own) {
        children = true;
      } else if (rows(t) != 0) {
        told += load_.session
                    .query(fmt::format("WITH {} INSERT INTO {} {}", sql_.upsert_with(t, turn),
                                       sql_.outcome(), sql_.upsert_outcome(t, turn)))
                    .affected();
        if (load_.tables[t].guarded) make_sure(t, turn);
      }
    }
    if (!children) return;
    count_outcomes(told);
    merge_children(turn, tally);
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
  }

  void merge_children(int turn, Tally& tally) {
    PgSession& session = load_.session;
    if (policy_ != OnConflict::kError) {
      for (size_t t = 0; t < load_.tables.size(); ++t) {
        if (load_.tables[t].own) continue;
        const PgRows others = query_children(
            session, load_.tables[t],
            fmt::format("UPDATE {} o SET outcome = {} FROM ({}) d WHERE o.doc = d.doc AND o.k = "
                        "d.k AND o.turn = {} AND o.outcome = 4",
                        kOutcomeTable, static_cast<int>(of_other_children(policy_)),
                        sql_.differing_children(t, turn), turn));
        count_outcomes(others.affected());
      }
    }
    if (policy_ == OnConflict::kUpdate || policy_ == OnConflict::kNewer) {
      // Children of children go first.
      for (size_t t = load_.tables.size(); t-- != 0;) {
        if (!load_.tables[t].own)
          query_children(session, load_.tables[t], sql_.remove_children(t, turn));
      }
    }
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (load_.tables[t].own || rows(t) == 0) continue;
      const uint64_t written = insert_children(t, turn);
      tally.rows += written;
      tally.child_rows += written;
    }
  }

  uint64_t insert_children(size_t t, int turn) {
    if (!load_.tables[t].guarded)
      return load_.session.query(sql_.insert_children(t, turn)).affected();
    return std::stoull(
        load_.session
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
  bool prepared_ = false;
};

}  // namespace

std::unique_ptr<PgLoader> make_staged_loader(PgLoad& load, std::function<void()> choose) {
  return std::make_unique<StagedLoader>(load, std::move(choose));
}

}  // namespace lugger
