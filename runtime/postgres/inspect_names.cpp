#include "postgres/inspect_names.hpp"

#include "plan/object_names.hpp"

namespace lugger {

std::vector<std::string> taken_names(
    PgSession& session, const std::map<std::string, std::vector<std::string>>& wanted) {
  std::vector<std::string> out;
  for (const auto& [table, names] : wanted) {
    std::string list;
    for (const std::string& name : names)
      list += (list.empty() ? "" : ", ") + PgSession::quote_literal(name);
    const PgRows taken = session.query_again(
        "SELECT c.relname, CASE WHEN i.indexrelid IS NULL THEN 'another table or view' ELSE"
        " 'an index of ' || i.indrelid::regclass::text END FROM pg_class c LEFT JOIN pg_index i"
        " ON i.indexrelid = c.oid WHERE c.relname IN (" +
            list +
            ") AND c.relnamespace ="
            " coalesce((SELECT t.relnamespace FROM pg_class t WHERE t.oid = "
            "pg_catalog.to_regclass($1)),"
            " (SELECT n.oid FROM pg_namespace n WHERE n.nspname = coalesce(nullif($2, ''),"
            " pg_catalog.current_schema()))) AND (i.indrelid IS NULL OR"
            " i.indrelid IS DISTINCT FROM pg_catalog.to_regclass($1)::oid)",
        {PgSession::quote_table(table), split_table_name(table).first});
    for (size_t i = 0; i < taken.size(); ++i) {
      out.push_back(fmt::format("{}: the name {}, which an index of it is to have, is taken by {}",
                                table, taken.text(i, 0), taken.text(i, 1)));
    }
  }
  return out;
}

}  // namespace lugger
