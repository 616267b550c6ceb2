// Deletes rows of compared tables, for a repair.
#pragma once
#include "postgres/compared.hpp"

namespace lugger {

std::unique_ptr<RowEraser> make_pg_row_eraser(const std::string& url, bool pooled,
                                              const PgComparedTables& tables);

}  // namespace lugger
