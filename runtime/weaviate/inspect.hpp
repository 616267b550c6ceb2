// What a target of Weaviate tells about a plan before anything is written.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "http/endpoint.hpp"
#include "place/target.hpp"
#include "weaviate/layout.hpp"
#include "weaviate/server.hpp"

namespace lugger {

/// The way of loading into a class that holds objects.
inline constexpr std::string_view kReplaceMode = "replace";

/// Of a tenant that is off.
void inspect_sleeping(const PlanShape& plan, const WeaviateTenant& tenant,
                      const LayoutOptions& options, TargetReport& report);
/// Says so of a tenant that is on only because a run was killed.
void tell_left_on(const std::shared_ptr<HttpEndpoint>& endpoint, const LayoutOptions& options,
                  TargetReport& report);
/// Columns whose vectors the class's indexes would refuse. `lengths` are those that it holds.
void check_lengths(const PlanShape& plan, const ClassLayout& layout,
                   const std::map<std::string, uint32_t>& lengths, TargetReport& report);

}  // namespace lugger
