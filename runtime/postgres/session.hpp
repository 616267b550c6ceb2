// One connection to PostgreSQL: libpqxx for statements, its PGconn lent for COPY. The only file
// that includes libpqxx is session.cpp.
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

/// A result read to its end: text values by row and column.
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
  /// Connects: UTC, ISO dates, UTF8, no statement timeout, application_name "lugger <purpose>"; a
  /// remote host without sslmode gets verify-full with the system's certificates. Error{connect |
  /// auth} with the masked URL. pooled: no session settings survive, so each transaction sets its
  /// own.
  PgSession(const std::string& url, const std::string& purpose, bool pooled = false,
            PgPath path = PgPath::kTables);
  /// A session that finds out whether a pooler in transaction mode stands between, and is pooled
  /// then. Until it knows, nothing is set that could stay on another's connection.
  static std::unique_ptr<PgSession> find_out(const std::string& url, const std::string& purpose,
                                             PgPath path = PgPath::kTables);
  /// As a new one would be but for statements that are prepared: in one round trip, without the
  /// temporary tables, locks and settings of whoever had it. Not pooled.
  void renew();
  /// What is as new, for another purpose: tells the server what differs.
  void serve(const std::string& purpose, PgPath path);
  /// Whether nothing was done that could outlast its user. Who only looks at the catalog says so
  /// beforehand, and takes it back when more was done after all.
  bool only_looked() const noexcept;
  void only_looks(bool only) noexcept;
  ~PgSession();
  PgSession(const PgSession&) = delete;
  PgSession& operator=(const PgSession&) = delete;

  PgRows query(const std::string& sql, const PgParams& params = {});
  /// The same, but as it is: no transaction is opened for it, not even to bring a pooled session's
  /// settings along. For what cannot run in one (CONCURRENTLY).
  PgRows run(const std::string& sql, const PgParams& params = {});
  /// From here on all statements are run() as they are: whoever writes them decides.
  void keep_bare() noexcept;
  /// The same for a statement about the catalog or the ledger that is asked again and again: the
  /// server plans it once a session. Not for tables of users, whose columns may change meanwhile.
  PgRows query_again(const std::string& sql, const PgParams& params);
  void execute(const std::string& sql) {
    query(sql);
  }  // one or several statements without parameters
  void begin();
  void commit();
  void rollback() noexcept;
  bool in_transaction() const noexcept;
  bool idle_in_transaction() const noexcept;  // and no statement of it under way

  /// COPY ... FROM STDIN (FORMAT binary): start, then any number of puts, then end.
  void copy_in_start(const std::string& sql);
  void copy_in_put(Bytes bytes);
  uint64_t copy_in_end();
  void copy_in_abort(const std::string& reason) noexcept;
  /// COPY ... TO STDOUT: starts; get() gives one message (a row in binary, the header with the
  /// first) until false. Bytes live until the next call.
  void copy_out_start(const std::string& sql);
  bool copy_out_get(Bytes& message);

  static std::string quote_name(std::string_view name);  // "na""me"
  static std::string quote_table(
      std::string_view qualified);  // schema.table, each part quoted; "a.b" splits at the first dot
  static std::string quote_literal(std::string_view text);

  int server_version() const noexcept;  // 150018
  bool stores_utf8() const noexcept;    // the database's own encoding
  bool pooled() const noexcept;
  /// True when the process that answers is not the one we connected to: something stands between.
  bool behind_pooler();
  /// Warnings that the server sent since the last call; the first hundred.
  std::vector<std::string> take_notices();
  /// What asks by it, waits by waiting() of postgres/wait.hpp.
  pg_conn* raw() noexcept;
  bool alive() const noexcept;
  /// Whether the server has ended it while nobody used it, as far as is known without asking.
  bool was_ended() noexcept;
  /// Asks the server to stop the statement under way.
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

/// The row and column that a refused COPY named, and the constraint: parsed from the server's
/// diagnostics. Rows count from 1; 0: not told.
struct CopyRefusal {
  uint64_t row = 0;
  std::string column, constraint, sqlstate, message, detail;
};
/// Thrown by copy_in_end(): an error that also says which row.
class CopyRefused : public Error {
 public:
  CopyRefused(Error error, CopyRefusal where) : Error(std::move(error)), where_(std::move(where)) {}
  const CopyRefusal& where() const noexcept { return where_; }

 private:
  CopyRefusal where_;
};

}  // namespace lugger
