// One connection to PostgreSQL: libpqxx for statements, its PGconn for COPY. Only session.cpp uses
// libpqxx, through pqxx.hpp.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/options.hpp"
#include "postgres/settings.hpp"

struct pg_conn;

namespace lugger {

class PgWakeup;

/// A complete result: text values by row and column.
class PgRows {
 public:
  size_t size() const noexcept { return rows_.size(); }
  const std::vector<std::optional<std::string>>& operator[](size_t row) const { return rows_[row]; }
  /// The value, or "" for NULL.
  std::string text(size_t row, size_t column) const { return rows_[row][column].value_or(""); }
  const std::vector<std::string>& names() const noexcept { return names_; }
  /// OIDs of the columns' types.
  const std::vector<uint32_t>& types() const noexcept { return types_; }
  uint64_t affected() const noexcept { return affected_; }

 private:
  friend class PgSession;
  std::vector<std::vector<std::optional<std::string>>> rows_;
  std::vector<std::string> names_;
  std::vector<uint32_t> types_;
  uint64_t affected_ = 0;
};

using PgParams = std::vector<std::optional<std::string>>;

class PgSession {
 public:
  /// Connects with UTC, ISO dates, UTF8, no statement timeout, and application_name "lugger
  /// <purpose>". A remote host without sslmode gets verify-full with the system's certificates.
  /// Error{connect | auth} with the masked URL. pooled: session settings do not last, so each
  /// transaction sets its own.
  PgSession(const std::string& url, const std::string& purpose, bool pooled = false,
            PgPath path = PgPath::kTables);
  /// Opens a session that detects a pooler in transaction mode, and is then pooled. Until that is
  /// known, it sets nothing that could remain on another client's connection.
  static std::unique_ptr<PgSession> find_out(const std::string& url, const std::string& purpose,
                                             PgPath path = PgPath::kTables);
  /// Resets the session in one round trip to the state of a new one: no temporary tables, locks or
  /// settings. Prepared statements stay. Not for pooled sessions.
  void renew();
  /// Gives a session that is as new another purpose; sets only what differs.
  void serve(const std::string& purpose, PgPath path);
  /// True when the session did nothing that could have a lasting effect. A caller that only reads
  /// the catalog declares it in advance, and takes it back if it did more.
  bool only_looked() const noexcept;
  void only_looks(bool only) noexcept;
  ~PgSession();
  PgSession(const PgSession&) = delete;
  PgSession& operator=(const PgSession&) = delete;

  PgRows query(const std::string& sql, const PgParams& params = {});
  /// The same without a transaction around it, not even for the settings of a pooled session. For
  /// statements that cannot run in a transaction (CONCURRENTLY).
  PgRows run(const std::string& sql, const PgParams& params = {});
  /// From here on all statements behave as in run(): their author decides about transactions.
  void keep_bare() noexcept;
  /// For statements about the catalog or the ledger that run often: the server plans them once a
  /// session. Not for users' tables, whose columns may change.
  PgRows query_again(const std::string& sql, const PgParams& params);
  void execute(const std::string& sql) {
    query(sql);
  }  // one or several statements without parameters
  void begin();
  void commit();
  void rollback() noexcept;
  bool in_transaction() const noexcept;
  bool idle_in_transaction() const noexcept;  // and no statement is running

  /// COPY ... FROM STDIN (FORMAT binary): copy_in_start(), any number of puts, then the end.
  void copy_in_start(const std::string& sql);
  void copy_in_put(Bytes bytes);
  uint64_t copy_in_end();
  void copy_in_abort(const std::string& reason) noexcept;
  /// Starts COPY ... TO STDOUT. get() gives one message (a row in binary; the first also has the
  /// header) until it returns false. The bytes are valid until the next call.
  void copy_out_start(const std::string& sql);
  bool copy_out_get(Bytes& message);

  static std::string quote_name(std::string_view name);  // "na""me"
  static std::string quote_table(
      std::string_view qualified);  // quotes each part; "a.b" is split at the first dot
  static std::string quote_literal(std::string_view text);

  int server_version() const noexcept;  // 150018
  bool stores_utf8() const noexcept;    // the encoding of the database
  bool pooled() const noexcept;
  /// True when the server process is not the one that we connected to: there is a pooler in
  /// between.
  bool behind_pooler();
  /// Warnings of the server since the last call, at most a hundred.
  std::vector<std::string> take_notices();
  /// Code that uses it directly must wait with waiting() of postgres/wait.hpp.
  pg_conn* raw() noexcept;
  bool alive() const noexcept;
  /// True when the server is known to have closed the connection while it was idle. Sends nothing.
  bool was_ended() noexcept;
  /// Sends a cancel request for the running statement.
  void cancel() noexcept;
  PgWakeup& wakeup() noexcept;

 private:
  struct Impl;
  void look_up(PgPath path);
  void settle_in();
  template <typename Ask>
  PgRows answer_of(const Ask& statement_of);
  template <typename Ask>
  PgRows ask(const std::string& sql, const PgParams& params, const Ask& statement_of);
  std::unique_ptr<Impl> impl_;
};

/// Row, column and constraint of a refused COPY, parsed from the server's diagnostics. Rows count
/// from 1; 0: unknown.
struct CopyRefusal {
  uint64_t row = 0;
  std::string column, constraint, sqlstate, message, detail;
};
/// Thrown by copy_in_end(); also contains the row.
class CopyRefused : public Error {
 public:
  CopyRefused(Error error, CopyRefusal where) : Error(std::move(error)), where_(std::move(where)) {}
  const CopyRefusal& where() const noexcept { return where_; }

 private:
  CopyRefusal where_;
};

}  // namespace lugger
