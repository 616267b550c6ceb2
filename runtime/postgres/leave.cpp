#include "postgres/leave.hpp"

#include <libpq-fe.h>

namespace lugger {

void pg_leave(PgSession& session, const std::string& sql) {
  if (PQsendQuery(session.raw(), sql.c_str()) == 1) return;
  std::string why = PQerrorMessage(session.raw());
  while (why.ends_with('\n')) why.pop_back();
  throw Error(Code::kConnect, "the server was not reached: " + why);
}

}  // namespace lugger
