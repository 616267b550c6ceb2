// How a connection is made: the URL read by libpq, what lugger adds to it, and what each session
// sets.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lugger {

using PgKeywords = std::vector<std::pair<std::string, std::string>>;

/// Keywords for PQconnectdbParams. A remote host without sslmode gets verify-full with the system's
/// certificates. Error{config} for a URL that libpq cannot read; the error never quotes it but
/// masked.
PgKeywords connection_keywords(const std::string& url, std::string_view purpose);

/// A place for the arguments of psql and pg_dump: a connection string without the password, which
/// goes by PGPASSWORD. Error{config} for other secrets, which have no variable.
struct ProgramPlace {
  std::string conninfo;
  std::string password;
};
ProgramPlace place_for_programs(const std::string& url);

/// One that libpq knows: "host", "service", "sslmode".
bool is_connection_keyword(std::string_view word) noexcept;

/// True for unix sockets, "localhost" and the addresses of loopback: there libpq's own sslmode
/// stands. Any other name is whatever a name server makes of it: 127.example.com too.
bool is_local_host(const std::string& host) noexcept;

/// Where names of functions, operators and types are looked up that stand in a statement without a
/// schema. Names of tables that users give are looked up along the role's own search_path.
enum class PgPath : uint8_t {
  kUser,     // as the role has it: SQL of users
  kTables,   // the same, and pg_catalog before all: triggers and views of users' tables run there
  kCatalog,  // pg_catalog alone: sessions that touch no table of a user
};

/// "SET a = b; ..." for a session, "SET LOCAL a = b; ..." for a transaction (poolers). search_path:
/// as SQL lists it; "": as it is.
std::string session_settings(int server_version, bool local, const std::string& search_path);

}  // namespace lugger
