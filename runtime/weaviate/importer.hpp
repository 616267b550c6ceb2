// Sends objects to a class in batches, and finds those that are refused.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "weaviate/object_call.hpp"
#include "weaviate/server.hpp"

namespace lugger {

/// What becomes of an object that stands in the class though it is refused.
enum class IfRefused { kTakeBack, kLeave };

/// Belongs to one worker. Objects that were sent stand under their ids, so they may be sent again.
class ObjectImporter {
 public:
  /// `like` is the fingerprint of the class: it is asked for once in each unit.
  ObjectImporter(WeaviateServer& server, std::unique_ptr<ObjectCall> call, std::string class_name,
                 std::string tenant, std::string like, IfRefused refused)
      : server_(server),
        call_(std::move(call)),
        class_name_(std::move(class_name)),
        tenant_(std::move(tenant)),
        like_(std::move(like)),
        takes_back_(refused == IfRefused::kTakeBack) {}

  /// Adds an object in the form that the call sends.
  void add(std::string_view object);
  /// Sends what a request can hold, or with `all` everything. Error{connect} when the server cannot
  /// take objects now, Error{conflict} when the class is not what it was.
  void send(bool all);
  /// By the order of add().
  const std::vector<RefusedObject>& refused() const noexcept { return refused_; }
  /// The next object is the first of a unit.
  void forget() noexcept;

 private:
  void send(size_t from, size_t to);
  void take(const BatchAnswer& answer, size_t from, size_t to);
  void judge(size_t object, std::string reason);
  void take_back(size_t refused);
  void check_class();
  size_t bytes(size_t from, size_t to) const noexcept;
  std::string_view object(size_t i) const noexcept;

  WeaviateServer& server_;
  const std::unique_ptr<ObjectCall> call_;
  const std::string class_name_, tenant_, like_;
  const bool takes_back_;
  std::string text_;
  std::vector<size_t> ends_;  // of the objects in the text
  std::vector<std::string_view> batch_;
  size_t first_ = 0;  // objects of the unit that were sent
  // Below what proxies let pass, and far below what Weaviate takes; less once a body was too large.
  size_t most_bytes_ = 4 << 20;
  bool checked_ = false;
  std::vector<RefusedObject> refused_;
};

}  // namespace lugger
