#pragma once
#include <memory>
#include <string>

#include "place/health.hpp"

namespace lugger {

/// Uses a session of its own, opened at the first call and opened again after it was lost.
std::unique_ptr<Health> make_pg_health(std::string url, bool pooled);

}  // namespace lugger
