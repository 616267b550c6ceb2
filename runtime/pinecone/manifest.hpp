// How the vectors of an index were made, as tags of the index: lugger_model, lugger_prefix, ...
#pragma once
#include <string>
#include <vector>

#include "pinecone/index.hpp"
#include "plan/manifest.hpp"

namespace lugger {

/// Of the dense vectors of its records; dimensions and metric are those of the index.
VectorManifest manifest_of_index(const PineconeIndex& index, std::string column);

/// What is changed about the tags for them to say this, as the body of a request; "": nothing.
std::string tags_to_change(const PineconeIndex& index, const VectorManifest& manifest);

/// The facts that are too long for a tag.
std::vector<std::string> facts_without_tag(const VectorManifest& manifest);

}  // namespace lugger
