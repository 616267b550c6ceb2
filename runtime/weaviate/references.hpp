// References between objects, written when all objects are there.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "plan/batch.hpp"
#include "weaviate/layout.hpp"
#include "weaviate/server.hpp"

namespace lugger {

/// Weaviate takes a reference only to an object that stands, so objects are loaded without theirs.
/// This writes those that have any once more, and all of them when several rows may be one object.
/// Returns what is to be told.
std::vector<std::string> write_references(
    const std::shared_ptr<HttpEndpoint>& endpoint, const TablePlan& table,
    const ClassLayout& layout, const std::string& identity, bool all,
    const std::function<void(const std::function<void(Batch&)>& use)>& again);

}  // namespace lugger
