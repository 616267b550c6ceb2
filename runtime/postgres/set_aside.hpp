// Unique values that rows exchange are set aside, so that each row finds its new one free.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "postgres/loader.hpp"

namespace lugger {

/// Sets one column of each of these unique indexes to NULL, in the rows that these documents are
/// about to set. False, and nothing is done: one of them has no column that may be
/// NULL and is written, is referred to by a foreign key, or its table has triggers, which would see
/// it.
bool set_unique_values_aside(PgLoad& load, const UnitDocuments& unit,
                             const std::vector<size_t>& documents,
                             const std::set<std::string>& indexes);

}  // namespace lugger
