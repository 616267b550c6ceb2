// Runs statements that a person typed: returns every result with its types and notices, uses
// bounded memory, and can be stopped.
#pragma once
#include "base/stop.hpp"
#include "postgres/error.hpp"
#include "postgres/session.hpp"

namespace lugger {

struct PgResultSet {
  std::vector<std::string> names;
  std::vector<uint32_t> types;  // OIDs
  std::vector<std::vector<std::optional<std::string>>> rows;
  uint64_t count = 0;     // of all rows, also those not kept
  uint64_t affected = 0;  // by INSERT, UPDATE, DELETE, MERGE, COPY
  std::string command;    // "SELECT 3", "INSERT 0 1", "BEGIN"
};

struct PgFetched {
  std::vector<PgResultSet> results;  // one for each statement
  std::vector<std::string> notices;
};

struct FetchBounds {
  uint64_t rows = 0;  // to keep of each result; 0: all
  size_t bytes = size_t{256} << 20;
};

/// Rows beyond the bounds are counted but not kept. When `stop` is requested, sends a cancel
/// request and throws Error{interrupted}; the session can still be used.
PgFetched pg_fetch(PgSession& session, const std::string& sql, const PgParams& params,
                   const FetchBounds& bounds, const StopFlag& stop);

/// The error of a user's statement: with the server's hint, because our hints are written for loads,
/// and with the position in the text as the note "position".
Error typed_error(const PgSession& session, const PgDiagnostics& diagnostics);

/// The transaction status, as the server reported it last.
enum class PgTransaction : uint8_t { kNone, kOpen, kFailed, kLost };
PgTransaction pg_transaction(PgSession& session) noexcept;

}  // namespace lugger
