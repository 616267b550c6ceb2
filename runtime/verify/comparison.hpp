// How the plan's tables are compared with the target's: which columns, in which form, by which key.
#pragma once
#include <string>
#include <vector>

#include "place/rows.hpp"

namespace lugger {

struct Comparison {
  // A table of a load that did not end: rows of one key may stand there that it would settle.
  bool unsettled = false;
  std::vector<ComparedTable> tables;  // all of the plan's, in its order
  std::vector<ColumnFinding> altered;
  std::vector<std::string> notes;
};

/// `only`: names of the columns to compare besides keys; empty: all. Error{verify} for a table that
/// is missing or must not be read, Error{config} for an unknown column in `only`.
Comparison make_comparison(RowsLook& look, const PlanShape& shape,
                           const std::vector<std::string>& only);

}  // namespace lugger
