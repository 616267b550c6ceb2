// How a batch of objects goes to the server: what differs between REST and gRPC, and no more.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/batches.hpp"
#include "weaviate/object_vectors.hpp"
#include "weaviate/server.hpp"

namespace lugger {

struct BatchAnswer {
  long status = 0;    // as HTTP says it
  std::string words;  // of a batch that was not taken
  /// Of one that was, by the place in it; nullopt: the answer does not say what became of each object.
  std::optional<std::vector<BatchRefusal>> refused = std::nullopt;

  bool good() const noexcept { return status >= 200 && status < 300; }
};

/// Belongs to one worker. Objects are as the encoder of the same way writes them.
class ObjectCall {
 public:
  virtual ~ObjectCall() = default;
  /// Fails as HttpClient does.
  virtual BatchAnswer send(std::span<const std::string_view> objects) = 0;
  virtual std::string id_of(std::string_view object) const = 0;
  virtual ObjectVectors vectors_of(std::string_view object) const = 0;
  virtual std::string without_vectors(std::string_view object) const = 0;
};

std::unique_ptr<ObjectCall> make_rest_call(WeaviateServer& server);
/// Error{config} at the first send() when the endpoint belongs to another server than `server`.
std::unique_ptr<ObjectCall> make_grpc_call(WeaviateServer& server,
                                           const std::shared_ptr<HttpEndpoint>& endpoint,
                                           std::string class_name, std::string tenant);

}  // namespace lugger
