// State in a schema of the PostgreSQL target: checkpoints commit with the rows they cover.
#pragma once
#include <memory>
#include <string>

#include "place/state.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// Stores checkpoint, tally and rejects of a unit inside the caller's open transaction.
void write_unit(PgSession& session, const std::string& schema, const UnitRecord& unit);

/// Counts of a run moved while duplicates of a direct load were settled; inside the caller's open
/// transaction.
void correct_books(PgSession& session, const std::string& schema, const std::string& run,
                   const Tally& before, const Tally& after);

Pruned prune_runs(PgSession& session, const std::string& schema_name, uint64_t keep,
                  uint64_t seconds);

/// pooled: the URL leads to a pooler in transaction mode, so a lease is a row that a heartbeat
/// keeps alive instead of a session lock.
std::unique_ptr<State> make_pg_state(const std::string& url, const std::string& schema,
                                     bool pooled);

/// The DDL of `lugger state sql`, for those whom ensure() must not make it.
std::string state_ddl(const std::string& schema);

}  // namespace lugger
