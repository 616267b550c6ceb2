// Files as a kind of place: dumps, archives, BSON and JSON files to read, JSON lines to write.
#pragma once
#include "place/source.hpp"

namespace lugger {

/// What files take as sources.
std::span<const OptionSpec> file_options();
std::unique_ptr<Source> open_files(const std::string& place, const Options& options);
PlaceInfo look_at_files(const std::string& place, const Options& options);

/// Whether a place that nothing else claims can be written to as JSON lines, by its name.
bool is_json_lines(std::string_view place);

}  // namespace lugger
