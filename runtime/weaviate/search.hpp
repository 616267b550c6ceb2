// The vectors nearest to one, by Weaviate's own search.
#pragma once
#include <memory>

#include "place/search.hpp"
#include "weaviate/address.hpp"
#include "weaviate/schema.hpp"

namespace lugger {

/// The vector is one of the class, or "vectors.NAME" of its documents. A name of the key that is no
/// property is the object's id. Error{config} when the vector is searched by another metric.
/// `held` is what the tenant is held by.
std::unique_ptr<Search> make_weaviate_search(const std::shared_ptr<HttpEndpoint>& endpoint,
                                             const WeaviateClass& of, const std::string& tenant,
                                             const SearchSpec& spec,
                                             std::shared_ptr<const void> held);

}  // namespace lugger
