// An HTTP server as all threads that speak to it share it: how it is reached, and how often it may be
// asked.
#pragma once
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace lugger {

struct HttpSettings {
  std::string base;    // "https://host:8080": what stands before every path
  std::string bearer;  // the key; sent in every request, never shown
  bool grpc = false;   // calls over HTTP/2 in place of JSON
  std::string key_header = "Authorization: Bearer ";  // what stands before the key
  std::vector<std::string> headers = {};              // of every request: "X-Api-Version: 2026-04"
  /// How the names of headers begin that an answer keeps, in small letters.
  std::string kept_headers = {};
  bool verify = true;   // the server's certificate
  std::string ca_file;  // certificates to trust in place of the system's; empty: the system's
  double connect_s = 10;
  double timeout_s = 120;  // for one request and its whole answer
  double per_second = 0;   // requests, of all threads together; 0: no limit
  int attempts = 5;        // of one request, when the server is busy or away
};

class HttpEndpoint {
 public:
  explicit HttpEndpoint(HttpSettings settings) : settings_(std::move(settings)) {}

  const HttpSettings& settings() const noexcept { return settings_; }
  /// Takes the next place in the budget: when the request may be sent.
  std::chrono::steady_clock::time_point next_turn();
  /// The server is busy: no thread asks it for this time.
  void rest(std::chrono::duration<double> time);

 private:
  using Clock = std::chrono::steady_clock;
  const HttpSettings settings_;
  std::mutex mutex_;
  Clock::time_point next_ = {}, rests_until_ = {};
};

}  // namespace lugger
