// Rows of the ledger as records.
#pragma once
#include <string>

#include "place/state.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// A count that may be NULL.
uint64_t number_at(const PgRows& rows, size_t row, size_t column);

/// The counts of {schema}.partitions p, each within `form`, "{}" or "sum({})", as tally_at reads
/// them.
std::string tally_columns(std::string_view form);
Tally tally_at(const PgRows& rows, size_t row, size_t column);

/// Of {schema}.partitions p, as partition_at reads them.
std::string partition_columns();
PartitionRecord partition_at(const PgRows& rows, size_t row);

/// The books of a whole run; `schema` is quoted.
Tally tally_of_run(PgSession& session, const std::string& schema, const std::string& run);

/// A message as the ledger takes it: it quotes values, which the database may not be able to hold.
std::string ledger_text(PgSession& session, std::string text);

}  // namespace lugger
