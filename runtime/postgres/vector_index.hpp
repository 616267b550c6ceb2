// Indexes of pgvector: which operator class and expression a metric means, what the extension will
// refuse, and what a build needs.
#pragma once
#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "postgres/session.hpp"
#include "postgres/steps.hpp"

namespace lugger {

bool is_vector_index(std::string_view method) noexcept;

/// Spells the metric as an operator class, and columns of more dimensions than the method takes as
/// halfvec. Error{config} for what pgvector refuses: only found out by it when all rows are in.
IndexMapping spelled_vector_index(const IndexMapping& index, const TablePlan& table);

/// What has to be set before the index is built and what is to be said: workers, memory, /dev/shm.
struct VectorBuild {
  std::string settings;  // SQL; empty: none
  std::vector<std::string> notes;
};
VectorBuild prepare_vector_build(PgSession& session, const StageStep& step);

/// Whether a build failed because its graph does not fit into shared memory.
bool lacks_shared_memory(const Error& error);
/// Says how many rows an index leaves out because their vectors are zeros; "": none.
std::string left_out_of_index(PgSession& session, const StageStep& step);

}  // namespace lugger
