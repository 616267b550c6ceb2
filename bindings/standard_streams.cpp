#include "bindings/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "value/json_writer.hpp"

namespace lugger {

void occupy_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    // open() takes the lowest free descriptor, which is this one: the lower ones are open already.
    static_cast<void>(open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

namespace {

std::atomic<bool> events{false};  // for the whole process, as its streams are

/// 0: standard output has been written completely. EPIPE: its reader has closed it.
int output_error() {
  errno = 0;
  if (std::fflush(stdout) != 0) return errno;
  if (std::ferror(stdout) == 0) return 0;
  // An earlier write failed, and its errno is lost; another write fails for the same reason. If it
  // does not fail, an extra newline does no harm in output that is damaged already.
  return write(STDOUT_FILENO, "\n", 1) < 0 ? errno : EIO;
}

}  // namespace

void tell_as_events() noexcept { events.store(true); }

void tell(std::string_view event, std::string_view text) {
  std::string line = "lugger: ";
  if (events.load()) {
    line = R"({"event":)";
    write_json_string(event, line);
    line += R"(,"message":)";
    write_json_string(text, line);
    line += '}';
  } else {
    line += text;
  }
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

int with_output_written(int status) {
  constexpr int kFailed = 1, kUsage = 2, kStopped = 130;
  const int error = output_error();
  if (error == 0 || error == EPIPE) return status;
  tell("error", std::string("cannot write to standard output: ") + std::strerror(error));
  return status == kUsage || status == kStopped ? status : kFailed;
}

}  // namespace lugger
