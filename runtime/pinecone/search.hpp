// An index's own search, POST /query.
#pragma once
#include <memory>

#include "pinecone/id_text.hpp"
#include "pinecone/server.hpp"
#include "place/search.hpp"

namespace lugger {

/// Of one namespace, as Pinecone has it. Error{config} when the metric is not that of the index.
std::unique_ptr<Search> make_pinecone_search(const std::shared_ptr<HttpEndpoint>& data,
                                             const PineconeIndex& of, PineconeIds ids,
                                             const std::string& name_space, const SearchSpec& spec);

}  // namespace lugger
