// A sink that counts and writes nothing.
#pragma once
#include <memory>

#include "place/target.hpp"

namespace lugger {

std::unique_ptr<RowSink> dry_run_sink();

}  // namespace lugger
