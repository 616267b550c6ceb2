// What was noticed while changes were followed, in the ledger.
#pragma once
#include <string>
#include <vector>

#include "place/state.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// The version of the ledger that has them.
inline constexpr int kNoticesSince = 10;

/// Adds to what is kept of the same kind and name, inside the caller's open transaction.
void write_notices(PgSession& session, const std::string& schema,
                   const std::vector<Notice>& notices);
std::vector<Notice> read_notices(PgSession& session, const std::string& schema,
                                 const std::string& job);

}  // namespace lugger
