// Weaviate as a target: rows become objects of a class.
#pragma once
#include <memory>
#include <span>

#include "place/target.hpp"

namespace lugger {

std::span<const OptionSpec> weaviate_target_options();
std::shared_ptr<Target> make_weaviate_target(const std::string& place, const Options& options);

}  // namespace lugger
