#include "engine/metrics_port.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <cstring>
#include <mutex>
#include <string_view>

#include "base/error.hpp"
#include "base/loaded_library.hpp"

// GNU libmicrohttpd, loaded when metrics are asked for. These are the parts of its microhttpd.h that
// are called, whose ABI stands since 0.9.71; so neither a build nor a run without metrics needs it.
extern "C" {
struct MHD_Daemon;
struct MHD_Connection;
struct MHD_Response;
using MHD_Handler = int (*)(void* self, MHD_Connection* connection, const char* url,
                            const char* method, const char* version, const char* upload,
                            size_t* upload_size, void** mark);
using MHD_start = MHD_Daemon* (*)(unsigned flags, uint16_t port, void* accept, void* accept_self,
                                  MHD_Handler handler, void* self, ...);
using MHD_stop = void (*)(MHD_Daemon*);
using MHD_make = MHD_Response* (*)(size_t size, void* bytes, int mode);
using MHD_header = int (*)(MHD_Response*, const char* name, const char* value);
using MHD_queue = int (*)(MHD_Connection*, unsigned status, MHD_Response*);
using MHD_drop = void (*)(MHD_Response*);
}

namespace lugger {
namespace {

constexpr unsigned kOwnThread = 8;
constexpr int kEnd = 0, kMostConnections = 2, kTimeout = 3, kCopies = 2;

struct Library {
  MHD_start start;
  MHD_stop stop;
  MHD_make make;
  MHD_header header;
  MHD_queue queue;
  MHD_drop drop;
};

Library load() {
  const LoadedLibrary library(
      "libmicrohttpd.so.12", "metrics are served",
      "install it (Debian: apt-get install libmicrohttpd12), or watch `lugger status --json`");
  Library out{};
  library.find("MHD_start_daemon", out.start);
  library.find("MHD_stop_daemon", out.stop);
  library.find("MHD_create_response_from_buffer", out.make);
  library.find("MHD_add_response_header", out.header);
  library.find("MHD_queue_response", out.queue);
  library.find("MHD_destroy_response", out.drop);
  return out;
}

/// A socket of our own, because the library does not tell which port it got. Inherited by nobody.
int listen_on(uint16_t port, sockaddr_in& address) {
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (socket >= 0 && setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
      bind(socket, any, size) == 0 && listen(socket, 16) == 0 &&
      getsockname(socket, any, &size) == 0)
    return socket;
  const std::string reason = std::strerror(errno);
  if (socket >= 0) close(socket);
  throw Error(Code::kConfig,
              fmt::format("port {} of this machine cannot serve metrics: {}", port, reason),
              "name another one: --metrics PORT");
}

}  // namespace

struct MetricsPort::Inner {
  Library library = load();
  sockaddr_in address{};
  MHD_Daemon* daemon = nullptr;
  std::mutex mutex;  // guards the text
  std::string text;

  int answer(MHD_Connection* connection, std::string_view url, std::string_view method) {
    if (method != "GET" && method != "HEAD") return send(connection, 405, "GET is served\n");
    if (url != "/metrics") return send(connection, 404, "see /metrics\n");
    const std::lock_guard lock(mutex);
    return send(connection, 200, text);
  }
  int send(MHD_Connection* connection, unsigned status, std::string_view body) {
    MHD_Response* response = library.make(body.size(), const_cast<char*>(body.data()), kCopies);
    if (response == nullptr) return 0;
    library.header(response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    const int queued = library.queue(connection, status, response);
    library.drop(response);
    return queued;
  }
};

MetricsPort::MetricsPort(uint16_t port) : inner_(std::make_unique<Inner>()) {
  constexpr int kListens = 12;
  const int socket = listen_on(port, inner_->address);
  const MHD_Handler handler = [](void* self, MHD_Connection* connection, const char* url,
                                 const char* method, const char*, const char*, size_t*, void**) {
    return static_cast<Inner*>(self)->answer(connection, url, method);
  };
  sigset_t all, before;  // its thread is to receive no signals
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  inner_->daemon =
      inner_->library.start(kOwnThread, 0, nullptr, nullptr, handler, inner_.get(), kListens,
                            socket, kMostConnections, 16U, kTimeout, 10U, kEnd);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (inner_->daemon != nullptr) return;
  close(socket);
  raise(Code::kConfig, "metrics cannot be served on port {}", port);
}

MetricsPort::~MetricsPort() { inner_->library.stop(inner_->daemon); }

uint16_t MetricsPort::port() const noexcept { return ntohs(inner_->address.sin_port); }

void MetricsPort::set(std::string text) {
  const std::lock_guard lock(inner_->mutex);
  inner_->text = std::move(text);
}

}  // namespace lugger
