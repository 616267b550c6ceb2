// Keys that are too long for a btree, found before the key is built: afterwards all rows stand in
// the table, and nothing can be done but to begin again.
#pragma once
#include <functional>

#include "postgres/loader.hpp"

namespace lugger {

/// Bytes of one text that a btree of 8 kB pages takes: a third of a page, less what tuple and value
/// need beside it.
inline constexpr uint64_t kLongestKey = 2692;

/// Adds the documents from `first` on whose keys may be too long.
void find_long_keys(const PgLoad& load, const UnitDocuments& unit, size_t first,
                    std::vector<size_t>& found);

/// Has the server try the keys of these documents, in the open transaction; values that compress
/// well may fit. `refuse` gets those that do not, which are then left out.
void refuse_long_keys(PgLoad& load, UnitDocuments& unit, const std::vector<size_t>& documents,
                      const std::function<void(size_t document, const Error& error)>& refuse);

/// Where the rows stand already: SQL over a table "t", true for a key that does not fit.
std::string is_too_long(const std::vector<std::string>& quoted_columns);

}  // namespace lugger
