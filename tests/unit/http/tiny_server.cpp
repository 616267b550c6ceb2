#include "tiny_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace lugger::test {
namespace {

/// False: the other side has closed.
bool receive(int socket, std::string& text) {
  char room[65536];
  const ssize_t got = recv(socket, room, sizeof room, 0);
  if (got <= 0) return false;
  text.append(room, static_cast<size_t>(got));
  return true;
}

size_t length_in(const std::string& head) {
  const size_t at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

}  // namespace

std::string tiny_answer(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TinyServer::TinyServer(Reply reply) : reply_(std::move(reply)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, any, size) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, any, &size) != 0)
    throw std::runtime_error("no port for the test's server");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

TinyServer::~TinyServer() {
  ends_ = true;
  thread_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& talk : talks_) talk.join();
  for (const int socket : sockets_) close(socket);
  close(listener_);
}

std::vector<TinyRequest> TinyServer::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void TinyServer::serve() {
  for (size_t connection = 0; !ends_;) {
    pollfd wait{listener_, POLLIN, 0};
    if (poll(&wait, 1, 20) <= 0) continue;
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    talks_.emplace_back([this, socket, connection] { talk(socket, connection); });
    ++connection;
  }
}

void TinyServer::talk(int socket, size_t connection) {
  std::string text;
  for (;;) {
    size_t end = std::string::npos;
    while ((end = text.find("\r\n\r\n")) == std::string::npos) {
      if (!receive(socket, text)) return;
    }
    TinyRequest request;
    request.connection = connection;
    request.head = text.substr(0, end + 2);
    request.line = request.head.substr(0, request.head.find("\r\n"));
    text.erase(0, end + 4);
    const size_t length = length_in(request.head);
    while (text.size() < length) {
      if (!receive(socket, text)) return;
    }
    request.body = text.substr(0, length);
    text.erase(0, length);
    {
      const std::lock_guard lock(mutex_);
      request.number = requests_.size();
      requests_.push_back(request);
    }
    const std::string reply = reply_(request);
    if (!reply.empty()) send(socket, reply.data(), reply.size(), MSG_NOSIGNAL);
    const size_t body = reply.find("\r\n\r\n");
    const bool whole = body != std::string::npos && length_in(reply) == reply.size() - body - 4;
    if (!whole) {
      shutdown(socket, SHUT_RDWR);
      return;
    }
  }
}

}  // namespace lugger::test
