#include "weaviate/importer.hpp"

#include <algorithm>

namespace lugger {
namespace {

// Below what proxies let pass, and far below what Weaviate takes.
constexpr size_t kBodyBytes = 4 << 20, kMostObjects = 1000;

constexpr long kTooLarge = 413, kUnprocessable = 422, kBad = 400;

bool says(const std::string& words, std::string_view part) {
  return words.find(part) != std::string::npos;
}

}  // namespace

ObjectImporter::ObjectImporter(const std::shared_ptr<HttpEndpoint>& endpoint,
                               const std::shared_ptr<HttpEndpoint>& calls, std::string class_name,
                               std::string tenant, std::string identity, IfRefused refused)
    : ObjectBatches({kBodyBytes, kMostObjects}),
      server_(endpoint),
      call_(calls ? make_grpc_call(server_, calls, class_name, tenant) : make_rest_call(server_)),
      class_name_(std::move(class_name)),
      tenant_(std::move(tenant)),
      identity_(std::move(identity)),
      takes_back_(refused == IfRefused::kTakeBack) {}

/// With a class that is gone, the server makes one by its own guesses.
void ObjectImporter::check_class() {
  const std::optional<WeaviateClass> now = server_.find_class(class_name_);
  if (now && server_.identity(*now) == identity_) return;
  throw Error(Code::kConflict,
              fmt::format("the class {} {}", class_name_,
                          now ? "was changed while it was loaded" : "is gone"),
              "nothing was written into it since; start the run again with --restart once the "
              "class stands as it should");
}

ObjectBatches::Posted ObjectImporter::post(const std::string&, std::span<const size_t> objects) {
  batch_.clear();
  for (const size_t i : objects) batch_.push_back(object(i));
  const BatchAnswer answer = call_->send(batch_);
  if (!answer.good()) {
    const bool divides =
        answer.status == kTooLarge || answer.status == kUnprocessable || answer.status == kBad;
    std::string words = fmt::format("{} {}", answer.status, answer.words);
    if (!divides) raise(Code::kRead, "{} takes no objects: {}", class_name_, words);
    if (objects.size() == 1) check_class();
    return {std::move(words), answer.status == kTooLarge};
  }
  const auto outside = [&](const BatchRefusal& one) { return one.object >= objects.size(); };
  if (!answer.refused || std::ranges::any_of(*answer.refused, outside)) {
    raise(Code::kConnect,
          "{}: the server's answer to a batch of {} objects does not say what became of each",
          class_name_, objects.size());
  }
  if (!answer.refused->empty()) check_class();
  for (const BatchRefusal& refused : *answer.refused) {
    judge(objects[refused.object], refused.reason);
    if (takes_back_) take_back(objects[refused.object]);
  }
  return {};
}

/// Weaviate may store an object before its indexes take the vectors. Of one that they refuse no
/// search would know, and the class would hold what is a reject. One that was refused before it was
/// stored leaves what stood under its id, which must stay: it has other vectors, or the same ones,
/// and then the object would be refused without them, too.
void ObjectImporter::take_back(size_t refused) {
  const ObjectVectors vectors = call_->vectors_of(object(refused));
  if (vectors.empty()) return;
  const std::string id = call_->id_of(object(refused));
  const std::optional<std::string> stands = server_.object(class_name_, tenant_, id);
  if (!stands || vectors_of_json(*stands) != vectors) return;
  const std::string bare = call_->without_vectors(object(refused));
  const std::string_view one(bare);
  const BatchAnswer answer = call_->send({&one, 1});
  if (answer.good() && answer.refused && answer.refused->empty())
    server_.erase(class_name_, tenant_, id);
}

/// Most reasons are the object's own. The others would make rejects of everything that follows.
void ObjectImporter::judge(size_t object, std::string reason) {
  if (says(reason, "read-only") || says(reason, "read only")) {
    throw Error(Code::kConnect, fmt::format("{} takes no objects now: {}", class_name_, reason),
                "a disk that is nearly full makes Weaviate read-only "
                "(DISK_USE_READONLY_PERCENTAGE); once there is room, the same command goes on");
  }
  if (says(reason, "tenant not active") || says(reason, "tenant not found")) {
    throw Error(Code::kConflict, fmt::format("{}: {}", class_name_, reason),
                "activate or make the tenant, then run the same command again");
  }
  refuse(object, std::move(reason));
}

}  // namespace lugger
