// The state of a step according to the catalog.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "postgres/session.hpp"
#include "postgres/steps.hpp"

namespace lugger {

/// kInvalid: an index that a failed or killed CONCURRENTLY left behind. kStarted: a constraint that
/// exists but is not validated.
enum class StepState : uint8_t { kWaiting, kInvalid, kStarted, kDone };

StepState step_state(PgSession& session, const StageStep& step);

/// Columns of a not_null step that are still nullable.
std::vector<std::string> nullable_columns(PgSession& session, const StageStep& step);

/// The session that is building this index at the moment; "": none.
std::string builder_of(PgSession& session, const StageStep& step);

/// Sessions that hold locks on a table, described, oldest first: "pid 123 (psql, idle in
/// transaction for 5 min)".
std::string lock_holders(PgSession& session, const std::string& table);
/// The lock that a server process waits for, and who has it.
struct AwaitedLock {
  std::string what;     // "public.users"
  std::string holders;  // described as by lock_holders()
  std::string pids;     // of the holders
};
/// nullopt: it waits for none, or for sessions among `ours` alone.
std::optional<AwaitedLock> awaited_lock(PgSession& session, const std::string& pid,
                                        const std::vector<std::string>& ours);
/// One session, described.
std::string describe_session(PgSession& session, const std::string& pid);

}  // namespace lugger
