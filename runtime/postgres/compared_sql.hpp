// SQL that reads the rows of compared tables, the table under the name t.
#pragma once
#include <string>
#include <vector>

#include "postgres/compared.hpp"

namespace lugger {

/// SELECT of the compared columns, those compared by the server as text, then the hashes of keys.
/// `condition`: "" or SQL. `places`: with tableoid and ctid in front.
std::string select_compared(const PgComparedTable& table, const std::string& condition,
                            bool places = false);

/// SQL: the rows of a table whose columns `by` (its key, or that of its document) are one of these.
std::string keys_condition(const PgComparedTable& table, const std::vector<size_t>& by,
                           const std::vector<const KeyText*>& keys);

/// `where` for a table: the user's condition on the document's own tables, and on children that
/// their document satisfies it; "" without one.
std::string where_condition(const PgComparedTables& tables, const PgComparedTable& table,
                            const std::string& where);

}  // namespace lugger
