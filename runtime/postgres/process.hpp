// Runs PostgreSQL's own programs, as another user when we are root, because PostgreSQL refuses to
// run as root.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace lugger {

struct ProcessUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
};

struct ProcessResult {
  int status = 0;      // exit status; 128 + signal when killed
  std::string output;  // standard output and error together
  bool ok() const noexcept { return status == 0; }
};

/// Runs a program until it ends, in its own session (Ctrl-C is meant for us), with a minimal
/// environment and without our open files.
ProcessResult run_process(const std::vector<std::string>& arguments,
                          const std::optional<ProcessUser>& user);

/// True when that user may enter and write the directory. This becomes the user and tries, because
/// permissions and ACLs of all parent directories matter.
bool user_can_use(const std::string& directory, const ProcessUser& user);

std::optional<ProcessUser> find_user(const std::string& name);
std::optional<ProcessUser> find_user(uid_t uid);

}  // namespace lugger
