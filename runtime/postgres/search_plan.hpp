// How PostgreSQL answers a search, by its plan.
#pragma once
#include <string>

#include "postgres/session.hpp"

namespace lugger {

/// The indexes that a search of the table uses, with the settings that matter to them, or that it
/// compares rows: "index docs_embedding_idx (hnsw), hnsw.ef_search = 40". `table` is quoted.
std::string how_searched(PgSession& session, const std::string& table, const std::string& statement,
                         const PgParams& params);

}  // namespace lugger
