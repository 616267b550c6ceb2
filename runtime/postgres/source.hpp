// A PostgreSQL table or query as a source, read with COPY BINARY.
#pragma once
#include <memory>

#include "place/source.hpp"

namespace lugger {

std::span<const OptionSpec> pg_source_options();
std::unique_ptr<Source> make_postgres_source(const std::string& place, const Options& options);
/// The tables and views that a role can see; each collection is "schema.name".
PlaceInfo look_at_postgres(const std::string& place, const Options& options);

}  // namespace lugger
