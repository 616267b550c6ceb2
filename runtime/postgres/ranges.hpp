// Divides a table into parts: by ranges of its key, or of its blocks where it has no key.
#pragma once
#include "place/source.hpp"
#include "postgres/query.hpp"

namespace lugger {

/// Makes about `parts` ranges, or more; or one for everything, when the table is small or cannot be
/// read in parts. range_of() reads their specs.
std::vector<Partition> divide_reading(PgSession& session, const PgReading& reading, int parts);
/// What is left of a partition after a position. Error{config} when the partition is not from
/// divide_reading(), or the position is not from its cursor.
PgRange range_of(const PgReading& reading, const Partition& partition, const Position& after);
/// Error{config} when rows were written after the table was divided, because they may now be in
/// other ranges. Call it in a transaction that sees the rows to be read.
void refuse_written_since(PgSession& session, const PgReading& reading, const PgRange& range);

}  // namespace lugger
