// How a table is read in parts: by ranges of its key, or of its blocks where it has none.
#pragma once
#include "place/source.hpp"
#include "postgres/query.hpp"

namespace lugger {

/// About `parts` ranges, or more; one, of everything, where the table is small, or is none that can
/// be read in parts. Their specs are for range_of().
std::vector<Partition> divide_reading(PgSession& session, const PgReading& reading, int parts);
/// What is left of a partition behind a position. Error{config} where it is no partition of
/// divide_reading(), or no position of its cursor.
PgRange range_of(const PgReading& reading, const Partition& partition, const Position& after);
/// Error{config} when rows were written since the table was divided: they may lie in other ranges
/// now. In a transaction that sees what is to be read.
void refuse_written_since(PgSession& session, const PgReading& reading, const PgRange& range);

}  // namespace lugger
