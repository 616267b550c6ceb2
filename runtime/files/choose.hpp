// Which of the collections of a place is meant.
#pragma once
#include <vector>

#include "place/source.hpp"

namespace lugger {

/// Whether an unnamed collection is shown and taken: not those that belong to the server itself
/// (admin, config, system.*), nor the oplog.
bool is_users_collection(const CollectionInfo& info);

/// By options.collection ("db.name" or "name") and options.database; without a name the only one
/// there is. Error{config}, with the names there are, when none or several fit, and for views and
/// time series, which hold nothing that can be read.
const CollectionInfo& choose_collection(const std::vector<CollectionInfo>& all,
                                        const Options& options, std::string_view place);

/// Collections that lie in a place more than once ("users.bson" beside "users.bson.gz"), of those
/// of a place sorted by name: a sentence each.
std::vector<std::string> doubled_collections(const std::vector<CollectionInfo>& all);
/// Error{config} when `chosen`, one of them, is such a one.
void refuse_doubled(const std::vector<CollectionInfo>& all, const CollectionInfo& chosen);

/// Only what options.database and the rule of is_users_collection() leave.
std::vector<CollectionInfo> listed_collections(std::vector<CollectionInfo> all,
                                               const Options& options);

}  // namespace lugger
