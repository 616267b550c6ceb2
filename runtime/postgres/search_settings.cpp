#include "postgres/search_settings.hpp"

#include <climits>

namespace lugger {

void apply_settings(PgSession& session, const std::vector<PgSetting>& settings, bool local) {
  for (const auto& [name, value] : settings)
    session.query("SELECT pg_catalog.set_config($1, $2, $3::bool)",
                  {name, value, local ? "true" : "false"});
}

std::vector<PgSetting> settings_for(PgSession& session, const PgSearchSettings& given,
                                    bool of_vectors) {
  std::vector<PgSetting> out;
  const auto add = [&](const std::string& name, int value) {
    if (value != 0) out.emplace_back(name, std::to_string(value));
  };
  add(of_vectors ? "vectors.hnsw_ef_search" : "hnsw.ef_search", given.ef_search);
  add(of_vectors ? "vectors.ivf_nprobe" : "ivfflat.probes", given.probes);
  add("hnsw.max_scan_tuples", given.max_scan_tuples);
  const bool iterative = !given.iterative_scan.empty() || given.max_scan_tuples != 0;
  if (!iterative) return out;
  const PgRows version = session.query(
      "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'vector' AND "
      "pg_catalog.string_to_array(extversion, '.')::int[] < '{0,8}'");
  if (version.size() != 0)
    throw Error(Code::kConfig,
                fmt::format("pgvector {} has no iterative scans", version.text(0, 0)),
                "leave out iterative_scan and max_scan_tuples, or take pgvector 0.8");
  if (given.iterative_scan.empty()) return out;
  out.emplace_back("hnsw.iterative_scan", given.iterative_scan);
  // ivfflat has no strict order.
  out.emplace_back("ivfflat.iterative_scan",
                   given.iterative_scan == "off" ? "off" : "relaxed_order");
  return out;
}

PgSearchSettings pg_search_settings(const Options& options) {
  constexpr int kMostCandidates = 1000, kMostLists = 32768;
  const auto whole = [&](const char* name, int most) {
    if (!options.has(name)) return 0;
    const double given = options.number(name, 0);
    if (!(given >= 1 && given <= most) || given != static_cast<int>(given))
      raise(Code::kConfig, "{} is a whole number from 1 to {}", name, most);
    return static_cast<int>(given);
  };
  PgSearchSettings out;
  out.ef_search = whole("ef_search", kMostCandidates);
  out.probes = whole("probes", kMostLists);
  out.max_scan_tuples = whole("max_scan_tuples", INT_MAX);
  out.iterative_scan = options.text("iterative_scan");
  return out;
}

}  // namespace lugger
