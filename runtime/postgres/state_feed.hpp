// The keys of changed documents in the ledger, and how far the changes were read.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "place/state.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// The version of the ledger that has them.
inline constexpr int kFeedsSince = 9;

struct SpoolUnit {
  const std::string& job;
  std::span<const std::string_view> keys;
  const std::string& position;
  uint64_t time;
};

std::optional<FeedRecord> read_feed(PgSession& session, const std::string& schema,
                                    const std::string& job);
SpooledPage read_spooled(PgSession& session, const std::string& schema, const std::string& job,
                         const std::string& after, size_t limit);

void ask_for_keys(PgSession& session, const std::string& schema, const std::string& job,
                  std::span<const std::string_view> keys);
std::vector<SpooledKey> read_asked(PgSession& session, const std::string& schema,
                                   const std::string& job, size_t limit);
/// In the transaction of the unit that looked them up.
void forget_answered(PgSession& session, const std::string& schema, const std::string& job,
                     const std::vector<std::string>& places);
RefusedPage read_refused(PgSession& session, const std::string& schema, const std::string& job,
                         size_t limit);
/// In the transaction of a unit of a run that follows: those of its rejects that are to be tried
/// again take the place of those that it tried.
void keep_refused(PgSession& session, const std::string& schema, const UnitRecord& unit,
                  const std::vector<const RejectRecord*>& rejects);
/// In the transaction of the unit that settles them, as its last step: whoever spools waits for its
/// end.
void forget_settled(PgSession& session, const std::string& schema, const UnitRecord& unit);

// Each in a transaction of its own, which is committed only while the lease of this token is held.
void write_feed(PgSession& session, const std::string& schema, const std::string& token,
                const FeedRecord& record);
uint64_t spool_keys(PgSession& session, const std::string& schema, const std::string& token,
                    const SpoolUnit& unit);

}  // namespace lugger
