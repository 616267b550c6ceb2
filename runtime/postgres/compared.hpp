// How the plan's tables are compared with the database's: which columns, in which form, by which
// key.
#pragma once
#include <string>
#include <vector>

#include "place/compared.hpp"
#include "plan/plan.hpp"
#include "postgres/catalog.hpp"

namespace lugger {

struct Comparison {
  // A table of a load that did not end: rows of one key may stand there that it would settle.
  bool unsettled = false;
  std::vector<ComparedTable> tables;
  std::vector<ColumnFinding> altered;
  std::vector<std::string> notes;
};

/// `only`: names of the columns to compare besides keys; empty: all. Error{verify} for a table that
/// is missing or must not be read, Error{config} for an unknown column in `only`.
Comparison make_comparison(PgSession& session, const PlanShape& shape,
                           const std::vector<std::string>& only);

}  // namespace lugger
