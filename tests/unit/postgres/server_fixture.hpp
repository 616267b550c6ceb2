// One temporary server for all tests of this program; a test that cannot have one is skipped by
// name, not passed.
#pragma once
#include <cstdio>
#include <cstdlib>

#include "postgres/binaries.hpp"
#include "postgres/server.hpp"

namespace lugger {

inline const std::string& test_server() {
  static const std::unique_ptr<PgServer> server = [] {
    if (installed_servers().empty()) {
      std::fputs("SKIP: no PostgreSQL server is installed\n", stderr);
      std::exit(77);
    }
    return std::make_unique<PgServer>("");
  }();
  return server->url();
}

}  // namespace lugger
