// Claims on partitions: columns of their rows in the ledger, renewed by a heartbeat.
#pragma once
#include <memory>
#include <string>

#include "place/state.hpp"
#include "postgres/session.hpp"

namespace lugger {

std::unique_ptr<Claims> make_pg_claims(const std::string& url, const std::string& schema,
                                       bool pooled, const std::string& run);

// The rest is for whoever has a session of his own; `schema` is quoted.

/// Lets every process claim partitions of the run from here on.
void open_to_claims(PgSession& session, const std::string& schema, const std::string& run);
/// Ends that, unless somebody is at work: then it says who and changes nothing.
std::string close_to_claims(PgSession& session, const std::string& schema, const std::string& run);

/// Holds the claim until the open transaction ends; ClaimLost when it is another's by now.
void hold_claim(PgSession& session, const std::string& schema, const std::string& run,
                const std::string& partition, const std::string& claim);

}  // namespace lugger
