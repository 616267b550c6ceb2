// Manifests of vectors are kept in the comments of their columns: they follow the column through
// pg_dump, renames and DROP, and everybody who may see the table sees them.
#pragma once
#include <string>
#include <vector>

#include "place/target.hpp"
#include "postgres/catalog.hpp"

namespace lugger {

/// By column; none for a table that is not there.
std::vector<VectorManifest> read_pg_manifests(PgSession& session, const std::string& table);

/// Leaves what comments say otherwise. Only the owner of the table may write it: of another role's
/// table nothing is kept.
void keep_pg_manifests(PgSession& session, const std::string& table,
                       const std::vector<VectorManifest>& manifests);

/// Of a table that is there: vectors and bits of other dimensions than its columns have, or of
/// another type, and manifests that cannot be kept.
void check_vectors(const TablePlan& table, const Mapping& mapping, const PgTable& actual,
                   TargetReport& report);

/// Of a job with vectors: what of its documents a table cannot hold, and what becomes of it.
void tell_losses(const PlanShape& plan, TargetReport& report);

}  // namespace lugger
