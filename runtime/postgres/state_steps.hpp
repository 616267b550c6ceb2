// Steps of the stages in the ledger of a PostgreSQL target.
#pragma once
#include <string>
#include <vector>

#include "place/stage.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// `schema` is quoted. Without the table, as before an upgrade, there are none.
std::vector<StepRecord> read_steps(PgSession& session, const std::string& schema,
                                   const std::string& job);
void write_step(PgSession& session, const std::string& schema, const StepRecord& step);

}  // namespace lugger
