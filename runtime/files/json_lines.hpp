// JSON lines as a target: a file, a .gz, or standard output.
#pragma once
#include "place/target.hpp"

namespace lugger {

std::shared_ptr<Target> make_json_lines_target(const std::string& place, const Options& options);
std::span<const OptionSpec> json_lines_options();

}  // namespace lugger
