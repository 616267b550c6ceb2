// A collection's metadata, as mongodump writes it, updated to the end of an oplog.
#pragma once
#include <string>

#include "change/namespaces.hpp"

namespace lugger {

/// Indexes and options after create, createIndexes, commitIndexBuild, dropIndexes, collMod and
/// convertToCapped, under the collection's last name. metadata_json may be empty. Error{parse} when
/// it is no JSON.
std::string metadata_after(const std::string& metadata_json, const Lineage& lineage);

/// What a capped collection may hold; 0: no limit.
struct CappedLimits {
  bool capped = false;
  uint64_t bytes = 0, documents = 0;
};
CappedLimits capped_limits(const std::string& metadata_json);

}  // namespace lugger
