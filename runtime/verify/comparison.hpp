// How the plan's tables are compared with the target's: which columns, in which form, by which key.
#pragma once
#include <string>
#include <vector>

#include "place/rows.hpp"

namespace lugger {

struct Comparison {
  // A load has not ended: a table may still hold several rows of one key, which its end would
  // settle.
  bool unsettled = false;
  std::vector<ComparedTable> tables;  // all tables of the plan, in its order
  std::vector<ColumnFinding> altered;
  std::vector<std::string> notes;
};

/// `only`: columns to compare besides the key; empty: all. Error{verify} for a table that is
/// missing or may not be read, Error{config} for an unknown column in `only`.
Comparison make_comparison(RowsLook& look, const PlanShape& shape,
                           const std::vector<std::string>& only);

}  // namespace lugger
