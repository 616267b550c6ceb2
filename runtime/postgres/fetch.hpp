// Statements as a person types them: every result with its types and its notices, within a bound of
// memory, and stopped when asked.
#pragma once
#include "base/stop.hpp"
#include "postgres/error.hpp"
#include "postgres/session.hpp"

namespace lugger {

struct PgResultSet {
  std::vector<std::string> names;
  std::vector<uint32_t> types;  // OIDs
  std::vector<std::vector<std::optional<std::string>>> rows;
  uint64_t count = 0;     // of all rows, kept or not
  uint64_t affected = 0;  // by INSERT, UPDATE, DELETE, MERGE, COPY
  std::string command;    // "SELECT 3", "INSERT 0 1", "BEGIN"
};

struct PgFetched {
  std::vector<PgResultSet> results;  // one a statement
  std::vector<std::string> notices;
};

struct FetchBounds {
  uint64_t rows = 0;  // kept of each result; 0: all
  size_t bytes = size_t{256} << 20;
};

/// Rows beyond the bounds are counted, not kept. When `stop` is raised the server is asked to
/// cancel, and Error{interrupted} is thrown; the session lives on.
PgFetched pg_fetch(PgSession& session, const std::string& sql, const PgParams& params,
                   const FetchBounds& bounds, const StopFlag& stop);

/// The error of a statement that somebody wrote: the server's own hint, which is not one for loads,
/// and the place in the text as the note "position".
Error typed_error(const PgSession& session, const PgDiagnostics& diagnostics);

/// Whether a transaction is open, by the server's last word.
enum class PgTransaction : uint8_t { kNone, kOpen, kFailed, kLost };
PgTransaction pg_transaction(PgSession& session) noexcept;

}  // namespace lugger
