// Pinecone as a target: rows become records of an index.
#pragma once
#include <memory>
#include <span>

#include "place/target.hpp"

namespace lugger {

std::span<const OptionSpec> pinecone_target_options();
std::shared_ptr<Target> make_pinecone_target(const std::string& place, const Options& options);

}  // namespace lugger
