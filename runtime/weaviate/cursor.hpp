// The objects of a class in the order of their ids, page by page.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "place/source.hpp"
#include "weaviate/address.hpp"
#include "weaviate/schema.hpp"

namespace lugger {

/// Objects behind `from` up to `to`, which belongs to it; "" is no bound.
struct ObjectRange {
  std::string tenant, from, to;

  /// As a partition spec has it: "tenant:acme from:... to:...".
  std::string spec() const;
  static ObjectRange of(std::string_view spec);
};

/// A class or a tenant in about `parts` ranges of ids.
std::vector<ObjectRange> object_ranges(const std::string& tenant, size_t parts);

/// `after` is a position of such a cursor, `tenant` what its tenant is held by.
std::unique_ptr<Cursor> open_objects(std::shared_ptr<HttpEndpoint> endpoint,
                                     const WeaviateClass& of, const ObjectRange& range,
                                     const Position& after,
                                     std::shared_ptr<const void> tenant = nullptr);

}  // namespace lugger
