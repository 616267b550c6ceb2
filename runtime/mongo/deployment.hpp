// What is asked of a live MongoDB before it is read: what it is, and what its collections are.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mongo/client.hpp"
#include "place/source.hpp"

namespace lugger {

struct MongoDeployment {
  std::string set;       // name of the replica set; "": none
  bool sharded = false;  // a mongos answers
  /// Has an oplog: it is a replica set, or sharded.
  bool replicated() const noexcept { return sharded || !set.empty(); }
  /// Time of the deployment when it was asked, as BSON has a timestamp; 0: it does not tell.
  uint64_t time = 0;
};
/// What a server says of itself.
MongoReply say_hello(MongoClient& client, const MongoServer& server);
/// Of the primary: the time that a secondary tells is that of what it has applied.
MongoDeployment look_at_deployment(MongoClient& client);

/// A collection as listCollections tells of it.
struct MongoCollection {
  std::string database, name, type;                // type: "collection", "view", "timeseries"
  std::string uuid;                                // 32 hex digits; "": the server gives none
  std::vector<uint8_t> options = {5, 0, 0, 0, 0};  // BSON
  /// False: the role may not list the database, so nothing but the name is known.
  bool listed = true;
};

/// Runs a command that opens a cursor and calls `use` with each of its documents. `at`: the member
/// that is asked; nullopt: one that the read preference names.
void each_document(MongoClient& client, const std::string& database, Bytes command,
                   const std::function<void(Bytes)>& use,
                   const std::optional<MongoServer>& at = {});
/// Names of the databases that the role can see; not those of the server itself.
std::vector<std::string> list_databases(MongoClient& client);
/// All collections of a database, or the one of that name, by name. Where the role may not list it:
/// those that it has any right to.
std::vector<MongoCollection> list_collections(MongoClient& client, const std::string& database,
                                              std::string_view name = {},
                                              const std::optional<MongoServer>& at = {});
/// Size and number of documents as the server keeps them; zeros where it does not tell.
struct MongoSize {
  uint64_t bytes = 0, documents = 0;
  bool known = false;
  bool denied = false;   // the role may not ask
  bool sharded = false;  // its documents lie on several shards
};
MongoSize size_of_collection(MongoClient& client, const std::string& database,
                             const std::string& name);
/// What mongodump would write beside the collection: options, indexes, uuid, name, type.
struct MongoMetadata {
  std::string json;
  bool denied = false;  // the role may not ask for indexes: it has none
};
MongoMetadata metadata_of(MongoClient& client, const MongoCollection& collection);

}  // namespace lugger
