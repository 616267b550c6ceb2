// What is told of a live collection before it is read: what the role may not do and what that costs,
// and what stands around the collection that no table has.
#pragma once
#include <string>
#include <vector>

#include "mongo/scan.hpp"

namespace lugger {

/// Error{config} for collections of the server itself.
void refuse_servers_own(const MongoCollection& collection, const std::string& shown);
/// What a run must know, too.
std::vector<std::string> warnings_of(const MongoCollection& collection);
/// What a look at the source should tell.
std::vector<std::string> advice_of(const ScanPlace& place, const MongoSize& size,
                                   const MongoMetadata& metadata);
/// From the collections beside it: GridFS, views that read from it; and that it is sharded.
std::vector<std::string> decisions_of(const MongoCollection& collection, const MongoSize& size,
                                      const std::vector<MongoCollection>& all);

}  // namespace lugger
