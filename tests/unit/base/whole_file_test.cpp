#include "base/whole_file.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

#include "base/error.hpp"
#include "catch.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

struct Directory {
  fs::path path;
  Directory() {
    std::string name = (fs::temp_directory_path() / "lugger-files.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Directory() { fs::remove_all(path); }
  std::string at(std::string_view name) const { return (path / name).string(); }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(path), {}));
  }
};

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

unsigned mode_of(const std::string& path) {
  struct stat found = {};
  return ::lstat(path.c_str(), &found) == 0 ? found.st_mode & 07777U : 0;
}

struct Refused {
  long call;
  int error;  // 0: the process is killed
};

/// From here on this process has a system that does not know these calls.
void refuse(const std::vector<Refused>& calls) {
  std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const Refused& one : calls) {
    const unsigned answer = one.error == 0 ? SECCOMP_RET_KILL_PROCESS
                                           : SECCOMP_RET_ERRNO | static_cast<unsigned>(one.error);
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(one.call), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, answer));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    ::_exit(77);
}

/// The answer of `work` in a process of its own; -1: it was killed.
int apart(const std::vector<Refused>& calls, const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    refuse(calls);
    int answer = 99;
    try {
      answer = work();
    } catch (...) {
    }
    ::_exit(answer);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const int answer = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (answer == 77) FAIL("this kernel has no seccomp: nothing can be refused here");
  return answer;
}

std::vector<Refused> no_links(int error) {
  std::vector<Refused> calls{{SYS_linkat, error}};
#ifdef SYS_link
  calls.push_back({SYS_link, error});
#endif
  return calls;
}

TEST_CASE("a new file has the mode that the umask leaves, and nobody's umask is touched") {
  const Directory directory;
  const std::string path = directory.at("out");
  ::umask(027);
  const int answer = apart({{SYS_umask, 0}}, [&] {
    write_whole_file(path, "text");
    return 0;
  });
  ::umask(022);
  CHECK(answer == 0);
  CHECK(mode_of(path) == 0640);
  CHECK(text_of(path) == "text");
}

TEST_CASE("a file that was there keeps its mode, and a link stays a link") {
  const Directory directory;
  write_whole_file(directory.at("out"), "old");
  REQUIRE(::chmod(directory.at("out").c_str(), 0604) == 0);
  fs::create_symlink("out", directory.at("link"));
  write_whole_file(directory.at("link"), "new");
  CHECK(text_of(directory.at("out")) == "new");
  CHECK(mode_of(directory.at("out")) == 0604);
  CHECK(fs::is_symlink(directory.at("link")));
}

TEST_CASE("a file in the making is nobody else's to read, and goes when it is not settled") {
  const Directory directory;
  write_whole_file(directory.at("out"), "old");
  {
    WholeFile file(directory.at("out"));
    file.write(std::string(200000, 'x'));
    REQUIRE(directory.files() == 2);
    for (const auto& entry : fs::directory_iterator(directory.path)) {
      if (entry.path().filename() == "out") continue;
      CHECK(mode_of(entry.path().string()) == 0600);
      CHECK(entry.path().filename().string().size() == std::string(".out.").size() + 16);
    }
    CHECK(text_of(directory.at("out")) == "old");
  }
  CHECK(directory.files() == 1);
  CHECK(text_of(directory.at("out")) == "old");
}

TEST_CASE("a file that must be new takes nobody's place, on file systems without hard links too") {
  std::vector<std::vector<Refused>> systems{{}};
  for (const int error : {EPERM, EOPNOTSUPP, ENOSYS}) {
    systems.push_back(no_links(error));
    systems.push_back(no_links(error));
    systems.back().push_back({SYS_renameat2, error == EPERM ? EINVAL : ENOSYS});
  }
  for (const auto& calls : systems) {
    const Directory directory;
    const std::string path = directory.at("key");
    const auto write = [&](std::string_view text) {
      return apart(calls, [&] { return write_new_file(path, text, 0600) ? 1 : 0; });
    };
    CHECK(write("first") == 1);
    CHECK(text_of(path) == "first");
    CHECK(mode_of(path) == 0600);
    // Somebody made it since it was looked for.
    const int late = apart(calls, [&] {
      WholeFile file(directory.at("late"), 0600);
      file.write("mine");
      std::ofstream(directory.at("late")) << "theirs";
      return file.settle_new() ? 1 : 0;
    });
    CHECK(late == 0);
    CHECK(text_of(directory.at("late")) == "theirs");
    CHECK(write("second") == 0);
    CHECK(text_of(path) == "first");
    CHECK(directory.files() == 2);
  }
}

}  // namespace
}  // namespace lugger
