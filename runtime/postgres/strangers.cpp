#include "postgres/strangers.hpp"

#include "base/error.hpp"

namespace lugger {
namespace {

/// If the path lists pg_catalog after other schemas, these can redefine its names; if it does not
/// list pg_catalog, pg_catalog comes first. Superusers, the owners of the database and of the
/// schema, and the session's own role are trusted: they could do anything without an operator.
/// Objects of an extension were made by somebody who may create extensions. An operator on types of
/// its own owner is only used with values of such a type, unless other types are cast to it
/// implicitly. This query itself does not depend on the path. pgvector's schema stands last: its
/// types, operators and operator classes are found wherever the extension was put. A path without
/// a schema stays as it is, so that nothing is made there.
constexpr const char* kLook = R"(
SELECT p.first, o.shown, o.owner
FROM (SELECT CASE WHEN e.nspname IS NOT NULL
          OR c.path[1] OPERATOR(pg_catalog.<>) 'pg_catalog'::pg_catalog.name
          AND 'pg_catalog'::pg_catalog.name OPERATOR(pg_catalog.=) ANY (c.path)
        THEN pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.quote_ident(s::pg_catalog.text)
          FROM pg_catalog.unnest(pg_catalog.array_append(c.path, e.nspname)) AS s
          WHERE s OPERATOR(pg_catalog.<>) 'pg_catalog'::pg_catalog.name), ', ') END AS first,
      pg_catalog.array_append(c.path, e.nspname) AS path
    FROM (SELECT pg_catalog.current_schemas(false) AS path) c
      LEFT JOIN (SELECT s.nspname FROM pg_catalog.pg_extension x
          JOIN pg_catalog.pg_namespace s ON s.oid OPERATOR(pg_catalog.=) x.extnamespace
        WHERE x.extname OPERATOR(pg_catalog.=) 'vector'::pg_catalog.name
          AND pg_catalog.has_schema_privilege(s.oid, 'USAGE')) e
        ON e.nspname OPERATOR(pg_catalog.<>) ALL (c.path)
          AND pg_catalog.current_schema() IS NOT NULL) p
  LEFT JOIN LATERAL (
    SELECT pg_catalog.format('%s.%s(%s,%s)', n.nspname, o.oprname,
        pg_catalog.format_type(o.oprleft, NULL), pg_catalog.format_type(o.oprright, NULL)) AS shown,
      r.rolname AS owner
    FROM pg_catalog.pg_operator o
      JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.oprnamespace
      JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) o.oprowner
      LEFT JOIN pg_catalog.pg_type l ON l.oid OPERATOR(pg_catalog.=) o.oprleft
      LEFT JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) o.oprright
    WHERE n.nspname OPERATOR(pg_catalog.=) ANY (p.path)
      AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'::pg_catalog.name
      AND NOT r.rolsuper AND r.rolname OPERATOR(pg_catalog.<>) current_user
      AND o.oprowner OPERATOR(pg_catalog.<>) n.nspowner
      AND o.oprowner OPERATOR(pg_catalog.<>) (SELECT d.datdba FROM pg_catalog.pg_database d
        WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
      AND (l.typowner OPERATOR(pg_catalog.<>) o.oprowner
        OR t.typowner OPERATOR(pg_catalog.<>) o.oprowner
        OR EXISTS (SELECT FROM pg_catalog.pg_cast a
          WHERE a.castcontext OPERATOR(pg_catalog.=) 'i'::pg_catalog."char"
            AND (a.casttarget OPERATOR(pg_catalog.=) o.oprleft
              OR a.casttarget OPERATOR(pg_catalog.=) o.oprright)))
      AND EXISTS (SELECT FROM pg_catalog.pg_operator b
        JOIN pg_catalog.pg_namespace c ON c.oid OPERATOR(pg_catalog.=) b.oprnamespace
        WHERE c.nspname OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.name
          AND b.oprname OPERATOR(pg_catalog.=) o.oprname)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid
          AND d.objid OPERATOR(pg_catalog.=) o.oid
          AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char")
    ORDER BY o.oid LIMIT 1) o ON true)";

}  // namespace

std::string path_without_strangers(PgSession& session) {
  const PgRows found = session.query(kLook);
  if (!found[0][1]) return found.text(0, 0);
  throw Error(Code::kConfig,
              fmt::format("operator {} of role {} would be called in place of PostgreSQL's own, "
                          "with the rights of this role",
                          found.text(0, 1), found.text(0, 2)),
              "drop it, or give it to an owner who is trusted: the owner of the database or of the "
              "schema; or take the schema out of this role's search_path");
}

}  // namespace lugger
