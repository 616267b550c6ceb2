#include "postgres/manifest.hpp"

#include <algorithm>

#include "plan/vectors_type.hpp"
#include "postgres/vectors_types.hpp"

namespace lugger {
namespace {

constexpr std::string_view kComments =
    "SELECT a.attname, coalesce(pg_catalog.col_description(a.attrelid, a.attnum), ''), "
    "pg_catalog.pg_has_role(c.relowner, 'USAGE') FROM pg_catalog.pg_attribute a "
    "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
    "WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped "
    "ORDER BY a.attnum";

PgRows comments(PgSession& session, const std::string& table) {
  return session.query(std::string(kComments), {PgSession::quote_table(table)});
}

std::string comment_with_manifest(const std::string& table, const VectorManifest& manifest,
                                  const std::string& comment = {}) {
  return fmt::format("COMMENT ON COLUMN {}.{} IS {}", PgSession::quote_table(table),
                     PgSession::quote_name(manifest.column),
                     PgSession::quote_literal(with_manifest(comment, manifest_json(manifest))));
}

bool has_dimensions(Kind kind) noexcept {
  return kind == Kind::kVector || kind == Kind::kHalfvec || kind == Kind::kSparsevec;
}

}  // namespace

std::vector<VectorManifest> read_pg_manifests(PgSession& session, const std::string& table) {
  std::vector<VectorManifest> out;
  const PgRows rows = comments(session, table);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string json = manifest_of_comment(rows.text(i, 1));
    if (json.empty()) continue;
    try {
      out.push_back(manifest_from_json(json, rows.text(i, 0)));
    } catch (Error& error) {
      error.note("comment of", table + "." + rows.text(i, 0));
      error.with_hint("mend the comment, or take it away: COMMENT ON COLUMN");
      throw;
    }
  }
  return out;
}

void tell_losses(const PlanShape& plan, TargetReport& report) {
  const std::vector<Column>& columns = plan.tables()[0].columns;
  if (std::ranges::none_of(columns,
                           [](const Column& one) { return has_dimensions(one.type.kind); }))
    return;
  std::string texts;
  for (const Column& column : columns) {
    const Kind kind = column.type.kind;
    const bool text = kind == Kind::kText || kind == Kind::kVarchar || kind == Kind::kJson ||
                      kind == Kind::kJsonb;
    if (text && column.policy.nul == JsonPolicy::Text::kReject)
      texts += (texts.empty() ? "" : ", ") + column.name;
  }
  if (texts.empty()) return;
  report.warnings.push_back(fmt::format(
      "PostgreSQL holds no NUL in text: documents with one in {} become rejects; nul = 'strip' or "
      "'replace' of the column keeps them",
      texts));
}

void keep_pg_manifests(PgSession& session, const std::string& table,
                       const std::vector<VectorManifest>& manifests) {
  const PgRows rows = comments(session, table);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto one = std::ranges::find(manifests, rows.text(i, 0), &VectorManifest::column);
    if (one == manifests.end() || rows.text(i, 2) != "t") continue;
    const std::string& stands = rows.text(i, 1);
    if (manifest_of_comment(stands) == manifest_json(*one)) continue;
    session.execute(comment_with_manifest(table, *one, stands));
  }
}

void check_vectors(const TablePlan& table, const Mapping& mapping, const PgTable& actual,
                   TargetReport& report) {
  for (const Column& column : table.columns) {
    const PgColumn* stored = actual.column(column.name);
    if (stored == nullptr || !may_be_vectors(column.type.kind)) continue;
    const ColumnType there = parse_column_type(stored->type);
    const bool loose = of_vectors(there) || of_vectors(column.type);
    if (loose && there.length != 0 && column.type.length == 0)
      report.problems.push_back(fmt::format(
          "{}.{} is {} in the database, which does not hold vectors against it: write the "
          "dimensions into the mapping, {}, and others are refused",
          table.name, column.name, stored->type, there.sql));
    if ((!loose && !has_dimensions(column.type.kind)) || column.type.length == 0) continue;
    if ((!loose && !has_dimensions(there.kind)) || there.length == 0 ||
        there.length == column.type.length)
      continue;
    report.problems.push_back(
        fmt::format("{}.{} is {} in the database, and {} in the mapping: no vector would fit; take "
                    "a column of its own for vectors of {} dimensions",
                    table.name, column.name, stored->type, column.type.sql, column.type.length));
  }
  if (actual.owned) return;
  for (const VectorManifest& one : mapping.manifests)
    report.warnings.push_back(fmt::format(
        "the manifest of {}.{} is not kept, since this role does not own the table; its owner can "
        "run: {}",
        table.name, one.column, comment_with_manifest(table.name, one)));
}

}  // namespace lugger
