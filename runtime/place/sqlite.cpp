#include "place/sqlite.hpp"

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace lugger {
namespace {

// Other processes hold the file for the milliseconds of a commit. If one holds it longer, the user
// should know.
constexpr int kBusyMs = 60'000;

// EXTRA is FULL (a commit survives a power failure) and also syncs the directory after the journal
// is deleted, which is the moment of the commit. Sorting creates no temporary files.
constexpr const char* kSettings =
    "PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
    "PRAGMA trusted_schema = OFF";

constexpr std::string_view kNotOurs =
    "it belongs to another user or may not be written to: run as that user, or name another "
    "directory with state = '...' in lugger.target(...)";

std::string_view hint_of(int code, int system) {
  if (code == SQLITE_FULL || system == ENOSPC || system == EDQUOT || system == EFBIG)
    return "the disk is full: make room, then run the same command again";
  switch (code) {
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return kNotOurs;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another program has held it for a minute; `fuser` tells which: let it end, then run "
             "the same command again";
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return "put back a copy that is whole, or move the directory away: its runs and rejects are "
             "forgotten then, and a run writes its output from the start";
    default: return "";
  }
}

}  // namespace

SqliteStatement::SqliteStatement(Sqlite& database, std::string_view sql) : database_(database) {
  sqlite3_stmt* made = nullptr;
  const int code = sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                      &made, nullptr);
  statement_.reset(made);
  if (code != SQLITE_OK) database.fail();
}

void SqliteStatement::bind(int place, const SqliteValue& value) {
  sqlite3_stmt* statement = statement_.get();
  int code = SQLITE_OK;
  if (const auto* number = std::get_if<int64_t>(&value)) {
    code = sqlite3_bind_int64(statement, place, *number);
  } else if (const auto* text = std::get_if<std::string_view>(&value)) {
    // An empty string_view may have a null pointer, which SQLite would take for NULL.
    code = sqlite3_bind_text64(statement, place, text->empty() ? "" : text->data(), text->size(),
                               SQLITE_TRANSIENT, SQLITE_UTF8);
  } else if (const auto* blob = std::get_if<SqliteBlob>(&value)) {
    code = sqlite3_bind_blob64(statement, place, blob->bytes.data(), blob->bytes.size(),
                               SQLITE_TRANSIENT);
  } else {
    code = sqlite3_bind_null(statement, place);
  }
  if (code != SQLITE_OK) database_.fail();
}

void SqliteStatement::begin(SqliteValues values) {
  sqlite3_reset(statement_.get());
  int place = 0;
  for (const SqliteValue& value : values) bind(++place, value);
}

bool SqliteStatement::next() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail();
  // A statement that is not reset would keep the lock on the file.
  sqlite3_reset(statement_.get());
  return false;
}

void SqliteStatement::run(SqliteValues values) {
  begin(values);
  while (next()) {
  }
}

std::string SqliteStatement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string() : std::string(bytes, static_cast<size_t>(size));
}

int64_t SqliteStatement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

// An absolute path, because SQLite takes a name that begins with "file:" for a URI.
Sqlite::Sqlite(const AllowedPath& file) : file_(file.text()) {
  sqlite3* made = nullptr;
  const int code = sqlite3_open_v2(std::filesystem::absolute(file_).c_str(), &made,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, nullptr);
  handle_.reset(made);
  if (made == nullptr) raise(Code::kConfig, "cannot open {}: out of memory", file_.string());
  if (code != SQLITE_OK) fail();
  sqlite3_busy_timeout(made, kBusyMs);
  execute(kSettings);
}

void Sqlite::execute(const std::string& sql) {
  if (sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

int64_t Sqlite::number(std::string_view sql, SqliteValues values) {
  SqliteStatement statement(*this, sql);
  statement.begin(values);
  return statement.next() ? statement.number(0) : 0;
}

void Sqlite::fail() const {
  const int code = sqlite3_errcode(handle()) & 0xff;
  const int system = sqlite3_system_errno(handle());
  const bool says_more = system != 0 && (code == SQLITE_CANTOPEN || code == SQLITE_IOERR);
  throw Error(Code::kConfig,
              fmt::format("cannot use {}: {}{}", file_.string(), sqlite3_errmsg(handle()),
                          says_more ? fmt::format(" ({})", std::strerror(system)) : ""),
              std::string(hint_of(code, says_more ? system : 0)));
}

void Sqlite::refuse_to_write() const {
  throw Error(Code::kConfig, fmt::format("cannot write {}", file_.string()), std::string(kNotOurs));
}

SqliteTransaction::SqliteTransaction(Sqlite& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

SqliteTransaction::~SqliteTransaction() {
  // Some errors have already rolled back the transaction.
  if (open_ && sqlite3_get_autocommit(database_.handle()) == 0)
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void SqliteTransaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace lugger
