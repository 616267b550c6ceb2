#include "http/grpc.hpp"
#include "weaviate/object_call.hpp"
#include "weaviate/object_message.hpp"
#include "weaviate/protobuf.hpp"

namespace lugger {
namespace {

constexpr uint32_t kObjects = 1;  // the field of the message BatchObjectsRequest
// Of the message SearchRequest.
constexpr uint32_t kCollection = 1, kTenant = 10, kLimit = 30, kApi123 = 100, kApi125 = 101,
                   kApi127 = 102;
constexpr long kTooLarge = 413;
constexpr std::string_view kRightPort =
    "grpc_port = PORT names that of the same Weaviate, grpc = false does without";

class GrpcCall final : public ObjectCall {
 public:
  GrpcCall(WeaviateServer& server, const std::shared_ptr<HttpEndpoint>& endpoint,
           std::string class_name, std::string tenant)
      : server_(server),
        client_(endpoint),
        class_name_(std::move(class_name)),
        tenant_(std::move(tenant)) {}

  BatchAnswer send(std::span<const std::string_view> objects) override {
    std::vector<BatchRefusal> refused;
    size_t sent = 0;
    // The first goes alone, in case that another server is called.
    for (; !proved_ && sent < objects.size(); ++sent) {
      const BatchAnswer one = prove_server(objects[sent]);
      if (!one.refused) return one;
      for (const BatchRefusal& first : *one.refused) refused.push_back({sent, first.reason});
    }
    if (sent == objects.size()) return {200, "", std::move(refused)};
    BatchAnswer out = post(objects.subspan(sent));
    if (!out.refused) return out;
    for (BatchRefusal& other : *out.refused) {
      other.object += sent;
      refused.push_back(std::move(other));
    }
    out.refused = std::move(refused);
    return out;
  }

  std::string id_of(std::string_view object) const override {
    return std::string(ObjectMessages::id_of(object));
  }

  ObjectVectors vectors_of(std::string_view object) const override {
    return ObjectMessages::vectors_of(object);
  }

  std::string without_vectors(std::string_view object) const override {
    return ObjectMessages::without_vectors(object);
  }

 private:
  BatchAnswer post(std::span<const std::string_view> objects) {
    body_ = grpc::kHead;
    ByteBuffer head;
    for (const std::string_view object : objects) {
      head.clear();
      protobuf::put_tag(head, kObjects, protobuf::kBytes);
      protobuf::put_varint(head, object.size());
      body_ += head.text();
      body_ += object;
    }
    grpc::end_frame(body_);
    // The server would break off in the middle, which looks like a connection that is lost.
    if (const size_t size = body_.size() - grpc::kHead.size(); size > most_bytes_)
      return {kTooLarge, fmt::format("a message of {} bytes is larger than the {} that the server "
                                     "takes (GRPC_MAX_MESSAGE_SIZE)",
                                     size, most_bytes_)};
    const HttpAnswer answer = client_.send({"POST", "/weaviate.v1.Weaviate/BatchObjects", body_});
    if (!answer.good()) return {answer.status, answer.body};
    const std::optional<std::string_view> message = grpc::message_of(answer.body);
    return {answer.status, "", message ? read_reply(*message) : std::nullopt};
  }

  /// A server without the class would make one by its own guesses.
  void ask_for_class() {
    ByteBuffer search;
    protobuf::put(search, kCollection, class_name_);
    if (!tenant_.empty()) protobuf::put(search, kTenant, tenant_);
    for (const uint32_t field : {kLimit, kApi123, kApi125, kApi127}) {
      protobuf::put_tag(search, field, protobuf::kVarint);
      protobuf::put_varint(search, 1);
    }
    body_ = grpc::kHead;
    body_ += search.text();
    grpc::end_frame(body_);
    const HttpAnswer answer = client_.send({"POST", "/weaviate.v1.Weaviate/Search", body_, nullptr,
                                            [](long, std::string_view) { return true; }});
    asked_ = answer.good();
    if (asked_) {
      most_bytes_ = server_.most_of_call();
      return;
    }
    throw Error(
        Code::kConfig,
        fmt::format("the port of gRPC does not know the class {}: {}", class_name_, answer.body),
        std::string(kRightPort));
  }

  BatchAnswer prove_server(std::string_view object) {
    if (!asked_) ask_for_class();
    const std::string id = id_of(object);
    const bool was_there = server_.object(class_name_, tenant_, id).has_value();
    BatchAnswer out = post({&object, 1});
    if (!out.refused || !out.refused->empty()) return out;  // says nothing
    proved_ = true;
    if (was_there || server_.object(class_name_, tenant_, id)) return out;
    throw Error(Code::kConfig,
                fmt::format("the port of gRPC belongs to another Weaviate: the object {} of {} "
                            "went there",
                            id, class_name_),
                std::string(kRightPort));
  }

  WeaviateServer& server_;
  HttpClient client_;
  const std::string class_name_, tenant_;
  std::string body_;
  size_t most_bytes_ = SIZE_MAX;  // of a message
  bool asked_ = false;            // what is called has the class
  bool proved_ = false;           // what is called is the same server
};

}  // namespace

std::unique_ptr<ObjectCall> make_grpc_call(WeaviateServer& server,
                                           const std::shared_ptr<HttpEndpoint>& endpoint,
                                           std::string class_name, std::string tenant) {
  return std::make_unique<GrpcCall>(server, endpoint, std::move(class_name), std::move(tenant));
}

}  // namespace lugger
