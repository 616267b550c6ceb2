// Pinecone as a source: the records of an index.
#pragma once
#include <memory>
#include <span>

#include "place/source.hpp"

namespace lugger {

std::span<const OptionSpec> pinecone_source_options();
std::unique_ptr<Source> make_pinecone_source(const std::string& place, const Options& options);
PlaceInfo look_at_pinecone(const std::string& place, const Options& options);

}  // namespace lugger
