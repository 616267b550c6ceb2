// SQL that reads the rows of compared tables, with "t" as the alias of the table.
#pragma once
#include <string>
#include <vector>

#include "postgres/compared.hpp"

namespace lugger {

/// SELECT of the compared columns, those compared by the server as text, then of the hashes of
/// keys. `condition`: "" or SQL. `places`: adds tableoid and ctid in front.
std::string select_compared(const PgComparedTable& table, const std::string& condition,
                            bool places = false);

/// SQL: the rows of a table whose columns `by` (its key, or the key of its document) are one of
/// these.
std::string keys_condition(const PgComparedTable& table, const std::vector<size_t>& by,
                           const std::vector<const KeyText*>& keys);

/// `where` for a table: on the document's own tables the user's condition; on child tables, that
/// the document satisfies it. "" without a condition.
std::string where_condition(const PgComparedTables& tables, const PgComparedTable& table,
                            const std::string& where);

}  // namespace lugger
