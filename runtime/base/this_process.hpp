#pragma once
#include <string>

namespace lugger {

/// "db7 pid 4711": who holds a job, for those who find it held.
std::string this_process();

}  // namespace lugger
