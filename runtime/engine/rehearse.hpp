// Runs every document of a source through a mapping, without a target, and collects what would be
// refused, by column.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/stop.hpp"
#include "engine/job.hpp"

namespace lugger {

struct RehearsedRefusal {
  std::string table, column, code;
  std::string message;  // of the first refused document
  uint64_t documents = 0;
  std::vector<std::string> examples;  // ids of the first refused documents
};

struct Rehearsal {
  uint64_t documents = 0, rejected = 0;
  bool complete = true;                    // false: stopped, or at the limit
  std::vector<RehearsedRefusal> refusals;  // in the order first seen
  std::map<std::string, uint64_t> unmapped;
};

/// Throws when the source cannot be read.
Rehearsal rehearse(Job& job, uint64_t limit, const StopFlag* stop);

}  // namespace lugger
