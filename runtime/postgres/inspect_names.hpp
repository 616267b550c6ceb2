// Names that a load gives to its indexes, looked up before the first row.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "postgres/session.hpp"

namespace lugger {

/// Tables, indexes and views share their names in a schema: what is taken by something else would
/// only be refused when all rows are in. `wanted`: table -> names of its indexes. One sentence for
/// each name that is taken.
std::vector<std::string> taken_names(PgSession& session,
                                     const std::map<std::string, std::vector<std::string>>& wanted);

}  // namespace lugger
