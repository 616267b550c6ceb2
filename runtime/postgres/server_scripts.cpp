#include "postgres/server_scripts.hpp"

#include <libpq-fe.h>

#include <memory>

#include "base/error.hpp"

namespace lugger {
namespace {

constexpr const char* kGive = R"(
SET search_path = pg_catalog;
DO $$
DECLARE command text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lugger_script') THEN
    CREATE ROLE lugger_script LOGIN;
  END IF;
  GRANT CREATE, CONNECT, TEMPORARY ON DATABASE postgres TO lugger_script;
  FOR command IN
    WITH schemas AS (
      SELECT oid, nspname FROM pg_namespace
      WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
    members AS (SELECT classid, objid FROM pg_depend WHERE deptype IN ('e', 'i', 'a')),
    objects AS (
      SELECT 'TABLE' AS kind, c.oid::regclass::text AS name, 'pg_class'::regclass AS class, c.oid
      FROM pg_class c JOIN schemas s ON s.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      UNION ALL
      SELECT 'ROUTINE', p.oid::regprocedure::text, 'pg_proc'::regclass, p.oid
      FROM pg_proc p JOIN schemas s ON s.oid = p.pronamespace
      UNION ALL
      SELECT 'TYPE', t.oid::regtype::text, 'pg_type'::regclass, t.oid
      FROM pg_type t JOIN schemas s ON s.oid = t.typnamespace
      LEFT JOIN pg_class c ON c.oid = t.typrelid
      WHERE t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
    SELECT format('ALTER SCHEMA %I OWNER TO lugger_script', nspname) FROM schemas
    UNION ALL
    SELECT format('ALTER %s %s OWNER TO lugger_script', kind, name) FROM objects o
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = o.class AND m.objid = o.oid)
  LOOP
    EXECUTE command;
  END LOOP;
END $$)";

}  // namespace

void give_to_scripts(const std::string& url) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> session(PQconnectdb(url.c_str()), &PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> done(PQexec(session.get(), kGive), &PQclear);
  if (PQresultStatus(done.get()) != PGRES_COMMAND_OK)
    raise(Code::kConnect, "cannot make an ordinary role in the private server: {}",
          PQerrorMessage(session.get()));
}

}  // namespace lugger
