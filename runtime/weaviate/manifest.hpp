// How the vectors of a class were made. That stands in the description of the class: a class of
// lugger's own beside it would be lost with a backup of the one, and be searched with the others.
#pragma once
#include <vector>

#include "plan/manifest.hpp"
#include "weaviate/layout.hpp"
#include "weaviate/server.hpp"

namespace lugger {

/// By the vector's name, "" for that without one. The metric is that of the vector's index.
std::vector<VectorManifest> manifests_of_class(const WeaviateClass& of);
/// The description with the manifests of a mapping in it.
std::string description_with(const std::string& description,
                             const std::vector<VectorManifest>& manifests, const PlanShape& plan,
                             const ClassLayout& layout);
/// By column of the plan.
std::vector<VectorManifest> manifests_of_columns(const WeaviateClass& of, const PlanShape& plan,
                                                 const ClassLayout& layout);
/// Changes the description where it says something else. Error{config} when the server does not
/// let it be changed.
void keep_weaviate_manifests(WeaviateServer& server, const WeaviateClass& there,
                             const PlanShape& plan, const ClassLayout& layout);

}  // namespace lugger
