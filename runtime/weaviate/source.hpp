// Weaviate as a source: the objects of a class.
#pragma once
#include <memory>
#include <span>

#include "place/source.hpp"

namespace lugger {

std::span<const OptionSpec> weaviate_source_options();
std::unique_ptr<Source> make_weaviate_source(const std::string& place, const Options& options);
PlaceInfo look_at_weaviate(const std::string& place, const Options& options);

}  // namespace lugger
