// The part of SQLite that a ledger in a directory needs. Every failure is an Error{config} with the
// file, SQLite's message, and what to do.
#pragma once
#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/gate.hpp"

namespace lugger {

struct SqliteBlob {
  explicit SqliteBlob(std::string_view data) : bytes(data) {}
  std::string_view bytes;
};

/// nullptr is NULL.
using SqliteValue = std::variant<std::nullptr_t, int64_t, std::string_view, SqliteBlob>;
using SqliteValues = std::initializer_list<SqliteValue>;

class Sqlite;

/// A prepared statement and its current row.
class SqliteStatement {
 public:
  SqliteStatement(Sqlite& database, std::string_view sql);

  /// Starts the statement again with these values, which are copied.
  void begin(SqliteValues values);
  /// False: there are no more rows.
  bool next();
  /// Executes a statement that returns no rows.
  void run(SqliteValues values);

  /// Columns of the current row; NULL is "" or 0.
  std::string text(int column) const;
  int64_t number(int column) const;

 private:
  void bind(int place, const SqliteValue& value);

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  Sqlite& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A connection to a database file that already exists. Any thread may run statements, but there is
/// only one transaction at a time.
class Sqlite {
 public:
  explicit Sqlite(const AllowedPath& file);

  /// Statements that return no rows, separated by semicolons.
  void execute(const std::string& sql);
  void run(std::string_view sql, SqliteValues values) { SqliteStatement(*this, sql).run(values); }
  /// Returns how many rows the statement wrote or deleted.
  uint64_t change(std::string_view sql, SqliteValues values) {
    run(sql, values);
    return static_cast<uint64_t>(sqlite3_changes64(handle()));
  }
  /// The first column of the first row; 0 when there is none.
  int64_t number(std::string_view sql, SqliteValues values = {});

  [[noreturn]] void fail() const;
  [[noreturn]] void refuse_to_write() const;
  bool read_only() const noexcept { return sqlite3_db_readonly(handle(), "main") == 1; }
  sqlite3* handle() const noexcept { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  std::filesystem::path file_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Locks out other writers from the beginning; rolled back unless it is committed.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(Sqlite& database);
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;

  void commit();

 private:
  Sqlite& database_;
  bool open_ = true;
};

}  // namespace lugger
