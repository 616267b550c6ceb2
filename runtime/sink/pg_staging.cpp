#include "sink/pg_copy_loader.hpp"
#include "sink/pg_merge.hpp"

namespace lugger {
namespace {

std::string stage_ddl(const PgTableLayout& layout, size_t table, std::string_view on_commit) {
  std::string out =
      fmt::format("CREATE TEMPORARY TABLE {} (seq int8, doc int4", stage_table(table));
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
  explicit StagedLoader(PgLoad& load)
      : CopyLoader(load, true),
        policy_(load.plan.mapping().on_conflict),
        sql_(load.tables, policy_, MergeSql::Relations::kTemporary) {}

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
    if (policy_ == OnConflict::kError || load_.tables[0].key.empty()) {
      insert_all(unit, tally);
    } else {
      merge(unit, tally);
    }
  }

 private:
  void make_tables(std::string_view on_commit) {
    for (size_t t = 0; t < load_.tables.size(); ++t)
      load_.session.execute(stage_ddl(load_.tables[t], t, on_commit));
    load_.session.execute(
        fmt::format("CREATE TEMPORARY TABLE {} (doc int4, k text, outcome int2, winner bool, wrote "
                    "bool) ON COMMIT {}",
                    kOutcomeTable, on_commit));
  }

  void truncate() {
    std::string sql = fmt::format("TRUNCATE {}", kOutcomeTable);
    for (size_t t = 0; t < load_.tables.size(); ++t) sql += ", " + stage_table(t);
    load_.session.execute(sql);
  }

  void insert_all(const UnitDocuments& unit, Tally& tally) {
    const RowlessCount rowless = count_rowless(load_, unit, first_document(), last_document());
    tally.inserted += rowless.with_rows + rowless.with_children;
    tally.skipped += rowless.without;
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (rows(t) == 0) continue;
      const uint64_t written = load_.session.query(sql_.insert(t)).affected();
      tally.rows += written;
      if (!load_.tables[t].own) tally.child_rows += written;
    }
  }

  void merge(const UnitDocuments& unit, Tally& tally) {
    PgSession& session = load_.session;
    bool children = false;
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (!load_.tables[t].own) {
        children = true;
      } else if (rows(t) != 0) {
        session.execute(fmt::format("WITH {} INSERT INTO {} {}", sql_.upsert_with(t),
                                    sql_.outcome(), sql_.upsert_outcome(t)));
      }
    }
    if (children) merge_children(tally);
    const RowlessCount rowless = count_rowless(load_, unit, first_document(), last_document());
    tally.inserted += rowless.with_children;
    tally.skipped += rowless.without;
    const PgRows counts = session.query(
        fmt::format("SELECT outcome, count(*), (SELECT count(*) FROM {0} WHERE wrote) FROM"
                    " (SELECT min(outcome) AS outcome FROM {0} GROUP BY doc) d GROUP BY outcome",
                    kOutcomeTable));
    for (size_t i = 0; i < counts.size(); ++i) {
      const uint64_t documents = std::stoull(counts.text(i, 1));
      switch (static_cast<Outcome>(std::stoi(counts.text(i, 0)))) {
        case Outcome::kInserted: tally.inserted += documents; break;
        case Outcome::kUpdated: tally.updated += documents; break;
        case Outcome::kSkipped: tally.skipped += documents; break;
        case Outcome::kUnchanged: tally.unchanged += documents; break;
      }
    }
    if (counts.size() != 0) tally.rows += std::stoull(counts.text(0, 2));
  }

  void merge_children(Tally& tally) {
    PgSession& session = load_.session;
    if (policy_ == OnConflict::kUpdate) {
      for (size_t t = 0; t < load_.tables.size(); ++t) {
        if (load_.tables[t].own) continue;
        session.execute(
            fmt::format("UPDATE {} o SET outcome = 2 FROM ({}) d WHERE o.doc = d.doc AND o.k = d.k "
                        "AND o.winner AND o.outcome = 4",
                        kOutcomeTable, sql_.differing_children(t)));
      }
    }
    if (policy_ != OnConflict::kSkip) {
      // Children of children go first.
      for (size_t t = load_.tables.size(); t-- != 0;) {
        if (!load_.tables[t].own) session.execute(sql_.remove_children(t));
      }
    }
    for (size_t t = 0; t < load_.tables.size(); ++t) {
      if (load_.tables[t].own || rows(t) == 0) continue;
      const uint64_t written = session.query(sql_.insert_children(t)).affected();
      tally.rows += written;
      tally.child_rows += written;
    }
  }

  OnConflict policy_;
  MergeSql sql_;
  bool prepared_ = false;
};

}  // namespace

std::unique_ptr<PgLoader> make_staged_loader(PgLoad& load) {
  return std::make_unique<StagedLoader>(load);
}

}  // namespace lugger
