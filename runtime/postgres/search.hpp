// Searches a column of pgvector's types, as an application does: ORDER BY distance LIMIT k.
#pragma once
#include "place/search.hpp"
#include "postgres/settings.hpp"

namespace lugger {

/// `spec.table` is "name" or "schema.name". Null for a column of another type, as float4[], that the
/// server cannot search. Error{config} for a metric that the type does not have.
std::unique_ptr<Search> make_pg_search(const std::string& url, bool pooled, const SearchSpec& spec);

}  // namespace lugger
