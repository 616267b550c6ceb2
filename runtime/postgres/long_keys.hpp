// Finds keys that are too long for a btree index before the key is built. Later would be too late:
// with all rows in the table, the whole load would have to be repeated.
#pragma once
#include <functional>

#include "postgres/loader.hpp"

namespace lugger {

/// The longest text, in bytes, that fits into a btree with 8 kB pages: a third of a page, minus the
/// overhead of tuple and value.
inline constexpr uint64_t kLongestKey = 2692;

/// Adds the documents, from `first` on, whose keys may be too long.
void find_long_keys(const PgLoad& load, const UnitDocuments& unit, size_t first,
                    std::vector<size_t>& found);

/// Lets the server try the keys of these documents in the open transaction, because values that
/// compress well may fit. Calls `refuse` for those that do not fit, and leaves them out.
void refuse_long_keys(PgLoad& load, UnitDocuments& unit, const std::vector<size_t>& documents,
                      const std::function<void(size_t document, const Error& error)>& refuse);

/// For rows that are in the table already: SQL over a table "t", true for a key that does not fit.
std::string is_too_long(const std::vector<std::string>& quoted_columns);

}  // namespace lugger
