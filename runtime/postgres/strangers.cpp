#include "postgres/strangers.hpp"

#include <mutex>
#include <set>

#include "base/error.hpp"

namespace lugger {
namespace {

bool is_first_look(const std::string& url) {
  static std::mutex mutex;
  static std::set<std::string> seen;
  const std::lock_guard lock(mutex);
  return seen.insert(url).second;
}

/// Superusers, the owners of the database and of the schema, and the session's own role may do as
/// they like without it; what belongs to an extension was made by whoever may make extensions; and
/// an operator over types of its owner is met only where such a type is used.
constexpr const char* kStrange =
    "SELECT o.oid::regoperator::text, r.rolname FROM pg_operator o "
    "JOIN pg_namespace n ON n.oid = o.oprnamespace JOIN pg_roles r ON r.oid = o.oprowner "
    "LEFT JOIN pg_type l ON l.oid = o.oprleft LEFT JOIN pg_type t ON t.oid = o.oprright "
    "WHERE n.nspname::text = ANY ($1::text[]) AND n.nspname <> 'pg_catalog' "
    "AND EXISTS (SELECT FROM pg_operator b JOIN pg_namespace c ON c.oid = b.oprnamespace "
    "WHERE c.nspname = 'pg_catalog' AND b.oprname = o.oprname) "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_operator'::regclass "
    "AND d.objid = o.oid AND d.deptype = 'e') "
    "AND NOT r.rolsuper AND r.rolname <> current_user AND o.oprowner <> n.nspowner "
    "AND o.oprowner <> (SELECT datdba FROM pg_database WHERE datname = pg_catalog.current_database()) "
    "AND (l.typowner <> o.oprowner OR t.typowner <> o.oprowner) ORDER BY 1 LIMIT 1";

}  // namespace

void refuse_strange_operators(PgSession& session, const std::string& url) {
  if (!is_first_look(url)) return;
  const std::string path =
      session.query("SELECT pg_catalog.current_schemas(false)::pg_catalog.text[]").text(0, 0);
  session.begin();
  session.execute("SET LOCAL search_path = pg_catalog");
  const PgRows found = session.query(kStrange, {path});
  session.rollback();
  if (found.size() == 0) return;
  throw Error(Code::kConfig,
              fmt::format("operator {} of role {} would be called in place of PostgreSQL's own, "
                          "with the rights of this role",
                          found.text(0, 0), found.text(0, 1)),
              "drop it, or give it to an owner who is trusted: the owner of the database or of the "
              "schema; or take the schema out of this role's search_path");
}

}  // namespace lugger
