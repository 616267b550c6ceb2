#include "mongo/deployment.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mongo/command.hpp"
#include "mongo/cursor.hpp"
#include "value/document.hpp"
#include "value/json_writer.hpp"

namespace lugger {
namespace {

constexpr int32_t kCommandNotFound = 59, kNamespaceNotFound = 26;

Value field(const Value& document, std::string_view name) noexcept {
  return document.type == ValueType::kDocument ? bson_field(document.bytes(), name) : Value();
}

bool is_true(const Value& value) noexcept { return value.type == ValueType::kBool && value.i64; }

MongoCollection collection_of(const std::string& database, Bytes document) {
  MongoCollection out;
  out.database = database;
  out.name = text_of(bson_field(document, "name"));
  out.type = text_of(bson_field(document, "type"));
  if (out.type.empty()) out.type = "collection";
  const Value options = bson_field(document, "options");
  if (options.type == ValueType::kDocument)
    out.options.assign(options.bytes().begin(), options.bytes().end());
  const Value uuid = field(bson_field(document, "info"), "uuid");
  if (uuid.type == ValueType::kBinary || uuid.type == ValueType::kUuid)
    out.uuid = to_hex(uuid.bytes());
  return out;
}

/// listCollections, in full or as a role is answered that may not list the database.
std::vector<MongoCollection> ask_for_collections(MongoClient& client, const std::string& database,
                                                 std::string_view name, bool in_full,
                                                 const std::optional<MongoServer>& at) {
  MongoCommand command("listCollections", 1);
  if (!name.empty()) command.begin("filter").add("name", name).end();
  if (!in_full) command.add("nameOnly", true).add("authorizedCollections", true);
  std::vector<MongoCollection> out;
  const auto use = [&](Bytes document) {
    out.push_back(collection_of(database, document));
    out.back().listed = in_full;
  };
  each_document(client, database, command.done(), use, at);
  std::ranges::sort(out, {}, &MongoCollection::name);
  return out;
}

uint64_t time_of(const MongoReply& reply) noexcept {
  const Value time = reply["operationTime"];
  return time.type == ValueType::kTimestamp ? static_cast<uint64_t>(time.i64) : 0;
}

/// A mongos tells the time that it has heard of, and others may write through another one. Asking
/// all shards brings the newest of theirs, and needs no right.
uint64_t time_of_shards(MongoClient& client, const MongoServer& mongos) {
  try {
    return time_of(
        client.run("admin", MongoCommand("listDatabases", 1).add("nameOnly", true).done(), mongos));
  } catch (const MongoFault& fault) {
    if (fault.passes()) throw;
    return 0;
  }
}

}  // namespace

MongoReply say_hello(MongoClient& client, const MongoServer& server) {
  try {
    return client.run("admin", MongoCommand("hello", 1).done(), server);
  } catch (const MongoFault& fault) {
    if (fault.number() != kCommandNotFound) throw;
    return client.run("admin", MongoCommand("isMaster", 1).done(), server);  // before 4.4.2
  }
}

/// The primary is asked: the time that a secondary tells is that of what it has applied.
MongoDeployment look_at_deployment(MongoClient& client) {
  const MongoServer primary = client.primary();
  const MongoReply reply = say_hello(client, primary);
  MongoDeployment out;
  out.set = text_of(reply["setName"]);
  out.sharded = text_of(reply["msg"]) == "isdbgrid";
  out.time = time_of(reply);
  if (out.sharded) out.time = std::max(out.time, time_of_shards(client, primary));
  return out;
}

void each_document(MongoClient& client, const std::string& database, Bytes command,
                   const std::function<void(Bytes)>& use, const std::optional<MongoServer>& at) {
  constexpr int32_t kDocuments = 1000;
  MongoCursor cursor(client, database, at ? *at : client.pick());
  cursor.ask_for(kDocuments);
  cursor.open(command);
  for (;;) {
    for (Bytes document; cursor.next(document);) use(document);
    if (!cursor.more()) return;
    cursor.fetch();
  }
}

std::vector<std::string> list_databases(MongoClient& client) {
  const MongoReply reply =
      client.run("admin", MongoCommand("listDatabases", 1).add("nameOnly", true).done());
  std::vector<std::string> out;
  const Value databases = reply["databases"];
  if (databases.type != ValueType::kArray) return out;
  for (BsonReader reader(databases.bytes()); reader.next();) {
    std::string name = text_of(field(reader.value(), "name"));
    if (name != "admin" && name != "config" && name != "local") out.push_back(std::move(name));
  }
  std::ranges::sort(out);
  return out;
}

std::vector<MongoCollection> list_collections(MongoClient& client, const std::string& database,
                                              std::string_view name,
                                              const std::optional<MongoServer>& at) {
  try {
    return ask_for_collections(client, database, name, true, at);
  } catch (const MongoFault& fault) {
    if (fault.number() != MongoFault::kUnauthorized) throw;
    return ask_for_collections(client, database, name, false, at);
  }
}

MongoSize size_of_collection(MongoClient& client, const std::string& database,
                             const std::string& name) {
  try {
    const MongoReply reply = client.run(database, MongoCommand("collStats", name).done());
    return {static_cast<uint64_t>(reply.number("size")),
            static_cast<uint64_t>(reply.number("count")), true, false, is_true(reply["sharded"])};
  } catch (const MongoFault& fault) {
    if (fault.passes()) throw;
    MongoSize out;  // no right to it, or no such command: progress has no end to show
    out.denied = fault.number() == MongoFault::kUnauthorized;
    return out;
  }
}

MongoMetadata metadata_of(MongoClient& client, const MongoCollection& collection) {
  MongoMetadata made;
  MongoCommand out("options", Value::of(ValueType::kDocument, collection.options));
  out.begin_array("indexes");
  try {
    if (collection.type == "collection") {
      each_document(client, collection.database,
                    MongoCommand("listIndexes", collection.name).done(),
                    [&](Bytes index) { out.push(Value::of(ValueType::kDocument, index)); });
    }
  } catch (const MongoFault& fault) {
    made.denied = fault.number() == MongoFault::kUnauthorized;
    if (fault.passes() || (!made.denied && fault.number() != kNamespaceNotFound)) throw;
  }
  out.end().add("uuid", collection.uuid).add("collectionName", collection.name);
  const Bytes bytes = out.add("type", collection.type).done();
  made.json = document_json(Document{bytes.data(), static_cast<uint32_t>(bytes.size())});
  return made;
}

}  // namespace lugger
