// How a connection is made: libpq parses the URL, lugger adds parameters, and each session executes
// settings.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lugger {

using PgKeywords = std::vector<std::pair<std::string, std::string>>;

/// Keywords for PQconnectdbParams. A remote host without sslmode gets verify-full with the system's
/// certificates. Error{config} for a URL that libpq cannot parse; the error quotes it only masked.
PgKeywords connection_keywords(const std::string& url, std::string_view purpose);

/// A place as arguments of psql and pg_dump: a connection string without the password, which is
/// passed in PGPASSWORD. Error{config} for other secrets, which have no environment variable.
struct ProgramPlace {
  std::string conninfo;
  std::string password;
};
ProgramPlace place_for_programs(const std::string& url);

/// True for a keyword that libpq knows: "host", "service", "sslmode".
bool is_connection_keyword(std::string_view word) noexcept;

/// True for unix sockets, "localhost" and loopback addresses; for them libpq's own default of
/// sslmode applies. Any other name may resolve to any address, 127.example.com too.
bool is_local_host(const std::string& host) noexcept;

/// The search_path for functions, operators and types that a statement names without a schema.
/// Tables that users name are looked up in the role's own search_path.
enum class PgPath : uint8_t {
  kUser,     // the role's own: for SQL of users
  kTables,   // pg_catalog first, then the same: triggers and views of users' tables run there
  kCatalog,  // pg_catalog only: for sessions that use no table of a user
};

/// "SET a = b; ..." for a session, "SET LOCAL a = b; ..." for a transaction (poolers). search_path:
/// as in SQL; "": unchanged.
std::string session_settings(int server_version, bool local, const std::string& search_path);

}  // namespace lugger
