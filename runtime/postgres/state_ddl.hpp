// Tables of the state schema, as steps from one version to the next.
#pragma once
#include <string>

namespace lugger {

constexpr int kStateVersion = 13;

/// What leads from `version` to the next one; 0 is nothing at all. "{schema}" is already replaced
/// by the quoted name.
std::string state_step(int version, const std::string& schema);

}  // namespace lugger
