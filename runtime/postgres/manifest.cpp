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

/// Of a type whose dimensions count, as the server or the mapping spells it; of vector(3)[] that of
/// an element. Any other is text here.
ColumnType measured_type(std::string_view type) {
  constexpr std::string_view kMeasured[] = {"vector",  "halfvec", "sparsevec", "vecf16",
                                            "svector", "bvector", "veci8",     "bit varying",
                                            "varbit",  "bit"};
  if (type.ends_with("[]")) type.remove_suffix(2);
  std::string_view name = type.substr(0, type.find('('));
  name = name.substr(name.rfind('.') + 1);
  return std::ranges::find(kMeasured, name) == std::end(kMeasured) ? ColumnType{}
                                                                   : parse_column_type(type);
}

/// Can no value of the one length be one of the other? 0: any length.
bool never_fits(const ColumnType& written, const ColumnType& stored) noexcept {
  if (written.length == 0 || stored.length == 0) return false;
  const bool bits = written.kind == Kind::kBit || written.kind == Kind::kVarbit;
  if (!bits) return has_dimensions(stored.kind) && written.length != stored.length;
  if (written.kind != Kind::kBit) return false;
  if (stored.kind == Kind::kVarbit) return written.length > stored.length;
  return stored.kind == Kind::kBit && written.length != stored.length;
}

/// Types that are no vectors, of which the server makes some.
bool may_be_cast(const ColumnType& type) noexcept {
  const Kind kind = type.is_array() ? type.element : type.kind;
  const bool number = kind >= Kind::kInt2 && kind <= Kind::kNumeric;
  return type.is_array() ? number : kind == Kind::kText || kind == Kind::kVarchar;
}

/// What becomes of elements that the server casts to another type of pgvector.
std::string_view lost_by_cast(Kind from, Kind to) noexcept {
  if (to == Kind::kHalfvec)
    return "each element is rounded to half precision, and beyond 65504 the row is a reject";
  if (to == Kind::kSparsevec) return "zeros are left out, -0 among them";
  return from == Kind::kHalfvec ? "each element has half precision only" : "";
}

void check_stored_vectors(const std::string& table, const Column& column, const PgColumn& stored,
                          TargetReport& report) {
  const ColumnType written = measured_type(column.type.sql), there = measured_type(stored.type);
  const bool bits = written.kind == Kind::kBit || written.kind == Kind::kVarbit;
  const bool cast = written.kind == Kind::kText && may_be_cast(column.type);
  if (there.kind == Kind::kText || (written.kind == Kind::kText && !cast)) return;
  if (never_fits(written, there)) {
    report.problems.push_back(fmt::format(
        "{}.{} is {} in the database, and {} in the mapping: no {} would fit; take a column of its "
        "own for {} of {}",
        table, column.name, stored.type, column.type.sql, bits ? "value" : "vector",
        bits ? "bits" : "vectors",
        bits ? fmt::format("length {}", written.length)
             : fmt::format("{} dimensions", written.length)));
    return;
  }
  if (there.length != 0 && written.length == 0 && there.kind != Kind::kVarbit) {
    report.warnings.push_back(fmt::format(
        "{}.{} is {} in the database, and {} in the mapping: values of another length become "
        "rejects; write {} in the mapping",
        table, column.name, stored.type, column.type.sql, stored.type));
    return;
  }
  if (bits || cast || written.kind == there.kind || !has_dimensions(there.kind)) return;
  const std::string_view lost = lost_by_cast(written.kind, there.kind);
  report.warnings.push_back(
      fmt::format("{}.{} is {} in the database, and {} in the mapping, which the server casts{}{}; "
                  "with {} in the mapping lugger writes it itself",
                  table, column.name, stored.type, column.type.sql, lost.empty() ? "" : ": ", lost,
                  stored.type));
}

/// PGVecto.rs writes vectors of any length into a column, and refuses them in its index.
void check_loose_vectors(const std::string& table, const Column& column, const ColumnType& there,
                         TargetReport& report) {
  if (!may_be_vectors(column.type.kind) || there.length == column.type.length) return;
  if (there.length != 0 && column.type.length == 0) {
    report.problems.push_back(fmt::format(
        "{}.{} is {} in the database, which does not hold vectors against it: write the "
        "dimensions into the mapping, {}, and others are refused",
        table, column.name, there.sql, there.sql));
  } else if (there.length != 0) {
    report.problems.push_back(
        fmt::format("{}.{} is {} in the database, and {} in the mapping: no vector would fit; take "
                    "a column of its own for vectors of {} dimensions",
                    table, column.name, there.sql, column.type.sql, column.type.length));
  }
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
    if (stored == nullptr) continue;
    if (stored->type.starts_with("vectors.") || of_vectors(column.type)) {
      check_loose_vectors(table.name, column, measured_type(stored->type), report);
    } else {
      check_stored_vectors(table.name, column, *stored, report);
    }
  }
  if (actual.owned) return;
  for (const VectorManifest& one : mapping.manifests)
    report.warnings.push_back(fmt::format(
        "the manifest of {}.{} is not kept, since this role does not own the table; its owner can "
        "run: {}",
        table.name, one.column, comment_with_manifest(table.name, one)));
}

}  // namespace lugger
