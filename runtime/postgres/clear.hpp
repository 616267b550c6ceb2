// Deletes all rows of a job's tables: their collection was dropped.
#pragma once
#include "postgres/loader.hpp"

namespace lugger {

/// Inside the open transaction. Each document counts as read and deleted. Error{constraint} where
/// rows of other tables need these.
void clear_tables(PgLoad& load, Tally& tally);

}  // namespace lugger
