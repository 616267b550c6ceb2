// Rows as objects of a class, by REST or by gRPC, without those that its indexes would refuse.
#pragma once
#include <memory>

#include "plan/plan.hpp"
#include "store/object_sink.hpp"
#include "weaviate/layout.hpp"
#include "weaviate/lengths.hpp"

namespace lugger {

enum class ObjectWay : uint8_t { kRest, kGrpc };

/// For one worker. The table outlives it.
std::unique_ptr<RowEncoder> make_object_rows(const TablePlan& table, ClassLayout layout,
                                             ObjectWay way, std::shared_ptr<VectorLengths> lengths);

}  // namespace lugger
