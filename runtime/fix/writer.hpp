// Writes changes and their images in the caller's open transaction.
#pragma once
#include "fix/mapper.hpp"

namespace lugger {

/// The outcome of one change.
struct Written {
  enum class Outcome : uint8_t { kWritten, kConflict, kRefused } outcome = Outcome::kConflict;
  std::string message;   // kRefused: the server's words
  bool altered = false;  // the row holds something else than was written
};

class FixWriter {
 public:
  /// exact: if the server stores something else than was written, the row is restored.
  FixWriter(const FixTable& table, const std::string& state_schema, std::string run, bool exact);

  /// Each row is written only if its version is still the one that was read. Rows the server
  /// refuses are found by halving. One outcome a change.
  std::vector<Written> write(PgSession& session, const std::vector<FixRow>& rows,
                             const std::vector<RowChange>& changes);

 private:
  void write(PgSession& session, const std::vector<FixRow>& rows,
             const std::vector<RowChange>& changes, size_t first, size_t last,
             std::vector<Written>& out);
  bool look_back(PgSession& session, const std::vector<FixRow>& rows,
                 const std::vector<RowChange>& changes, size_t first, size_t last,
                 std::vector<Written>& out);
  std::string statement() const;
  std::string given() const;
  std::string unchanged() const;
  std::string rereading() const;
  std::string assignments() const;
  std::string mark(size_t field) const;

  const FixTable& table_;
  std::string schema_, run_, sql_, reread_;
  bool exact_;
};

/// What the ledger keeps of a run that writes images, so that it can be undone.
struct FixRecord {
  std::string run, table, where, undoes;
  std::vector<std::string> key, fields;
  std::string images_until, started;
};

void record_fix(PgSession& session, const std::string& schema, const FixRecord& record,
                int64_t retention_seconds);
/// Error{config}: there is no such run, or it keeps no images.
FixRecord find_fix(PgSession& session, const std::string& schema, const std::string& run);

}  // namespace lugger
