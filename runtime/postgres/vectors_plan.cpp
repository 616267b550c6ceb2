#include "postgres/vectors_plan.hpp"

#include <algorithm>

#include "plan/vectors_type.hpp"
#include "postgres/toml_index.hpp"
#include "postgres/vectors_types.hpp"

namespace lugger {
namespace {

void tell_type(const std::string& column, const ColumnType& type, const VectorsTypes& known,
               const std::string& oid, bool pgvector, TargetReport& report) {
  const VectorsType* const found = known.of(oid);
  if (found == nullptr) return;
  if (!of_vectors(type)) {
    std::string text = fmt::format(
        "{}: by the search_path of this role {} is {} of PGVecto.rs, not pgvector's: write {}{}",
        column, type.sql, found->name, found->name,
        type.length == 0 ? "" : fmt::format("({})", type.length));
    if (pgvector) {
      report.problems.push_back(text + ", or the schema of pgvector before the type");
    } else {
      report.warnings.push_back(std::move(text));
    }
  } else if (is_quantised(type)) {
    report.warnings.push_back(fmt::format(
        "{}: {} rounds each vector to 256 levels between its least and its greatest element; "
        "verify compares with what the server makes of it",
        column, type.sql));
  } else if (found->writes == VectorsWire::kText) {
    report.warnings.push_back(fmt::format(
        "{}: PGVecto.rs {} has no binary form of {}: vectors go over the wire as text, which is "
        "exact and slower",
        column, known.version(), type.sql));
  }
}

void check_index(PgSession& session, const IndexMapping& index, TargetReport& report) {
  if (is_toml_index(index.method)) {
    const bool there =
        session.query("SELECT FROM pg_catalog.pg_am WHERE amname = $1", {index.method}).size() != 0;
    if (there) return;
    report.problems.push_back(fmt::format(
        "{}: the database has no such method; {}", index.method,
        index.method == "vectors"
            ? "run CREATE EXTENSION vectors (PGVecto.rs, in shared_preload_libraries)"
            : "run CREATE EXTENSION vchord CASCADE (VectorChord, in shared_preload_libraries)"));
  } else if (index.method == "hnsw" || index.method == "ivfflat") {
    const std::string mode = session
                                 .query(
                                     "SELECT coalesce(pg_catalog.current_setting("
                                     "'vectors.pgvector_compatibility', true), 'off')")
                                 .text(0, 0);
    if (mode != "on") return;
    report.problems.push_back(fmt::format(
        "vectors.pgvector_compatibility is on for this role: every index by {} would become one of "
        "PGVecto.rs, also of pgvector's columns; ALTER ROLE ... RESET "
        "vectors.pgvector_compatibility, and method = 'vectors' for its own",
        index.method));
  }
}

}  // namespace

void tell_vectors(PgSession& session, const PlanShape& plan, TypeOids& types,
                  TargetReport& report) {
  std::optional<VectorsTypes> known;
  for (const TablePlan& table : plan.tables()) {
    for (const Column& column : table.columns) {
      if (!may_be_vectors(column.type.kind)) continue;
      if (!known) known.emplace(session);
      tell_type(table.name + "." + column.name, column.type, *known, types.of(column.type.sql),
                known->has_pgvector(), report);
    }
  }
  for (const IndexMapping& index : plan.mapping().indexes) check_index(session, index, report);
}

std::string missing_type_hint(const ColumnType& type) {
  if (is_quantised(type)) return "; it is of PGVecto.rs 0.3 alone: take vectors.vecf16";
  if (of_vectors(type))
    return "; run CREATE EXTENSION vectors (PGVecto.rs 0.3 or newer, in shared_preload_libraries), "
           "or take pgvector's vector, halfvec, sparsevec or bit";
  const Kind kind = type.is_array() ? type.element : type.kind;
  const bool vectors = kind == Kind::kVector || kind == Kind::kHalfvec || kind == Kind::kSparsevec;
  return vectors ? "; run CREATE EXTENSION vector (package postgresql-NN-pgvector)"
                 : "; create it first";
}

}  // namespace lugger
