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
enum class IfRefused { kTakeBack, kLeave };

/// Objects are in the form that the call sends. Error{conflict} when the class is not what it was.
class ObjectImporter final : public ObjectBatches {
 public:
  /// `like` is the fingerprint of the class: it is asked for once in each unit.
  ObjectImporter(WeaviateServer& server, std::unique_ptr<ObjectCall> call, std::string class_name,
                 std::string tenant, std::string like, IfRefused refused);

 private:
  void begin_unit() override;
  Posted post(const std::string& group, std::span<const size_t> objects) override;
  void refuse(size_t object, std::string reason) override;
  void take(const BatchAnswer& answer, std::span<const size_t> objects);
  void take_back(size_t refused);

  WeaviateServer& server_;
  const std::unique_ptr<ObjectCall> call_;
  const std::string class_name_, tenant_, like_;
  const bool takes_back_;
  std::vector<std::string_view> batch_;
};

}  // namespace lugger
