// Finds the collection of a place that the options mean.
#pragma once
#include <vector>

#include "place/source.hpp"

namespace lugger {

/// True for collections that are listed and chosen without being named: not those of the server
/// itself (admin, config, system.*), nor the oplog.
bool is_users_collection(const CollectionInfo& info);

/// Chooses by options.collection ("db.name" or "name") and options.database; without a name, the
/// only collection. Error{config} with the available names when none or several match, and for
/// views and time series, which have no data that can be read.
const CollectionInfo& choose_collection(const std::vector<CollectionInfo>& all,
                                        const Options& options, std::string_view place);

/// Collections that exist more than once in a place ("users.bson" and "users.bson.gz"), one
/// sentence each. The list must be sorted by name.
std::vector<std::string> doubled_collections(const std::vector<CollectionInfo>& all);
/// Error{config} when `chosen` exists more than once.
void refuse_doubled(const std::vector<CollectionInfo>& all, const CollectionInfo& chosen);

/// The collections that options.database and is_users_collection() select.
std::vector<CollectionInfo> listed_collections(std::vector<CollectionInfo> all,
                                               const Options& options);

}  // namespace lugger
