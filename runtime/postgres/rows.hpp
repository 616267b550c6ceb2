#pragma once
#include <memory>
#include <string>

#include "place/rows.hpp"

namespace lugger {

/// `keep` is held as long as the rows; it keeps the server alive.
std::unique_ptr<Rows> make_pg_rows(std::string url, bool pooled, std::shared_ptr<void> keep);

}  // namespace lugger
