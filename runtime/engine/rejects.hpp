// Turns refusals into messages with their document, and reads rejects again as a source.
#pragma once
#include <memory>

#include "place/source.hpp"
#include "place/state.hpp"
#include "plan/plan.hpp"

namespace lugger {

/// `age: cannot read "n/a" as int4`, followed by a hint. Columns and tables are those of the shape.
std::string describe_refusal(const Refusal& refusal, const PlanShape& shape);
/// The table whose row it would have been; empty when no table was chosen.
std::string refusal_table(const Refusal& refusal, const PlanShape& shape);
std::string_view refusal_code(const Refusal& refusal) noexcept;

/// The record that the ledger keeps of a refused document: the message, canonical Extended JSON,
/// and the bytes from which --retry loads it again.
RejectRecord reject_record(const Refusal& refusal, Batch& batch, const PlanShape& shape);

/// A job's rejects as documents, for --retry, in one partition. Rejects without a stored document
/// are passed over and counted.
std::unique_ptr<Source> reject_source(State& state, const std::string& job);
/// The number of the reject that each document of the batch came from. Only for cursors of
/// reject_source().
const std::vector<int64_t>& reject_numbers(const Cursor& cursor);

}  // namespace lugger
