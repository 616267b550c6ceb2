#include "postgres/settle.hpp"

#include <algorithm>

#include "postgres/ddl.hpp"
#include "postgres/redo.hpp"
#include "postgres/state.hpp"

namespace lugger {
namespace {

constexpr size_t kNamedKeys = 5;

std::string doubled(size_t table) { return fmt::format("pg_temp.lugger_doubled_{}", table); }
constexpr std::string_view kChosen = "pg_temp.lugger_chosen";  // documents of a piece
constexpr std::string_view kFound = "pg_temp.lugger_found";    // rows given again, by piece

[[noreturn]] void refuse_duplicates(PgSession& session, const TablePlan& table,
                                    const std::string& keys) {
  const PgRows rows = session.query(fmt::format(
      "SELECT pg_catalog.concat_ws(', ', {0}), pg_catalog.count(*) FROM {1} GROUP BY {0} "
      "HAVING pg_catalog.count(*) > 1 ORDER BY 2 DESC, 1 LIMIT {2}",
      keys, PgSession::quote_table(table.name), kNamedKeys));
  std::string named;
  for (size_t i = 0; i < rows.size(); ++i) {
    named += fmt::format("{}{} ({} times)", i == 0 ? "" : ", ", rows.text(i, 0), rows.text(i, 1));
  }
  throw Error(Code::kConflict,
              fmt::format("{}: more than one document has the key {}", table.name, named),
              "set on_conflict = \"skip\" to keep the first, \"update\" to keep the last, "
              "\"newer\" to keep the newest, "
              "and run it again: the rows are loaded, only the key is missing");
}

/// Calls `part(i)` for each column of a key, and joins the results.
template <typename Part>
std::string each(size_t count, std::string_view between, Part&& part) {
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) out += between;
    out += part(i);
  }
  return out;
}

class Settling {
 public:
  Settling(PgSession& session, const PlanShape& plan, const FinishWork& work,
           const std::string& schema, Tally& tally)
      : session_(session),
        plan_(plan),
        work_(work),
        schema_(schema),
        tally_(tally),
        load_{session, plan, make_layout(session, plan), false},
        loader_(make_staged_loader(load_, [this] { choose(); })) {}

  std::vector<SettledTable> run(const std::vector<std::string>& keys) {
    // The planner overestimates conditions over a unit's rows; JIT compilation would take longer
    // than the query.
    session_.execute(
        "SELECT pg_catalog.set_config(name, 'off', true) FROM pg_settings WHERE name = 'jit'");
    find_keys();
    if (settled_.empty()) return {};
    if (!work_.again) {
      throw Error(
          Code::kConflict,
          fmt::format("{}: several documents have the same key, and their order is not known: "
                      "the source cannot be read a second time",
                      doubled_tables()),
          "begin again with --restart: such a source is loaded by staging then");
    }
    take_out();
    for (const std::string& sql : keys) session_.execute(sql);
    load_.tables = make_layout(session_, plan_);  // now with the keys
    session_.execute(fmt::format(
        "CREATE TEMPORARY TABLE {} (doc int4) ON COMMIT DROP; CREATE TEMPORARY TABLE {} "
        "(own int8, children int8) ON COMMIT DROP",
        kChosen, kFound));
    loader_->prepare();
    work_.again([this](Batch& batch) { merge(batch); });
    check_found();
    count();
    drop_staging();
    return std::move(settled_);
  }

 private:
  size_t own_tables() const { return plan_.own_tables(); }

  /// Column i of an own table's key in the staging row `s`, as it will be stored.
  static std::string staged_key(const PgTableLayout& layout, size_t i) {
    const size_t field = layout.key[i];
    return fmt::format("s.{}{}", stage_column(field), layout.fields[field].compare_cast);
  }
  static std::string stands_twice(const PgTableLayout& layout, size_t table) {
    return fmt::format("EXISTS (SELECT FROM {} d WHERE {})", doubled(table),
                       each(layout.key.size(), " AND ", [&](size_t i) {
                         return fmt::format("d.k{} = {}", i, staged_key(layout, i));
                       }));
  }

  std::string doubled_tables() const {
    return each(settled_.size(), ", ", [&](size_t i) { return settled_[i].name; });
  }

  void find_keys() {
    for (size_t t = 0; t < own_tables(); ++t) {
      const PgTableLayout& layout = load_.tables[t];
      const auto name = [&](size_t i) { return layout.fields[layout.key[i]].name; };
      const std::string list = each(layout.key.size(), ", ", name);
      session_.execute(fmt::format(
          "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} GROUP BY {} HAVING "
          "pg_catalog.count(*) > 1",
          doubled(t),
          each(layout.key.size(), ", ",
               [&](size_t i) { return fmt::format("{} AS k{}", name(i), i); }),
          layout.table, list));
      session_.execute("ANALYZE " + doubled(t));
      const uint64_t here =
          std::stoull(session_.query("SELECT pg_catalog.count(*) FROM " + doubled(t)).text(0, 0));
      if (here != 0 && plan_.mapping().on_conflict == OnConflict::kError)
        refuse_duplicates(session_, plan_.tables()[t], list);
      if (here != 0) settled_.push_back({plan_.tables()[t].name, 0});
    }
  }

  void take_out() {
    for (size_t t = load_.tables.size(); t-- != 0;) {
      const PgTableLayout& layout = load_.tables[t];
      for (size_t own = 0; own < own_tables(); ++own) {
        if (layout.own && own != t) continue;
        const std::vector<size_t>& fields = layout.own ? layout.key : layout.root_key;
        const std::string same = each(fields.size(), " AND ", [&](size_t i) {
          const PgTableLayout& root = load_.tables[own];
          return fmt::format("x.{}{} = d.k{}{}", layout.fields[fields[i]].name,
                             layout.fields[fields[i]].root_cast, i,
                             root.fields[root.key[i]].collate);
        });
        const uint64_t taken = session_
                                   .query(fmt::format("DELETE FROM {} x USING {} d WHERE {}",
                                                      layout.table, doubled(own), same))
                                   .affected();
        (layout.own ? own_out_ : children_out_) += taken;
        for (SettledTable& table : settled_) {
          if (layout.own && table.name == plan_.tables()[t].name) table.rows += taken;
        }
      }
    }
  }

  void merge(Batch& batch) {
    unit_.add(batch);
    // A document refused now was also refused by the load, and is among the rejects. Otherwise rows
    // would be missing in the end.
    load_in_pieces(load_, *loader_, unit_, merged_, [](size_t, const Error&) {});
    unit_.clear();
  }

  /// Keeps the staged rows of the duplicate keys, and of those only rows of documents that were
  /// loaded.
  void choose() {
    std::string all = fmt::format("TRUNCATE {}", kChosen);
    for (size_t t = 0; t < own_tables(); ++t) {
      all += fmt::format("; INSERT INTO {} SELECT DISTINCT s.doc FROM {} s WHERE {}", kChosen,
                         stage_table(t), stands_twice(load_.tables[t], t));
    }
    session_.execute(all);
    for (size_t t = 0; t < own_tables(); ++t) leave_refused(t);
    for (size_t t = 0; t < own_tables(); ++t) choose_own(t);
    for (size_t t = own_tables(); t < load_.tables.size(); ++t) choose_children(t);
    // In the savepoint of the piece, so that a rollback also removes these numbers.
    session_.execute(fmt::format("INSERT INTO {} VALUES ({}, {})", kFound, rows_in(0, own_tables()),
                                 rows_in(own_tables(), load_.tables.size())));
  }

  /// A document with another row whose key is not in the table: the server refused the document.
  void leave_refused(size_t t) {
    const PgTableLayout& layout = load_.tables[t];
    const auto name = [&](size_t i) { return layout.fields[layout.key[i]].name; };
    const auto staged = [&](size_t i) { return staged_key(layout, i); };
    const size_t size = layout.key.size();
    // Citus cannot join rows of shards when it changes a local table, so they are fetched first.
    const std::string fetched = fmt::format(
        "WITH stored AS MATERIALIZED (SELECT {0} FROM {1} WHERE ({0}) IN (SELECT {2} FROM {3} s)) ",
        each(size, ", ", name), layout.table, each(size, ", ", staged), stage_table(t));
    session_.execute(fmt::format(
        "{}DELETE FROM {} c WHERE EXISTS (SELECT FROM {} s WHERE s.doc = c.doc AND NOT {} AND NOT "
        "EXISTS (SELECT FROM {} x WHERE {}))",
        layout.distributed ? fetched : "", kChosen, stage_table(t), stands_twice(layout, t),
        layout.distributed ? "stored" : layout.table, each(size, " AND ", [&](size_t i) {
          return fmt::format("x.{} = {}", name(i), staged(i));
        })));
  }

  /// A document that also has a row with another key was inserted, and stays.
  void choose_own(size_t t) {
    const std::string twice = stands_twice(load_.tables[t], t);
    const std::string chosen = fmt::format("s.doc IN (SELECT doc FROM {})", kChosen);
    session_.execute(fmt::format(
        "INSERT INTO {} (turn, doc, k, outcome, wrote, others, gone) SELECT DISTINCT 0, s.doc, "
        "'{{}}'::text[], {}, false, false, false FROM {} s WHERE {} AND "
        "NOT {}",
        kOutcomeTable, static_cast<int>(Outcome::kInserted), stage_table(t), chosen, twice));
    session_.execute(
        fmt::format("DELETE FROM {} s WHERE NOT ({} AND {})", stage_table(t), chosen, twice));
  }

  void choose_children(size_t t) {
    const MergeSql sql(load_.tables, plan_.mapping().on_conflict, MergeSql::Relations::kTemporary);
    std::string orphan;
    for (size_t own = 0; own < own_tables(); ++own) {
      orphan += fmt::format("{}NOT EXISTS (SELECT FROM {} p WHERE {})", own == 0 ? "" : " AND ",
                            stage_table(own), sql.of_root(load_.tables[t]));
    }
    session_.execute(fmt::format("DELETE FROM {} s WHERE {}", stage_table(t), orphan));
  }

  static std::string rows_in(size_t first, size_t last) {
    std::string out = "0";
    for (size_t t = first; t < last; ++t)
      out += fmt::format(" + (SELECT pg_catalog.count(*) FROM {})", stage_table(t));
    return out;
  }

  void check_found() {
    const PgRows rows = session_.query(fmt::format(
        "SELECT coalesce(pg_catalog.sum(own), 0), coalesce(pg_catalog.sum(children), 0) FROM {}",
        kFound));
    const uint64_t own = std::stoull(rows.text(0, 0)), children = std::stoull(rows.text(0, 1));
    if (own == own_out_ && children == children_out_) return;
    throw Error(
        Code::kConflict,
        fmt::format(
            "{}: {} rows have keys that stand more than once (child rows: {}); read a second "
            "time, the source gave {} (child rows: {})",
            doubled_tables(), own_out_, children_out_, own, children),
        "the source changed meanwhile, or what the hook makes of it, or somebody else wrote to the "
        "table: begin again with --restart");
  }

  /// Behind a pooler, the session is used by others afterwards.
  void drop_staging() {
    std::string sql = fmt::format("DROP TABLE {}", kOutcomeTable);
    for (size_t t = 0; t < load_.tables.size(); ++t) sql += ", " + stage_table(t);
    session_.execute(sql);
  }

  /// All of them were counted as inserted during the COPY.
  void count() {
    const Tally before = tally_;
    const uint64_t documents = merged_.inserted + merged_.updated + merged_.skipped +
                               merged_.unchanged + merged_.suppressed;
    tally_.inserted -= documents;
    tally_.rows -= own_out_ + children_out_;
    tally_.child_rows -= children_out_;
    tally_ += merged_;
    correct_books(session_, schema_, work_.run, before, tally_);
  }

  PgSession& session_;
  const PlanShape& plan_;
  const FinishWork& work_;
  const std::string& schema_;
  Tally& tally_;
  PgLoad load_;
  std::unique_ptr<PgLoader> loader_;
  UnitDocuments unit_;
  Tally merged_;
  std::vector<SettledTable> settled_;
  uint64_t own_out_ = 0, children_out_ = 0;  // rows taken out
};

}  // namespace

std::vector<SettledTable> settle_duplicates(PgSession& session, const PlanShape& plan,
                                            const FinishWork& work, const std::string& state_schema,
                                            const std::vector<std::string>& keys, Tally& tally) {
  const Tally before = tally;
  session.begin();
  try {
    std::vector<SettledTable> settled =
        Settling(session, plan, work, state_schema, tally).run(keys);
    session.commit();
    return settled;
  } catch (...) {
    session.rollback();
    tally = before;
    throw;
  }
}

}  // namespace lugger
