#include "mongo/place.hpp"

#include <algorithm>

#include "base/url.hpp"
#include "mongo/ddl.hpp"
#include "mongo/feed.hpp"
#include "mongo/preflight.hpp"
#include "mongo/scan.hpp"
#include "mongo/watch.hpp"
#include "place/choose.hpp"
#include "value/json_reader.hpp"

namespace lugger {
namespace {

constexpr OptionSpec kOptions[] = {
    {"collection", OptionSpec::Type::kText,
     "Which collection of a server, dump, archive or directory: 'db.name' or 'name'; for a single "
     "file, what to call it."},
    {"database", OptionSpec::Type::kText,
     "Which database of a server, dump or archive; for a single file, what to call it."},
    {"where", OptionSpec::Type::kText,
     "A query in MongoDB's language: only documents that satisfy it are meant, { status = 'open' "
     "}."},
};

/// As BSON.
std::string where_of(const Options& options) {
  const std::string text = options.text("where");
  if (text.empty()) return {};
  try {
    return bson_from_json(text);
  } catch (const Error& error) {
    throw Error(Code::kConfig, fmt::format("where is no query: {}", error.message()),
                "where = { status = 'open' }, or the same as JSON text");
  }
}

std::string database_of(const MongoClient& client, const Options& options) {
  return options.text("database", client.database());
}

/// What `ask` gives, or nothing when the role may not ask; `denied` keeps the reason.
template <typename Ask>
auto unless_denied(Ask ask, std::optional<MongoFault>& denied) -> decltype(ask()) {
  try {
    return ask();
  } catch (const MongoFault& fault) {
    if (fault.number() != MongoFault::kUnauthorized) throw;
    denied = fault;
    return {};
  }
}

/// The database and the name of a collection that is named in full: "shop.docs", or "docs" where the
/// database is known. Nothing but find tells whether there is one.
std::optional<MongoCollection> named_in_full(const std::string& database,
                                             const std::string& wanted) {
  MongoCollection out;
  const size_t dot = wanted.find('.');
  const bool with_database =
      dot != std::string::npos && (database.empty() || wanted.substr(0, dot) == database);
  out.database = with_database ? wanted.substr(0, dot) : database;
  out.name = with_database ? wanted.substr(dot + 1) : wanted;
  out.type = "collection";
  out.listed = false;
  if (out.database.empty() || out.name.empty()) return std::nullopt;
  return out;
}

/// Of the databases that the options and the URL mean: all that the role can see, when they name
/// none. Where it may list none of them: the collection that the options name.
std::vector<MongoCollection> collections_of(MongoClient& client, const Options& options) {
  std::vector<std::string> databases;
  std::optional<MongoFault> denied;
  const std::string wanted = options.text("collection"), named = database_of(client, options);
  if (!named.empty()) {
    databases.push_back(named);
  } else {
    databases = unless_denied([&] { return list_databases(client); }, denied);
  }
  // A name may hold dots: "db.name" is taken for one where there is such a database.
  if (const size_t dot = wanted.find('.'); dot != std::string::npos) {
    const std::string database = wanted.substr(0, dot);
    if (std::ranges::find(databases, database) == databases.end()) databases.push_back(database);
  }
  std::vector<MongoCollection> out;
  for (const std::string& database : databases) {
    std::ranges::move(unless_denied([&] { return list_collections(client, database); }, denied),
                      std::back_inserter(out));
  }
  if (!denied || !out.empty()) return out;
  std::optional<MongoCollection> only = named_in_full(named, wanted);
  if (!only) throw *denied;
  out.push_back(std::move(*only));
  return out;
}

/// The URL without its database, which no stream is opened by. Where it is what says who knows the
/// user, it stays.
std::string cluster_of(const std::string& url) {
  const size_t host = url.find("://") == std::string::npos ? 0 : url.find("://") + 3;
  const size_t options = std::min(url.find('?', host), url.size());
  const size_t path = std::min(url.find('/', host), options);
  const bool asked = url.find("authSource=", options) != std::string::npos;
  if (url.substr(host, path - host).find('@') != std::string::npos && !asked) return url;
  return url.substr(0, path) + url.substr(options);
}

std::vector<CollectionInfo> infos_of(const std::vector<MongoCollection>& all,
                                     const std::string& shown) {
  std::vector<CollectionInfo> out;
  for (const MongoCollection& one : all)
    out.push_back({one.database, one.name, one.type, shown, 0, ""});
  return out;
}

class MongoSource final : public Source {
 public:
  MongoSource(const std::string& url, const Options& options) {
    place_.url = url;
    place_.shown = mask_secrets(url);
    place_.where = where_of(options);
    MongoClient client(AllowedUrl(url), "lugger inspect");
    place_.deployment = look_at_deployment(client);
    plain_host_ = client.plain_host();
    const std::vector<MongoCollection> all = collections_of(client, options);
    const std::vector<CollectionInfo> infos = infos_of(all, place_.shown);
    Options chosen = options;
    if (!options.has("collection") && !options.has("database") && !client.database().empty())
      chosen.set("database", client.database());
    if (!choose(client, all, infos, chosen)) return;
    refuse_servers_own(place_.collection, place_.shown);
    probe_scan(client, place_);
    size_ = size_of_collection(client, place_.collection.database, place_.collection.name);
    metadata_ = metadata_of(client, place_.collection);
    decisions_ = decisions_of(place_.collection, size_, all);
  }

  SourceInfo info() const override {
    SourceInfo out;
    out.kind = "mongodb";
    out.place = place_.shown;
    out.database = place_.collection.database;
    out.collection = place_.collection.name;
    out.identity = identity_of(place_);
    out.missing = missing_;
    out.bytes = size_.bytes;
    if (size_.known && place_.where.empty()) out.documents = size_.documents;
    out.moves = true;
    out.metadata_json = metadata_.json;
    out.warnings = warnings_of(place_.collection);
    if (!plain_host_.empty()) {
      out.warnings.push_back(fmt::format(
          "the connection to {} is not encrypted: the URL says no tls=true", plain_host_));
    }
    out.advice = advice_of(place_, size_, metadata_);
    out.decisions = decisions_;
    return out;
  }
  std::vector<Partition> split(int parts) override {
    if (missing_) throw Error(*missing_);
    MongoClient client(AllowedUrl(place_.url), "lugger inspect");
    return split_scan(client, place_, parts, size_.bytes);
  }
  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    if (missing_) throw Error(*missing_);
    return open_scan(place_, range_of(partition.spec, place_.shown), after);
  }
  std::vector<std::string> remarks() override { return place_.members->remarks(); }
  std::unique_ptr<FeedWatch> watch() override { return make_mongo_watch(place_); }
  std::unique_ptr<Feed> feed() override { return make_mongo_feed(place_, hub_); }
  void share(FeedHub& hub) override {
    // By the URL: with another user or other options it would be another stream.
    const auto part =
        hub.part(cluster_of(place_.url), [&] { return std::make_shared<MongoHub>(place_); });
    hub_ = std::dynamic_pointer_cast<MongoHub>(part);
    if (hub_) hub_->watch({place_.collection.database, place_.collection.name});
  }
  std::string own_stream() const override {
    if (!hub_) return {};
    return hub_->own_stream({place_.collection.database, place_.collection.name});
  }

 private:
  /// False: there is no such collection. A feed may have followed it until it was dropped or renamed.
  bool choose(MongoClient& client, const std::vector<MongoCollection>& all,
              const std::vector<CollectionInfo>& infos, const Options& options) {
    try {
      const CollectionInfo& info = choose_collection(infos, options, place_.shown);
      place_.collection = all[static_cast<size_t>(&info - infos.data())];
      return true;
    } catch (const Error& error) {
      auto named = named_in_full(database_of(client, options), options.text("collection"));
      const auto same = [&](const MongoCollection& one) {
        return one.database == named->database && one.name == named->name;
      };
      if (!named || std::ranges::any_of(all, same)) throw;
      missing_ = error;
      place_.collection = *std::move(named);
      return false;
    }
  }

  ScanPlace place_;
  std::optional<Error> missing_;   // why there is no collection
  std::shared_ptr<MongoHub> hub_;  // null: none
  MongoSize size_;
  MongoMetadata metadata_;
  std::vector<std::string> decisions_;
  std::string plain_host_;  // reached without TLS
};

}  // namespace

std::span<const OptionSpec> mongo_options() { return kOptions; }

std::unique_ptr<Source> make_mongo_source(const std::string& place, const Options& options) {
  return std::make_unique<MongoSource>(place, options);
}

PlaceInfo look_at_mongo(const std::string& place, const Options& options) {
  MongoClient client(AllowedUrl(place), "lugger inspect");
  const std::string shown = mask_secrets(place);
  PlaceInfo out;
  const std::vector<MongoCollection> all = collections_of(client, options);
  std::vector<CollectionInfo> infos = infos_of(all, shown);
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].type == "collection")
      infos[i].bytes = size_of_collection(client, all[i].database, all[i].name).bytes;
    MongoMetadata metadata = metadata_of(client, all[i]);
    infos[i].metadata_json = std::move(metadata.json);
    if (metadata.denied) {
      out.warnings.push_back(
          fmt::format("the role may not run listIndexes on {}.{}: its indexes "
                      "are not known",
                      all[i].database, all[i].name));
    }
  }
  out.collections = listed_collections(std::move(infos), options);
  return out;
}

}  // namespace lugger
