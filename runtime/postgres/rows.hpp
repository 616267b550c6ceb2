#pragma once
#include <memory>
#include <string>

#include "place/rows.hpp"

namespace lugger {

/// `keep`: held as long as the rows are, for the server that they are in.
std::unique_ptr<Rows> make_pg_rows(std::string url, bool pooled, std::shared_ptr<void> keep);

}  // namespace lugger
