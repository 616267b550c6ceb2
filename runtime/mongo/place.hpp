// A live MongoDB as a place: its collections as sources.
#pragma once
#include <memory>
#include <span>

#include "place/source.hpp"

namespace lugger {

std::span<const OptionSpec> mongo_options();
std::unique_ptr<Source> make_mongo_source(const std::string& place, const Options& options);
PlaceInfo look_at_mongo(const std::string& place, const Options& options);

}  // namespace lugger
