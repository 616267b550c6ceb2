// What a plan says of columns and indexes of vectors before anything is loaded.
#pragma once
#include <string>

#include "place/target.hpp"
#include "plan/plan.hpp"
#include "postgres/catalog.hpp"

namespace lugger {

/// Types that the search_path leads to another extension than the mapping means, losses, and
/// indexes that the database could not make.
void tell_vectors(PgSession& session, const PlanShape& plan, TypeOids& types, TargetReport& report);

/// "; run CREATE EXTENSION vector ...": what to do about a type that the database does not have.
std::string missing_type_hint(const ColumnType& type);

}  // namespace lugger
