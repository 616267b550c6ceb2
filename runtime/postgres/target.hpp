// PostgreSQL as a place that rows go to.
#pragma once
#include "place/target.hpp"

namespace lugger {

/// "postgresql://...", "local:", "local:DIR".
std::shared_ptr<Target> make_pg_target(const std::string& place, const Options& options);
std::span<const OptionSpec> pg_target_options();

}  // namespace lugger
