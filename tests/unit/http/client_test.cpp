#include "http/client.hpp"

#include <zlib.h>

#include "base/clock.hpp"
#include "base/stop.hpp"
#include "catch.hpp"
#include "http/retry_after.hpp"
#include "tiny_server.hpp"

namespace lugger::test {
namespace {

std::shared_ptr<HttpEndpoint> endpoint(const TinyServer& server, HttpSettings settings = {}) {
  settings.base = server.base();
  return std::make_shared<HttpEndpoint>(std::move(settings));
}

template <typename Work>
Error error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no error");
  return Error(Code::kBug, "");
}

/// The answer of a client of its own.
HttpAnswer ask(const TinyServer& server, HttpSettings settings = {}, std::string_view body = {}) {
  HttpClient client(endpoint(server, std::move(settings)));
  return client.send({body.empty() ? "GET" : "POST", "/v1/x", body});
}

class Gathered final : public HttpBody {
 public:
  void begin() override {
    ++times;
    text.clear();
  }
  void take(std::string_view piece) override { text += piece; }
  int times = 0;
  std::string text;
};

std::string gzipped(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

TEST_CASE("requests share a connection and carry the key") {
  TinyServer server([](const TinyRequest& request) { return tiny_answer(200, request.body); });
  HttpSettings settings;
  settings.bearer = "s3cret";
  HttpClient client(endpoint(server, settings));
  CHECK(client.send({"GET", "/v1/schema"}).body.empty());
  CHECK(client.send({"POST", "/v1/batch", R"({"a":1})"}).body == R"({"a":1})");
  CHECK(client.send({"PUT", "/v1/x", ""}).status == 200);
  const std::vector<TinyRequest> seen = server.requests();
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].line == "GET /v1/schema HTTP/1.1");
  CHECK(seen[1].line == "POST /v1/batch HTTP/1.1");
  CHECK(seen[2].line == "PUT /v1/x HTTP/1.1");
  CHECK(seen[2].connection == 0);
  CHECK_THAT(seen[1].head, ContainsSubstring("Authorization: Bearer s3cret\r\n"));
  CHECK_THAT(seen[1].head, ContainsSubstring("Content-Type: application/json\r\n"));
  CHECK_THAT(seen[1].head, !ContainsSubstring("Expect:"));
}

TEST_CASE("a gzip answer is read as what it says") {
  const std::string text(100000, 'x');
  TinyServer server([&](const TinyRequest&) {
    return tiny_answer(200, gzipped(text), "Content-Encoding: gzip\r\n");
  });
  CHECK(ask(server).body == text);
  CHECK_THAT(server.requests()[0].head, ContainsSubstring("Accept-Encoding: gzip\r\n"));
}

TEST_CASE("S1-10: a busy server is asked again, and left alone as long as it says") {
  TinyServer server([](const TinyRequest& request) {
    if (request.number == 0) return tiny_answer(429, "", "Retry-After: 1\r\n");
    return request.number == 1 ? tiny_answer(503, "not yet") : tiny_answer(200, "done");
  });
  const Stopwatch time;
  CHECK(ask(server).body == "done");
  CHECK(time.seconds() > 1);
  CHECK(server.requests().size() == 3);
}

TEST_CASE("a server that stays busy is an error of the connection, with its words") {
  TinyServer server([](const TinyRequest&) { return tiny_answer(429, "slow down"); });
  HttpSettings settings;
  settings.attempts = 3;
  const Error error = error_of([&] { ask(server, settings); });
  CHECK(error.code() == Code::kConnect);
  CHECK_THAT(error.what(), ContainsSubstring("answers 429: slow down"));
  CHECK(server.requests().size() == 3);
}

TEST_CASE("a server that asks for an hour is not waited for") {
  TinyServer server(
      [](const TinyRequest&) { return tiny_answer(429, "", "retry-after: 3600\r\n"); });
  const Stopwatch time;
  const Error error = error_of([&] { ask(server); });
  CHECK(time.seconds() < 1);
  CHECK_THAT(error.hint(), ContainsSubstring("3600 s"));
}

TEST_CASE("half a body is asked for once more, and never taken for a whole one") {
  TinyServer server([](const TinyRequest& request) {
    const std::string whole = tiny_answer(200, R"({"objects": [1, 2, 3]})");
    return request.number == 0 ? whole.substr(0, whole.size() - 9) : whole;
  });
  Gathered body;
  HttpClient client(endpoint(server));
  CHECK(client.send({"GET", "/v1/objects", {}, &body}).good());
  CHECK(body.times == 2);
  CHECK(body.text == R"({"objects": [1, 2, 3]})");
}

TEST_CASE("a server that is slower than the timeout, or closes, is away") {
  std::atomic<bool> ends = false;
  {
    TinyServer server([&](const TinyRequest& request) {
      for (int i = 0; i < 100 && request.body == "slow" && !ends; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      return std::string();
    });
    HttpSettings settings;
    settings.attempts = 2;
    settings.timeout_s = 0.2;
    const Error slow = error_of([&] { ask(server, settings, "slow"); });
    CHECK(slow.code() == Code::kConnect);
    CHECK_THAT(slow.what(), ContainsSubstring("timed out"));
    ends = true;
    CHECK(error_of([&] { ask(server, settings, "closes"); }).code() == Code::kConnect);
    CHECK(server.requests().size() == 4);
  }
}

TEST_CASE("a wrong key is said so, at once, and never shown") {
  TinyServer server([](const TinyRequest&) { return tiny_answer(401, "unauthorized"); });
  HttpSettings settings;
  settings.bearer = "s3cret";
  const Error wrong = error_of([&] { ask(server, settings); });
  CHECK(wrong.code() == Code::kAuth);
  CHECK_THAT(wrong.what(), ContainsSubstring("the key that was given"));
  CHECK_THAT(wrong.what(), !ContainsSubstring("s3cret"));
  CHECK_THAT(error_of([&] { ask(server); }).what(), ContainsSubstring("none was given"));
  CHECK(server.requests().size() == 2);
}

TEST_CASE("what is wrong with the request itself is the caller's to judge") {
  TinyServer server([](const TinyRequest& request) {
    return tiny_answer(request.body.size() > 3 ? 413 : 422, std::string(200000, 'w'));
  });
  Gathered body;
  HttpClient client(endpoint(server));
  const HttpAnswer large = client.send({"POST", "/", "1234", &body});
  CHECK(large.status == 413);
  CHECK(large.body.size() < 150000);
  CHECK(body.times == 0);
  CHECK(client.send({"POST", "/", "1"}).status == 422);
}

TEST_CASE("S1-10: threads share the budget of an endpoint") {
  TinyServer server([](const TinyRequest&) { return tiny_answer(200, ""); });
  HttpSettings settings;
  settings.per_second = 20;
  const std::shared_ptr<HttpEndpoint> shared = endpoint(server, settings);
  const Stopwatch time;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      HttpClient client(shared);
      for (int n = 0; n < 4; ++n) client.send({"GET", "/"});
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(server.requests().size() == 12);
  CHECK(time.seconds() > 11 / 20.0 - 0.05);
}

TEST_CASE("a stop ends a request, and a wait for the next") {
  StopFlag stop;
  const StopScope scope(stop, StopLevel::kFinish);
  TinyServer busy([&](const TinyRequest&) {
    stop.raise();
    return tiny_answer(429, "", "Retry-After: 100\r\n");
  });
  const Stopwatch time;
  CHECK(error_of([&] { ask(busy); }).code() == Code::kInterrupted);
  CHECK(time.seconds() < 5);
}

TEST_CASE("S1-10: Retry-After is seconds or a date") {
  CHECK(retry_after(" 120\r\n", 0) == 120);
  CHECK(retry_after("Wed, 21 Oct 2026 07:28:00 GMT", 1792567670) == 10);
  CHECK(retry_after("Wed, 21 Oct 2026 07:28:00 GMT", 1900000000) == 0);
  for (const char* none : {"", "soon", "-1", "1.5", "Wed, 33 Oct 2026 07:28:00 GMT",
                           "Wed, 21 Zed 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 CET"})
    CHECK_FALSE(retry_after(none, 0).has_value());
}

}  // namespace lugger::test
