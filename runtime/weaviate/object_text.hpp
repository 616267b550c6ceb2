// Values as the texts that stand for them in an object, over REST as over gRPC.
#pragma once
#include "plan/failure.hpp"
#include "plan/plan.hpp"
#include "weaviate/layout.hpp"

namespace lugger {

/// Weaviate reads numbers as doubles: integers beyond 2^53 and what is not finite are refused.
Failure append_number(const Value& value, ByteBuffer& out);
/// A date, a uuid, a blob or a text, without quotes.
Failure append_plain(ObjectForm form, const ColumnType& type, const Value& value, ByteBuffer& out);
/// Why an object cannot have the value that its column has; "": the failure says it.
std::string why_unheld(const Column& column, Failure failure, const Value& value);

}  // namespace lugger
