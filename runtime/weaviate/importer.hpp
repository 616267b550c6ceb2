// Sends objects to a class in batches, and finds those that are refused.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "store/batches.hpp"
#include "weaviate/object_call.hpp"
#include "weaviate/server.hpp"

namespace lugger {

/// What becomes of an object that stands in the class though it is refused.
enum class IfRefused : uint8_t { kTakeBack, kLeave };

/// Objects are as the encoder of the call's way writes them.
class ObjectImporter final : public ObjectBatches {
 public:
  /// `identity` is that of the class: it is asked for once in each unit, and before a refusal is
  /// believed. Error{conflict} when the class is another by then. `calls`: gRPC; nullptr: REST.
  ObjectImporter(const std::shared_ptr<HttpEndpoint>& endpoint,
                 const std::shared_ptr<HttpEndpoint>& calls, std::string class_name,
                 std::string tenant, std::string identity, IfRefused refused);

 private:
  void begin_unit() override { check_class(); }
  Posted post(const std::string& group, std::span<const size_t> objects) override;
  void judge(size_t object, std::string reason);
  void take_back(size_t refused);
  void check_class();

  WeaviateServer server_;
  const std::unique_ptr<ObjectCall> call_;
  const std::string class_name_, tenant_, identity_;
  const bool takes_back_;
  std::vector<std::string_view> batch_;
};

}  // namespace lugger
