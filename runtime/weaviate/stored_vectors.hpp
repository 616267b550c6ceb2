// The vectors that a class holds already: its index takes no others than those of their dimensions.
#pragma once
#include "place/target.hpp"
#include "weaviate/layout.hpp"
#include "weaviate/server.hpp"

namespace lugger {

/// Of a class, or the tenant of it, that holds objects: columns whose vectors have other dimensions.
void check_stored_vectors(WeaviateServer& server, const PlanShape& plan, const ClassLayout& layout,
                          TargetReport& report);

}  // namespace lugger
