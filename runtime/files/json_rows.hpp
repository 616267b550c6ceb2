// Reads a file of JSON lines back as rows, to compare them with what a plan makes of the source.
#pragma once
#include <memory>
#include <string>

#include "place/rows.hpp"

namespace lugger {

/// For lines of one table without child rows, in plain style. A line that does not read as a row is
/// none: its row is missing. Each lookup by keys reads the whole file.
std::unique_ptr<Rows> make_json_rows(std::string place);

}  // namespace lugger
