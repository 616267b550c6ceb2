#include "postgres/error.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "catch.hpp"
#include "postgres/copy_stream.hpp"
#include "postgres/settings.hpp"

using namespace lugger;

namespace {

std::string value_of(const PgKeywords& keywords, std::string_view name) {
  for (const auto& [key, value] : keywords) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace

TEST_CASE("the COPY line of a context is found among others") {
  PgDiagnostics told;
  told.context = "JSON data, line 1: {broken\nCOPY users, line 17, column metadata";
  CHECK(copy_refusal_of(told).row == 17);
  CHECK(copy_refusal_of(told).column == "metadata");
  told.context =
      "SQL statement \"COPY x, line 9\"\nPL/pgSQL function f() line 3 at RAISE\nCOPY a, line b, "
      "line 12";
  CHECK(copy_refusal_of(told).row == 12);
  told.context = "COPY users, line 3";
  told.column = "email";
  CHECK(copy_refusal_of(told).column == "email");
  told.context = "";
  CHECK(copy_refusal_of(told).row == 0);
}

TEST_CASE("SQLSTATE decides the code") {
  CHECK(code_of_sqlstate("28P01") == Code::kAuth);
  CHECK(code_of_sqlstate("42501") == Code::kAuth);
  CHECK(code_of_sqlstate("08006") == Code::kConnect);
  CHECK(code_of_sqlstate("57P01") == Code::kConnect);
  CHECK(code_of_sqlstate("22P02") == Code::kCoerce);
  CHECK(code_of_sqlstate("23514") == Code::kConstraint);
  CHECK(code_of_sqlstate("40P01") == Code::kConflict);
  CHECK(code_of_sqlstate("53100") == Code::kConfig);
  for (const char* state : {"28P01", "3D000", "42501", "53100", "57P01", "25006"}) {
    CHECK_FALSE(hint_of_sqlstate(state).empty());
  }
  PgDiagnostics told;
  told.sqlstate = "57014";
  told.message = "canceling statement due to statement timeout";
  CHECK(pg_error(told, true).code() == Code::kTimeout);
  CHECK(pg_error(told, false).code() == Code::kConnect);
}

TEST_CASE("why a connection failed is told from libpq's words") {
  const auto why = [](const char* said) {
    return connect_error(said, "postgresql://u:***@h/d", false, false);
  };
  const Error password =
      why("connection to server at \"h\" failed: FATAL:  password authentication failed for user "
          "\"u\"\n");
  CHECK(password.code() == Code::kAuth);
  CHECK(password.sqlstate() == "28P01");
  CHECK_FALSE(password.hint().empty());
  CHECK(why("FATAL:  role \"u\" does not exist").code() == Code::kAuth);
  CHECK(why("FATAL:  sorry, too many clients already").code() == Code::kConnect);
  CHECK(why("connection refused somehow").code() == Code::kConnect);
  CHECK(connect_error("Passwort falsch", "postgresql://h/d", false, true).code() == Code::kAuth);
}

TEST_CASE("an ErrorResponse is recognised among other messages") {
  const auto holds = [](std::string_view wire) { return holds_server_error(as_bytes(wire)); };
  CHECK(holds(std::string_view("E\0\0\0\x05x", 6)));
  CHECK(holds(std::string_view("N\0\0\0\x06xyE", 8)));
  CHECK_FALSE(holds(std::string_view("N\0\0\0\x06xy", 7)));
  CHECK_FALSE(holds(std::string_view("N\0\0\0\x06xyN\0", 9)));
  CHECK_FALSE(holds(std::string_view("N\0\0\0\0E", 6)));
  CHECK_FALSE(holds(""));
}

TEST_CASE("a remote host without sslmode must prove itself") {
  unsetenv("PGSSLMODE"), unsetenv("PGSSLROOTCERT"), unsetenv("PGHOST"), unsetenv("PGSERVICE"),
      setenv("HOME", "/nonexistent", 1);
  const PgKeywords remote = connection_keywords("postgresql://u@db.example.com/shop", "x");
  CHECK(value_of(remote, "sslmode") == "verify-full");
  CHECK_FALSE(value_of(remote, "sslrootcert").empty());
  CHECK(value_of(remote, "connect_timeout") == "15");
  CHECK(value_of(remote, "client_encoding") == "UTF8");
  CHECK(value_of(connection_keywords("host=/tmp,db.example.com dbname=a", "x"), "sslmode") ==
        "verify-full");
  CHECK(value_of(connection_keywords("postgresql://db.example.com/a?sslmode=disable", "x"),
                 "sslmode") == "disable");
  for (const char* local :
       {"postgresql:///a", "postgresql://localhost/a", "postgresql://127.0.0.1/a",
        "postgresql://[::1]/a", "postgresql:///a?host=/var/run/postgresql"}) {
    INFO(local);
    CHECK(value_of(connection_keywords(local, "x"), "sslmode").empty());
  }
}

TEST_CASE("b4: a server must prove itself by the address that is connected to") {
  for (const char* name : {"PGSSLMODE", "PGSSLROOTCERT", "PGHOST", "PGHOSTADDR", "PGSERVICE"})
    unsetenv(name);
  setenv("HOME", "/nonexistent", 1);
  const auto mode = [](const std::string& place) {
    return value_of(connection_keywords(place, "x"), "sslmode");
  };
  for (const char* remote :
       {"host=localhost hostaddr=192.0.2.1", "host=/tmp hostaddr=192.0.2.1", "hostaddr=192.0.2.1",
        "host=localhost,localhost hostaddr=127.0.0.1,192.0.2.1", "host=127.evil.com",
        "postgresql://127.0.0.1.evil.com/a", "host=127.1", "host=::2", "host=localhost.evil.com",
        "postgresql://localhost/a?hostaddr=192.0.2.1", "host=localhost,db.example.com",
        "host=localhost,localhost hostaddr=,192.0.2.1"}) {
    INFO(remote);
    CHECK(mode(remote) == "verify-full");
  }
  for (const char* local :
       {"host=db.example.com hostaddr=127.0.0.1", "host=db.example.com hostaddr=127.8.9.1",
        "host=a,b hostaddr=::1,127.0.0.1", "host=localhost,/tmp,127.0.0.2", "dbname=a",
        "postgresql://[0:0:0:0:0:0:0:1]/a", "host=a,localhost hostaddr=127.0.0.1,"}) {
    INFO(local);
    CHECK(mode(local).empty());
  }
  setenv("PGHOSTADDR", "192.0.2.1", 1);
  CHECK(mode("host=localhost") == "verify-full");
  unsetenv("PGHOSTADDR");
  setenv("PGHOST", "db.example.com", 1);
  CHECK(mode("dbname=a") == "verify-full");
  CHECK(mode("host=localhost").empty());
  unsetenv("PGHOST");
}

TEST_CASE("b4: a service file is read before a server is trusted") {
  const std::string file = "b4_services.conf";
  std::ofstream(file) << "[near]\nhost=/tmp\n[far]\nhost=localhost\nhostaddr=192.0.2.1\n"
                         "[open]\nhost=db.example.com\nsslmode=disable\n";
  setenv("PGSERVICEFILE", file.c_str(), 1);
  const auto mode = [](const std::string& place) {
    return value_of(connection_keywords(place, "x"), "sslmode");
  };
  CHECK(mode("service=near").empty());
  CHECK(mode("service=far") == "verify-full");
  CHECK(mode("service=far hostaddr=127.0.0.1").empty());
  CHECK(mode("service=open").empty());
  setenv("PGSERVICE", "far", 1);
  CHECK(mode("dbname=a") == "verify-full");
  unsetenv("PGSERVICE"), unsetenv("PGSERVICEFILE");
  std::remove(file.c_str());
}

TEST_CASE("a URL with unescaped characters in its password is refused without showing it") {
  for (const char* url : {"postgresql://u:gehe@im@host/db", "postgresql://u:gehe/im@host/db",
                          "postgresql://u:1/geheim@host/db", "postgresql://u:ge%zzheim@host/db",
                          "postgresql://u:ge@heim/x@host/db", "postgresql://u:ge@h/x@heim@host/db",
                          "postgresql://u:a@ge,heim/x@host/db"}) {
    try {
      connection_keywords(url, "x");
      FAIL("accepted " << url);
    } catch (const Error& error) {
      CHECK(error.code() == Code::kConfig);
      CHECK_THAT(error.what(), !ContainsSubstring("heim"));
      CHECK_THAT(error.what(), !ContainsSubstring("gehe"));
      CHECK_THAT(error.hint(), ContainsSubstring("%40"));
    }
  }
  CHECK(value_of(connection_keywords("postgresql://u:a@host/d%40b", "x"), "dbname") == "d@b");
}
