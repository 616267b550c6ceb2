// Indexes whose parameters are one option in TOML: `vectors` of PGVecto.rs, `vchordrq` and `vchordg` of
// VectorChord. Which operator class and which text a job's words mean, and what a build needs.
#pragma once
#include "plan/plan.hpp"
#include "postgres/session.hpp"
#include "postgres/steps.hpp"

namespace lugger {

bool is_toml_index(std::string_view method) noexcept;

/// Spells the metric as an operator class and the parameters as TOML. Error{config} for what the
/// extension refuses.
IndexMapping spelled_toml_index(const IndexMapping& index, const TablePlan& table);

/// Is PGVecto.rs still at work on an index that stands? It builds after CREATE INDEX has returned.
bool is_indexing(PgSession& session, const StageStep& step);

}  // namespace lugger
