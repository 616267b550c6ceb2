// Which paths refer to the _id of another collection: candidates from the first pass, and a second
// pass that looks up every value.
#pragma once
#include <span>

#include "base/stop.hpp"
#include "census/census.hpp"

namespace lugger {

/// A path that may refer to a collection. `looked_at` and `found` compare samples of both sides'
/// hashes; a name alone ("userId", users) is a candidate where the samples do not meet.
struct ReferenceCandidate {
  size_t collection = 0, target = 0;  // places in the list
  std::string path;
  std::string by;  // "values", "name"
  uint64_t values = 0, looked_at = 0, found = 0;
};
std::vector<ReferenceCandidate> find_references(std::span<const CollectionCensus* const> list);

/// Whether a field's name says that it refers to the collection: "userId", "user_ids", "users".
bool names_collection(std::string_view field, std::string_view collection);

/// What the second pass found of one path.
struct ReferenceCount {
  struct Example {
    std::string document, value;
  };
  std::string path;
  uint64_t values = 0, found = 0, dangling = 0;
  std::vector<Example> examples;  // of dangling values, the first three
};

/// Looks up every value of the paths of `from` among the _ids of `to`. Both are compared as 64-bit
/// hashes: a dangling value is taken for a found one with a probability of (number of _ids) / 2^64.
/// At most `memory` bytes of hashes are held; more _ids than that are taken in several passes.
std::vector<ReferenceCount> check_references(Source& from, const std::vector<std::string>& paths,
                                             Source& to, uint64_t memory,
                                             const StopFlag* stop = nullptr);

}  // namespace lugger
