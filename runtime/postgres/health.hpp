#pragma once
#include <memory>
#include <string>

#include "place/health.hpp"

namespace lugger {

/// By a session of its own, opened when it is first asked and again when it is lost.
std::unique_ptr<Health> make_pg_health(std::string url, bool pooled);

}  // namespace lugger
