#include "engine/control.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"
#include "base/threads.hpp"

namespace lugger {

namespace {

constexpr std::string_view kEnding = ".ctl";
constexpr size_t kMostRequest = 200;
constexpr int kAnswerMs = 5000;

/// One directory for each user, so that a run is found from any working directory. In /tmp the
/// directory must be writable only by us: anyone else who can write there could impersonate a run.
std::string directory() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  std::string path = runtime != nullptr && *runtime == '/'
                         ? std::string(runtime) + "/lugger"
                         : fmt::format("/tmp/lugger-{}", geteuid());
  mkdir(path.c_str(), 0700);
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != geteuid() ||
      (found.st_mode & 077) != 0) {
    throw Error(
        Code::kConfig,
        fmt::format("{} is not a directory of this user alone, so runs cannot listen there", path),
        "remove it, or set XDG_RUNTIME_DIR");
  }
  return path;
}

class Socket {
 public:
  Socket() : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  bool connect_to(const std::string& path) const noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    return connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  bool listen_at(const std::string& path) const noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    return bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
           chmod(path.c_str(), 0600) == 0 && listen(fd_, 8) == 0;
  }
  void send_all(std::string_view text) const noexcept {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }
  /// Reads until the other side has closed, a line ends (if `line`), or it takes too long.
  std::string receive(bool line) const {
    std::string out;
    std::array<char, 4096> room{};
    pollfd waiting{fd_, POLLIN, 0};
    while (poll(&waiting, 1, kAnswerMs) == 1) {
      const ssize_t got = recv(fd_, room.data(), room.size(), 0);
      if (got <= 0) break;
      out.append(room.data(), static_cast<size_t>(got));
      if (line && (out.find('\n') != out.npos || out.size() > kMostRequest)) break;
    }
    return out;
  }

 private:
  int fd_;
};

std::string path_of(const std::string& run) {
  return fmt::format("{}/{}{}", directory(), run, kEnding);
}

/// True when nobody listens on the socket any more, because its process was killed.
bool is_stale(const std::string& path) {
  return !Socket().connect_to(path) && errno == ECONNREFUSED;
}

std::string render(const ControlFacts& facts) {
  std::string out = "ok\n";
  for (const auto& [key, value] : facts) {
    std::string line = value;
    std::replace(line.begin(), line.end(), '\n', ' ');
    out += fmt::format("{}\t{}\n", key, line);
  }
  return out + fmt::format("process\t{}\n", getpid());
}

}  // namespace

ControlSocket::ControlSocket(const std::string& run, Pace& pace,
                             std::function<ControlFacts()> facts,
                             std::function<void(StopLevel)> stop)
    : path_(path_of(run)), pace_(pace), facts_(std::move(facts)), stop_(std::move(stop)) {
  Socket made;
  unlink(path_.c_str());
  if (!made.listen_at(path_)) {
    raise(Code::kConfig, "cannot listen at {}: {}; lugger ctl will not reach this run", path_,
          std::strerror(errno));
  }
  if (pipe2(wake_, O_CLOEXEC) != 0) raise(Code::kConfig, "no pipe: {}", std::strerror(errno));
  listener_ = made.release();
  thread_ = start_thread([this] { serve(); });
}

ControlSocket::~ControlSocket() {
  unlink(path_.c_str());
  close(wake_[1]);
  if (thread_.joinable()) thread_.join();
  close(listener_);
  close(wake_[0]);
}

void ControlSocket::serve() {
  std::array<pollfd, 2> waiting{{{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}}};
  while (poll(waiting.data(), waiting.size(), -1) >= 0 || errno == EINTR) {
    if (waiting[1].revents != 0) return;
    if ((waiting[0].revents & POLLIN) == 0) continue;
    const Socket caller(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (caller.fd() < 0) continue;
    std::string request = caller.receive(true);
    request.erase(std::min(request.find('\n'), request.size()));
    caller.send_all(answer(request));
  }
}

std::string ControlSocket::answer(const std::string& request) try {
  if (request == "pause") {
    pace_.pause();
  } else if (request == "resume") {
    pace_.resume();
  } else if (request == "stop") {
    stop_(StopLevel::kFinish);
  } else if (request == "stop now") {
    stop_(StopLevel::kNow);
  } else if (request.starts_with("speed ")) {
    double rows = -1;
    const char* end = request.data() + request.size();
    const auto parsed = std::from_chars(request.data() + 6, end, rows);
    if (parsed.ptr != end || !(rows >= 0) || rows > 1e12) return "no\tspeed takes rows a second\n";
    pace_.set_speed(rows);
  } else if (request != "status") {
    return "no\tunknown request: " + request + "\n";
  }
  return render(facts_());
} catch (const std::exception& error) {
  return std::string("no\t") + error.what() + "\n";
}

ControlFacts load_facts(const std::string& run, const std::string& job, const std::string& stage,
                        const Tally& tally, const Pace& pace, double seconds) {
  return {{"run", run},
          {"job", job},
          {"stage", stage},
          {"waits for", pace.waits_for()},
          {"read", std::to_string(tally.read)},
          {"rejected", std::to_string(tally.rejected)},
          {"rows per second, at most", pace.speed() > 0 ? fmt::format("{:g}", pace.speed()) : ""},
          {"MB of the source per second, at most",
           pace.source_speed() > 0 ? fmt::format("{:g}", pace.source_speed()) : ""},
          {"seconds", fmt::format("{:.1f}", seconds)}};
}

std::vector<std::string> control_runs() {
  std::vector<std::string> out;
  const std::string where = directory();
  const std::unique_ptr<DIR, int (*)(DIR*)> list(opendir(where.c_str()), closedir);
  while (const dirent* entry = list ? readdir(list.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    if (!name.ends_with(kEnding)) continue;
    const std::string path = fmt::format("{}/{}", where, name);
    if (is_stale(path)) {
      unlink(path.c_str());
      continue;
    }
    out.emplace_back(name.substr(0, name.size() - kEnding.size()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

ControlFacts control_request(const std::string& run, const std::string& request) {
  const Socket call;
  if (!call.connect_to(path_of(run))) {
    throw Error(Code::kConfig,
                fmt::format("run {} does not listen: it has ended, or runs elsewhere", run),
                "`lugger ctl` lists the runs of this user on this machine");
  }
  call.send_all(request + "\n");
  const std::string reply = call.receive(false);
  ControlFacts out;
  for (size_t at = 0; at < reply.size();) {
    const size_t end = std::min(reply.find('\n', at), reply.size());
    const std::string line = reply.substr(at, end - at);
    const size_t tab = line.find('\t');
    if (tab != line.npos) out.emplace_back(line.substr(0, tab), line.substr(tab + 1));
    at = end + 1;
  }
  if (!reply.starts_with("ok\n"))
    raise(Code::kConfig, "run {}: {}", run, out.empty() ? "no answer" : out.front().second);
  return out;
}

}  // namespace lugger
