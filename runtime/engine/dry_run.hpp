// A sink that counts and writes nothing.
#pragma once
#include <memory>

#include "sink/sink.hpp"

namespace lugger {

std::unique_ptr<RowSink> dry_run_sink();

}  // namespace lugger
