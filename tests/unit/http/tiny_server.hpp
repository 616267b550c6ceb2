// An HTTP server on loopback that does with each request what a test says.
#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lugger::test {

struct TinyRequest {
  std::string line, head, body;
  size_t number = 0;      // from 0, over all connections
  size_t connection = 0;  // from 0
};

/// The bytes of an answer with a Content-Length.
std::string tiny_answer(int status, const std::string& body, const std::string& headers = {});

class TinyServer {
 public:
  /// What to send back, as bytes. When it does not begin with "HTTP/1.1 " or tells a
  /// Content-Length longer than what follows, the connection is closed behind it.
  using Reply = std::function<std::string(const TinyRequest&)>;
  explicit TinyServer(Reply reply);
  ~TinyServer();
  TinyServer(const TinyServer&) = delete;
  TinyServer& operator=(const TinyServer&) = delete;

  std::string base() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<TinyRequest> requests();

 private:
  void serve();
  void talk(int socket, size_t connection);

  Reply reply_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> ends_ = false;
  std::mutex mutex_;
  std::vector<TinyRequest> requests_;
  std::vector<std::thread> talks_;
  std::vector<int> sockets_;
  std::thread thread_;
};

}  // namespace lugger::test
