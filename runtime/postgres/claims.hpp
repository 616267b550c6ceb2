// Claims on partitions. A claim is stored in columns of the partition's row in the ledger, and
// renewed by a heartbeat.
#pragma once
#include <memory>
#include <string>

#include "place/state.hpp"
#include "postgres/session.hpp"

namespace lugger {

std::unique_ptr<Claims> make_pg_claims(const std::string& url, const std::string& schema,
                                       bool pooled, const std::string& run);

// The functions below use the caller's session; `schema` is quoted.

/// From here on every process may claim partitions of the run.
void open_to_claims(PgSession& session, const std::string& schema, const std::string& run);
/// Ends that, unless other processes still work on partitions: then it changes nothing and returns
/// their names.
std::string close_to_claims(PgSession& session, const std::string& schema, const std::string& run);

/// Locks the claim until the open transaction ends. Throws ClaimLost when another process has it.
void hold_claim(PgSession& session, const std::string& schema, const std::string& run,
                const std::string& partition, const std::string& claim);

}  // namespace lugger
