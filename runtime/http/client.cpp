#include "http/client.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <random>
#include <thread>

#include "base/ascii.hpp"
#include "base/clock.hpp"
#include "base/stop.hpp"
#include "http/grpc.hpp"
#include "http/library.hpp"
#include "http/retry_after.hpp"

namespace lugger {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr size_t kMostOfError = 64 << 10;  // what is kept of an answer that says what is wrong
constexpr double kFirstWait = 0.25, kLongestWait = 30;
// A server may ask for any time. Beyond this the run waits where it can be seen to wait, and resumed.
constexpr double kMostAsked = 120;
constexpr long kStatusUnauthorized = 401, kStatusForbidden = 403, kStatusTimeout = 408,
               kStatusBusy = 429, kStatusFailed = 500, kStatusNotMade = 501;

bool is_passing(long status) noexcept {
  return status == kStatusBusy || status == kStatusTimeout ||
         (status >= kStatusFailed && status != kStatusNotMade);
}

/// Between half of it and all of it, so that workers do not come back all at once.
double jitter(double seconds) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return seconds * std::uniform_real_distribution<double>(0.5, 1)(random);
}

[[noreturn]] void interrupted() { raise(Code::kInterrupted, "stopped while a server was asked"); }

void wait_until(std::chrono::steady_clock::time_point time) {
  constexpr std::chrono::milliseconds kSlice(50);
  while (std::chrono::steady_clock::now() < time) {
    if (StopScope::current().due()) interrupted();
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(
        kSlice, time - std::chrono::steady_clock::now()));
  }
}

/// The first words of an error's body, for a message.
std::string words_of(std::string_view body) {
  constexpr size_t kMost = 300;
  std::string out(body.substr(0, kMost));
  std::ranges::replace_if(
      out, [](unsigned char c) { return std::iscntrl(c) != 0; }, ' ');
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out.empty() ? out : ": " + out;
}

}  // namespace

struct HttpClient::Inner {
  explicit Inner(std::shared_ptr<HttpEndpoint> shared)
      : endpoint(std::move(shared)), curl(curl::library()) {
    handle.reset(curl.easy_init());
    if (!handle) raise(Code::kConnect, "libcurl gives no handle");
    if (endpoint->settings().grpc) {
      speak_grpc();
    } else {
      add_header("Content-Type: application/json");
      set(curl::kAcceptEncoding, "gzip");
    }
    add_header("Expect:");  // no question before a body is sent
    const HttpSettings& settings = endpoint->settings();
    if (!settings.bearer.empty()) add_header(settings.key_header + settings.bearer);
    for (const std::string& header : settings.headers) add_header(header);
    set(curl::kHttpHeader, headers.get());
    set(curl::kUserAgent, "lugger/" LUGGER_VERSION);
    set(curl::kErrorBuffer, error_words);
    set(curl::kNoSignal, 1L);
    set(curl::kTcpKeepAlive, 1L);
    set(curl::kProtocols, "http,https");
    set(curl::kVerifyPeer, settings.verify ? 1L : 0L);
    set(curl::kVerifyHost, settings.verify ? 2L : 0L);
    if (!settings.ca_file.empty()) set(curl::kCaFile, settings.ca_file.c_str());
    set(curl::kConnectTimeoutMs, static_cast<long>(settings.connect_s * 1000));
    set(curl::kTimeoutMs, static_cast<long>(settings.timeout_s * 1000));
    set(curl::kBufferSize, 256L << 10);
    set(curl::kWriteFunction, static_cast<curl::OnBody>(on_body));
    set(curl::kHeaderFunction, static_cast<curl::OnBody>(on_header));
    set(curl::kProgressFunction, static_cast<curl::OnProgress>(on_progress));
    set(curl::kWriteData, static_cast<void*>(this));
    set(curl::kHeaderData, static_cast<void*>(this));
    set(curl::kProgressData, static_cast<void*>(this));
    set(curl::kNoProgress, 0L);
  }

  void speak_grpc() {
    add_header("Content-Type: application/grpc+proto");
    add_header("TE: trailers");
    const bool tls = endpoint->settings().base.starts_with("https:");
    // libcurl 7.88 breaks off the second call of a connection. A batch is worth one of its own.
    set(curl::kForbidReuse, 1L);
    set(curl::kHttpVersion, tls ? curl::kHttp2Tls : curl::kHttp2);
  }

  template <typename Value>
  void set(int option, Value value) {
    if (const int result = curl.easy_setopt(handle.get(), option, value); result != curl::kOk)
      raise(Code::kConfig, "libcurl refuses option {}: {}", option, curl.easy_strerror(result));
  }

  void add_header(const std::string& line) {
    CurlList* longer = curl.slist_append(headers.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(headers.release());
    headers.reset(longer);
  }

  // Called by libcurl, through which no exception may pass.
  static size_t on_body(char* bytes, size_t size, size_t count, void* self) {
    return static_cast<Inner*>(self)->take({bytes, size * count}) ? size * count : 0;
  }
  static size_t on_header(char* bytes, size_t size, size_t count, void* self) {
    static_cast<Inner*>(self)->note_header({bytes, size * count});
    return size * count;
  }
  static int on_progress(void*, int64_t, int64_t, int64_t, int64_t) {
    return StopScope::current().due() ? 1 : 0;
  }

  bool take(std::string_view piece) noexcept {
    try {
      if (status == 0) begin_body();
      if (into != nullptr && answer.good()) {
        into->take(piece);
      } else if (answer.good() || answer.body.size() < kMostOfError) {
        answer.body += piece;
      }
      return true;
    } catch (...) {
      fault = std::current_exception();
      return false;
    }
  }

  void begin_body() {
    curl.easy_getinfo(handle.get(), curl::kResponseCode, &status);
    answer.status = status;
    if (into != nullptr && answer.good()) into->begin();
  }

  void keep_header(std::string_view line) noexcept {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::string& kept = endpoint->settings().kept_headers;
    const size_t colon = line.find(':');
    if (kept.empty() || colon == std::string_view::npos) return;
    try {
      std::string name(line.substr(0, colon));
      std::ranges::transform(name, name.begin(), to_lower);
      if (!name.starts_with(kept)) return;
      line.remove_prefix(colon + 1);
      line.remove_prefix(std::min(line.find_first_not_of(kSpace), line.size()));
      answer.headers.emplace_back(std::move(name),
                                  line.substr(0, line.find_last_not_of(kSpace) + 1));
    } catch (...) {
      fault = std::current_exception();
    }
  }

  void note_header(std::string_view line) noexcept {
    keep_header(line);
    constexpr std::string_view kName = "retry-after:";
    const auto same = [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == b;
    };
    if (line.size() < kName.size() ||
        !std::ranges::equal(line.substr(0, kName.size()), kName, same))
      return;
    asked_wait = retry_after(line.substr(kName.size()), unix_micros_now() / 1'000'000);
  }

  /// An answer to a call is good when its trailers say so.
  void end_call() {
    grpc::Outcome outcome;
    for (const auto& [name, value] : answer.headers) outcome.note(name, value);
    if (!answer.good() || outcome.good()) return;
    answer.status = status = outcome.http_status();
    answer.body = outcome.words();
  }

  /// One attempt. nullopt: it is worth another, `why` says what happened.
  std::optional<HttpAnswer> attempt(const HttpRequest& request) {
    answer = {};
    status = 0;
    fault = nullptr;
    asked_wait.reset();
    error_words[0] = '\0';
    into = request.into;
    const std::string url = endpoint->settings().base + request.path;
    const std::string method(request.method);
    set(curl::kUrl, url.c_str());
    if (request.method == "GET") {
      set(curl::kHttpGet, 1L);
    } else {
      set(curl::kPost, 1L);
      set(curl::kPostFields, request.body.data() == nullptr ? "" : request.body.data());
      set(curl::kPostFieldSize, static_cast<int64_t>(request.body.size()));
    }
    set(curl::kCustomRequest, method.c_str());
    const int result = curl.easy_perform(handle.get());
    if (fault) std::rethrow_exception(fault);
    if (result == curl::kAborted) interrupted();
    if (result != curl::kOk) return note_failure(result);
    if (status == 0) begin_body();
    if (endpoint->settings().grpc) end_call();
    if (!answer.good()) hide_key();
    if (status == kStatusUnauthorized || status == kStatusForbidden) refuse_key();
    const bool stays = request.stays != nullptr && request.stays(status, answer.body);
    if (!is_passing(status) || stays) return std::move(answer);
    why = fmt::format("{} answers {}{}", endpoint->settings().base, status, words_of(answer.body));
    return std::nullopt;
  }

  /// Some servers repeat the key that they refuse.
  void hide_key() {
    const std::string& key = endpoint->settings().bearer;
    for (size_t at = 0; !key.empty() && (at = answer.body.find(key)) != std::string::npos;)
      answer.body.replace(at, key.size(), "***");
  }

  std::optional<HttpAnswer> note_failure(int result) {
    const std::string& base = endpoint->settings().base;
    const std::string words = error_words[0] != '\0' ? error_words : curl.easy_strerror(result);
    if (result == curl::kPeerNotVerified || result == curl::kCaFileBad) {
      throw Error(Code::kConfig, fmt::format("{} cannot be trusted: {}", base, words),
                  "its certificate must be one that this machine trusts; ca_file = 'FILE' names "
                  "others, verify_tls = false asks for none");
    }
    why = fmt::format("{}: {}", base, words);
    return std::nullopt;
  }

  [[noreturn]] void refuse_key() const {
    const HttpSettings& settings = endpoint->settings();
    throw Error(
        Code::kAuth, fmt::format("{} answers {}{}", settings.base, status, words_of(answer.body)),
        settings.bearer.empty() ? "it wants a key, and none was given"
                                : "the key that was given is not one that it takes for this");
  }

  std::shared_ptr<HttpEndpoint> endpoint;
  const curl::Library& curl;
  struct Cleanup {
    void operator()(CurlHandle* one) const noexcept { curl::library().easy_cleanup(one); }
    void operator()(CurlList* one) const noexcept { curl::library().slist_free_all(one); }
  };
  std::unique_ptr<CurlList, Cleanup> headers;
  std::unique_ptr<CurlHandle, Cleanup> handle;
  char error_words[curl::kErrorBytes] = {};

  // Of the attempt under way.
  HttpBody* into = nullptr;
  HttpAnswer answer;
  long status = 0;
  std::exception_ptr fault;
  std::optional<double> asked_wait;
  std::string why;
};

HttpClient::HttpClient(std::shared_ptr<HttpEndpoint> endpoint)
    : inner_(std::make_unique<Inner>(std::move(endpoint))) {}
HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::send(const HttpRequest& request) {
  Inner& inner = *inner_;
  HttpEndpoint& endpoint = *inner.endpoint;
  double wait = kFirstWait;
  for (int left = std::max(endpoint.settings().attempts, 1);;
       wait = std::min(2 * wait, kLongestWait)) {
    wait_until(endpoint.next_turn());
    if (request.before) request.before();
    if (std::optional<HttpAnswer> answer = inner.attempt(request)) return std::move(*answer);
    const double asked = inner.asked_wait.value_or(0);
    if (--left == 0 || asked > kMostAsked) {
      throw Error(
          Code::kConnect, inner.why,
          asked > kMostAsked ? fmt::format("it asks to be left alone for {} s", asked) : "");
    }
    if (asked > 0) endpoint.rest(Seconds(asked));  // the other threads, too
    const double rest = std::max(asked, jitter(wait));
    wait_until(std::chrono::steady_clock::now() +
               std::chrono::duration_cast<std::chrono::steady_clock::duration>(Seconds(rest)));
  }
}

}  // namespace lugger
