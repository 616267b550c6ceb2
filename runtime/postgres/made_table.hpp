// What a table that lugger makes gets beside its columns: partitions, and columns for text search.
#pragma once
#include <string>
#include <vector>

#include "base/options.hpp"
#include "place/target.hpp"
#include "postgres/catalog.hpp"

namespace lugger {

/// Of the documents' own tables. Children stay whole.
struct MadeTable {
  std::string partition_by;         // a column; empty: no partitions
  int partitions = 0;               // by hash, where no values are named
  std::vector<std::string> values;  // a partition for each, and one for all others
  std::vector<std::string> texts;   // columns that get a tsvector beside them
  std::string text_config;          // "english"
};

/// From the options of a target.
MadeTable made_table_of(const Options& options);

/// Completes CREATE TABLE of an own table by what else makes it, in order.
std::vector<std::string> made_table_statements(const MadeTable& made, const TablePlan& table,
                                               std::string create);

/// What cannot be made, or differs from the table that stands (nullptr: there is none).
void check_made_table(PgSession& session, const MadeTable& made, const TablePlan& table,
                      const PgTable* actual, TargetReport& report);

}  // namespace lugger
