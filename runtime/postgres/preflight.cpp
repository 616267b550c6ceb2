#include "postgres/preflight.hpp"

#include <algorithm>

#include "postgres/ddl.hpp"
#include "postgres/layout.hpp"
#include "postgres/long_keys.hpp"

namespace lugger {
namespace {

constexpr int kExamples = 5;

std::string quoted_list(const std::vector<std::string>& names, std::string_view prefix = "") {
  std::string out;
  for (const std::string& name : names)
    out += fmt::format("{}{}{}", out.empty() ? "" : ", ", prefix, PgSession::quote_name(name));
  return out;
}

class Preflight {
 public:
  Preflight(PgSession& session, const PlanShape& shape) : session_(session), shape_(shape) {}

  std::vector<Refused> run(const std::vector<StageStep>& steps) {
    session_.begin();
    try {
      session_.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
      for (const TablePlan& table : shape_.tables()) long_key(table);
      for (const StageStep& step : steps) count(step);
      session_.commit();
    } catch (...) {
      session_.rollback();
      throw;
    }
    return std::move(found_);
  }

 private:
  void count(const StageStep& step) {
    switch (step.kind) {
      case StepKind::kNotNull: not_null(step); break;
      case StepKind::kCheck:
        rows(step, "check", "", fmt::format("({}) IS FALSE", step.expression));
        break;
      case StepKind::kUnique: unique(step, quoted_list(step.columns)); break;
      case StepKind::kForeign: foreign(step); break;
      case StepKind::kIndex: index(step); break;
      case StepKind::kOther:
        uncounted(step, "constraint", "what it would refuse cannot be counted beforehand");
        break;
    }
  }

  void uncounted(const StageStep& step, std::string kind, std::string message) {
    Refused& refused = found_.emplace_back();
    refused.table = step.table;
    refused.constraint = step.name;
    refused.kind = std::move(kind);
    refused.message = std::move(message);
  }

  /// SQL text that identifies a row for the user: the plan's key, else the primary key, else the
  /// ctid.
  std::string row_name(const std::string& table) {
    std::vector<std::string> key;
    for (const TablePlan& plan : shape_.tables()) {
      if (plan.name == table) key = key_names(plan);
    }
    if (key.empty()) key = primary_key(table);
    if (key.empty()) return "t.ctid::text";
    return fmt::format("pg_catalog.concat_ws(', ', {})", quoted_list(key, "t."));
  }

  std::vector<std::string> primary_key(const std::string& table) {
    const PgRows rows = session_.query(
        "SELECT a.attname FROM pg_index i CROSS JOIN LATERAL pg_catalog.unnest(i.indkey) WITH "
        "ORDINALITY AS "
        "k(n, p)"
        " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n"
        " WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indisprimary ORDER BY k.p",
        {PgSession::quote_table(table)});
    std::vector<std::string> out;
    for (size_t i = 0; i < rows.size(); ++i) out.push_back(rows.text(i, 0));
    return out;
  }

  void rows(const StageStep& step, std::string kind, std::string column,
            const std::string& condition) {
    const std::string from =
        fmt::format("FROM {} t WHERE {}", PgSession::quote_table(step.table), condition);
    add(step, std::move(kind), std::move(column), "SELECT pg_catalog.count(*) " + from,
        fmt::format("SELECT {} {} LIMIT {}", row_name(step.table), from, kExamples));
  }

  void add(const StageStep& step, std::string kind, std::string column, const std::string& count,
           const std::string& examples) {
    const uint64_t number = std::stoull(session_.query(count).text(0, 0));
    if (number == 0) return;
    Refused& refused = found_.emplace_back();
    refused.table = step.table;
    refused.column = std::move(column);
    refused.constraint = step.name;
    refused.kind = std::move(kind);
    refused.rows = number;
    const PgRows rows = session_.query(examples);
    for (size_t i = 0; i < rows.size(); ++i) refused.examples.push_back(rows.text(i, 0));
  }

  /// Checks all columns in one pass.
  void not_null(const StageStep& step) {
    std::string counts;
    for (const std::string& column : step.columns)
      counts += fmt::format("{}pg_catalog.count(*) FILTER (WHERE {} IS NULL)",
                            counts.empty() ? "" : ", ", PgSession::quote_name(column));
    const PgRows counted = session_.query(
        fmt::format("SELECT {} FROM {}", counts, PgSession::quote_table(step.table)));
    for (size_t i = 0; i < step.columns.size(); ++i) {
      if (counted.text(0, i) != "0")
        rows(step, "not null", step.columns[i],
             "t." + PgSession::quote_name(step.columns[i]) + " IS NULL");
    }
  }

  /// `parts`: SQL of the expressions that must be unique.
  void unique(const StageStep& step, const std::string& parts) {
    std::string where = step.where.empty() ? "" : "(" + step.where + ")";
    if (!step.nulls_not_distinct)
      where += fmt::format("{}pg_catalog.num_nulls({}) = 0", where.empty() ? "" : " AND ", parts);
    const std::string groups = fmt::format(
        "SELECT pg_catalog.concat_ws(', ', {0}) AS v, pg_catalog.count(*) AS n FROM {1} t{2} GROUP "
        "BY {0} HAVING "
        "pg_catalog.count(*) > 1",
        parts, PgSession::quote_table(step.table), where.empty() ? "" : " WHERE " + where);
    std::string columns;
    for (const std::string& column : step.columns)
      columns += (columns.empty() ? "" : ", ") + column;
    add(step, "unique", columns,
        fmt::format("SELECT coalesce(pg_catalog.sum(n - 1), 0) FROM ({}) g", groups),
        fmt::format("SELECT pg_catalog.format('%s (%s times)', v, n) FROM ({}) g ORDER BY n DESC, "
                    "v LIMIT {}",
                    groups, kExamples));
  }

  void foreign(const StageStep& step) {
    const std::vector<std::string> referenced =
        step.referenced.empty() ? primary_key(step.references) : step.referenced;
    if (referenced.size() != step.columns.size()) {
      uncounted(step, "foreign key",
                fmt::format("{} has no key of {} columns to reference", step.references,
                            step.columns.size()));
      return;
    }
    std::string present, equal, columns;
    for (size_t i = 0; i < referenced.size(); ++i) {
      const std::string own = "t." + PgSession::quote_name(step.columns[i]);
      present += fmt::format("{}{} IS NOT NULL", i == 0 ? "" : " AND ", own);
      equal += fmt::format("{}r.{} = {}", i == 0 ? "" : " AND ",
                           PgSession::quote_name(referenced[i]), own);
      columns += (i == 0 ? "" : ", ") + step.columns[i];
    }
    rows(step, "foreign key", columns,
         fmt::format("{} AND NOT EXISTS (SELECT FROM {} r WHERE {})", present,
                     PgSession::quote_table(step.references), equal));
  }

  /// Rows that a unique index would refuse, and text that may be too long for a btree.
  void index(const StageStep& step) {
    std::string parts;
    for (const std::string& column : step.columns) {
      std::string part = without_direction(column);
      if (!part.starts_with("(")) {
        if (step.method == "btree") long_text(step, part);
        part = PgSession::quote_name(part);
      }
      parts += (parts.empty() ? "" : ", ") + part;
    }
    if (step.unique) unique(step, parts);
  }

  void long_text(const StageStep& step, const std::string& column) {
    const PgRows type = session_.query(
        "SELECT t.typcategory = 'S' FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
        " WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2",
        {PgSession::quote_table(step.table), column});
    if (type.size() == 0 || type.text(0, 0) != "t") return;
    too_long(step, {column}, step.where.empty() ? "" : " AND (" + step.where + ")");
  }

  /// Checks a key that must still be built on existing rows.
  void long_key(const TablePlan& table) {
    if (table.key.empty()) return;
    const std::optional<PgTable> found = inspect_table(session_, table.name);
    if (!found || found->comment != kUnfinishedComment) return;
    StageStep step;
    step.table = table.name;
    step.name = "key";
    too_long(step, key_names(table), "");
  }

  void too_long(const StageStep& step, const std::vector<std::string>& columns,
                const std::string& more) {
    std::vector<std::string> quoted;
    for (const std::string& column : columns) quoted.push_back(PgSession::quote_name(column));
    const size_t before = found_.size();
    rows(step, "too long", fmt::format("{}", fmt::join(columns, ", ")), is_too_long(quoted) + more);
    if (found_.size() > before)
      found_.back().message = "a btree takes 2,704 bytes: index its md5, or use method = 'hash'";
  }

  PgSession& session_;
  const PlanShape& shape_;
  std::vector<Refused> found_;
};

}  // namespace

std::vector<Refused> preflight_pg(PgSession& session, const PlanShape& shape,
                                  const std::vector<StageStep>& steps) {
  return Preflight(session, shape).run(steps);
}

}  // namespace lugger
