// Searches a column of pgvector's types, as an application does: ORDER BY distance LIMIT k.
#pragma once
#include <array>

#include "base/joined_options.hpp"
#include "place/search.hpp"
#include "postgres/settings.hpp"

namespace lugger {

/// What an application would SET; 0 and "": as the server has it.
struct PgSearchSettings {
  int ef_search = 0, probes = 0, max_scan_tuples = 0;
  std::string iterative_scan;

  bool any() const noexcept {
    return ef_search + probes + max_scan_tuples != 0 || !iterative_scan.empty();
  }
};

inline constexpr std::array<OptionSpec, 4> kPgSearchOptions = {{
    {"ef_search", OptionSpec::Type::kNumber,
     "of searches: how many candidates an hnsw index keeps (hnsw.ef_search)"},
    {"probes", OptionSpec::Type::kNumber,
     "of searches: how many lists of an ivfflat index are read (ivfflat.probes)"},
    {"iterative_scan", OptionSpec::Type::kChoice,
     "of searches with a filter: whether an index goes on until there are enough hits", "off",
     "off|relaxed_order|strict_order"},
    {"max_scan_tuples", OptionSpec::Type::kNumber,
     "of searches with iterative_scan: after how many rows an hnsw index gives up"},
}};

/// Error{config} for numbers that pgvector does not take.
PgSearchSettings pg_search_settings(const Options& options);

/// `spec.table` is "name" or "schema.name". Null for a column of another type, as float4[], that the
/// server cannot search. Error{config} for a metric that the type does not have.
std::unique_ptr<Search> make_pg_search(const std::string& url, bool pooled, const SearchSpec& spec,
                                       const PgSearchSettings& settings);

}  // namespace lugger
