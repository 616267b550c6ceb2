// Refusals put into words, with the document they belong to; and rejects read again as a source.
#pragma once
#include <memory>

#include "place/source.hpp"
#include "place/state.hpp"
#include "plan/plan.hpp"

namespace lugger {

/// `age: cannot read "n/a" as int4`, with the hint that mends it. Columns and tables are the
/// shape's.
std::string describe_refusal(const Refusal& refusal, const PlanShape& shape);
std::string_view refusal_code(const Refusal& refusal) noexcept;

/// The record kept of a refused document: words, canonical Extended JSON and what gives it back.
RejectRecord reject_record(const Refusal& refusal, Batch& batch, const PlanShape& shape);

/// A job's rejects as the documents they were, for --retry; one partition. Those that keep no
/// document are passed over and counted.
std::unique_ptr<Source> reject_source(State& state, const std::string& job);
/// The reject number each document of the batch came from; only for cursors of reject_source().
const std::vector<int64_t>& reject_numbers(const Cursor& cursor);

}  // namespace lugger
