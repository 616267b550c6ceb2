#include "postgres/process.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace lugger {
namespace {

constexpr int kCannotBecome = 125, kCannotRun = 127;

/// Between fork and exec only async-signal-safe calls are allowed. These are raw system calls,
/// because glibc's setuid() would signal threads that do not exist in the child.
bool become(const ProcessUser& user) noexcept {
  const gid_t group = user.gid;
  return syscall(SYS_setgroups, 1, &group) == 0 && syscall(SYS_setgid, user.gid) == 0 &&
         syscall(SYS_setuid, user.uid) == 0;
}

[[noreturn]] void become_program(char* const* arguments, char* const* environment,
                                 const ProcessUser* user, int output, int null) noexcept {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setsid();
  dup2(null, 0);
  dup2(output, 1);
  dup2(output, 2);
  syscall(SYS_close_range, 3U, ~0U, 0U);
  if (user != nullptr && !become(*user)) _exit(kCannotBecome);
  if (chdir("/") != 0) _exit(kCannotRun);
  umask(077);
  execve(arguments[0], arguments, environment);
  _exit(kCannotRun);
}

std::string read_to_end(int descriptor) {
  std::string out;
  std::array<char, 4096> piece;
  while (true) {
    const ssize_t got = read(descriptor, piece.data(), piece.size());
    if (got > 0) out.append(piece.data(), static_cast<size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) return out;
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR)
      raise(Code::kBug, "waiting for process {}: {}", child, std::strerror(errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

template <typename Call>
std::optional<ProcessUser> look_up(Call call) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> room(16384);
  if (call(&entry, room, &found) != 0 || found == nullptr) return std::nullopt;
  return ProcessUser{entry.pw_uid, entry.pw_gid, entry.pw_name};
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments,
                          const std::optional<ProcessUser>& user) {
  static constexpr const char* kEnvironment[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                                 "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=/"};
  // Everything that the child needs is allocated before the fork.
  std::vector<char*> argv, environment;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  for (const char* variable : kEnvironment) environment.push_back(const_cast<char*>(variable));
  argv.push_back(nullptr);
  environment.push_back(nullptr);

  int ends[2];
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || pipe2(ends, O_CLOEXEC) != 0) {
    if (null >= 0) close(null);
    raise(Code::kConfig, "cannot run {}: {}", arguments[0], std::strerror(errno));
  }
  const pid_t child = fork();
  if (child == 0)
    become_program(argv.data(), environment.data(), user ? &*user : nullptr, ends[1], null);
  const int failure = errno;
  close(ends[1]);
  close(null);
  if (child < 0) {
    close(ends[0]);
    raise(Code::kConfig, "cannot run {}: {}", arguments[0], std::strerror(failure));
  }
  ProcessResult result;
  result.output = read_to_end(ends[0]);
  close(ends[0]);
  result.status = wait_for(child);
  if (result.status == kCannotBecome && result.output.empty()) {
    result.output = fmt::format("cannot become user {}", user ? user->name : "");
  }
  if (result.status == kCannotRun && result.output.empty()) {
    result.output = fmt::format("cannot run {}", arguments[0]);
  }
  return result;
}

bool user_can_use(const std::string& directory, const ProcessUser& user) {
  const pid_t child = fork();
  if (child == 0) _exit(become(user) && access(directory.c_str(), R_OK | W_OK | X_OK) == 0 ? 0 : 1);
  return child > 0 && wait_for(child) == 0;
}

std::optional<ProcessUser> find_user(const std::string& name) {
  return look_up([&](passwd* entry, std::vector<char>& room, passwd** found) {
    return getpwnam_r(name.c_str(), entry, room.data(), room.size(), found);
  });
}

std::optional<ProcessUser> find_user(uid_t uid) {
  return look_up([&](passwd* entry, std::vector<char>& room, passwd** found) {
    return getpwuid_r(uid, entry, room.data(), room.size(), found);
  });
}

}  // namespace lugger
