// What processes that move jobs tell of them, in the ledger.
#pragma once
#include <string>
#include <vector>

#include "place/state.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// The version of the ledger that has it.
inline constexpr int kWatchedSince = 11;

/// `schema` is quoted.
void write_told(PgSession& session, const std::string& schema, const std::string& job,
                const std::string& facts);
std::vector<WatchRecord> read_told(PgSession& session, const std::string& schema);

}  // namespace lugger
