// How long the vectors of a class are, which its schema does not say.
#pragma once
#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "weaviate/layout.hpp"
#include "weaviate/server.hpp"

namespace lugger {

/// By the name of the vector; "": that without a name. Of its first objects; vectors of several
/// lengths under one name are none, since another program left what the index refused.
std::map<std::string, uint32_t> find_lengths(WeaviateServer& server, const std::string& class_name,
                                             const std::string& tenant);

/// Weaviate stores an object before its indexes take its vectors, in the place of an older one. So
/// one whose vector they would refuse must not be sent. Shared by the workers of a run: where the
/// class has no vectors yet, the first one decides, as it does in the index.
class VectorLengths {
 public:
  VectorLengths(const ClassLayout& layout, const std::map<std::string, uint32_t>& known);

  /// 0: it fits; otherwise the length that it should have.
  uint32_t other_than(size_t slot, uint32_t length) noexcept;

 private:
  std::vector<std::atomic<uint32_t>> lengths_;  // by slot; 0: none yet
};

}  // namespace lugger
