// What stores that keep rows as objects ask of a mapping, each in its own words.
#pragma once
#include <string_view>

#include "place/target.hpp"

namespace lugger {

struct ObjectStoreWords {
  std::string_view store;    // "Weaviate"
  std::string_view object;   // "an object"
  std::string_view holder;   // "class"
  std::string_view indexes;  // what is said of indexes in the mapping
};

void check_object_mapping(const PlanShape& plan, const ObjectStoreWords& words,
                          TargetReport& report);

}  // namespace lugger
