// Rows that a repair deletes from compared tables.
#pragma once
#include "place/rows.hpp"

namespace lugger {

std::unique_ptr<RowEraser> make_pg_row_eraser(const std::string& url, bool pooled,
                                              const std::vector<ComparedTable>& tables);

}  // namespace lugger
