#include "base/this_process.hpp"

#include <unistd.h>

#include <array>

namespace lugger {

std::string this_process() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return fmt::format("{} pid {}", host.data(), getpid());
}

}  // namespace lugger
