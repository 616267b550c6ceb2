// Requests to one HTTP server, over a connection that is kept. A request must be one that may be sent
// twice: it is sent again when the server is busy or the connection breaks.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "http/endpoint.hpp"

namespace lugger {

/// Takes the body of an answer piece by piece.
class HttpBody {
 public:
  virtual ~HttpBody() = default;
  /// The body begins, for the first time or once more.
  virtual void begin() = 0;
  virtual void take(std::string_view piece) = 0;
};

struct HttpRequest {
  std::string_view method = "GET";
  std::string path;            // "/v1/schema", behind the server's base
  std::string_view body = {};  // JSON; of a call: a frame
  HttpBody* into = nullptr;    // where the body of a 2xx goes; nullptr: into the answer
  /// Says of an answer that is given while a server is busy or fails that it will be the same again:
  /// it is returned like any other.
  bool (*stays)(long status, std::string_view body) = nullptr;
  /// Called before it is sent, each time it is. What it throws is thrown by send().
  std::function<void()> before = {};
};

struct HttpAnswer {
  long status = 0;   // of a call: what HTTP says of such an outcome
  std::string body;  // of an error: its beginning
  /// Those of HttpSettings::kept_headers, each name in small letters.
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool good() const noexcept { return status >= 200 && status < 300; }
};

/// One thread at a time.
class HttpClient {
 public:
  explicit HttpClient(std::shared_ptr<HttpEndpoint> endpoint);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any answer that says something of the request: 2xx, and 4xx but the following. Error{auth} for
  /// 401 and 403, Error{connect} when the server is busy (429), fails (5xx) or cannot be reached
  /// after all attempts, Error{interrupted} when the thread is to stop.
  HttpAnswer send(const HttpRequest& request);

 private:
  struct Inner;
  std::unique_ptr<Inner> inner_;
};

}  // namespace lugger
