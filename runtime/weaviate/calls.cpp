#include "weaviate/calls.hpp"

#include <fmt/format.h>

#include "http/client.hpp"
#include "http/grpc.hpp"

namespace lugger {
namespace {

constexpr std::string_view kRestPort = ":8080", kOption = "grpc_port";
constexpr int kPort = 50051;
// HealthCheckResponse { status: SERVING }
constexpr std::string_view kServing{"\x08\x01", 2};

/// "http://host:8080" up to the port.
std::string_view without_port(std::string_view base) {
  const size_t colon = base.rfind(':');
  const bool port = colon > base.find("//") && base.find(']', colon) == std::string_view::npos;
  return port ? base.substr(0, colon) : base;
}

/// Empty: a server is well there.
std::string why_not(HttpSettings settings) {
  settings.bearer.clear();
  settings.connect_s = 1;
  settings.timeout_s = 3;
  settings.attempts = 1;
  try {
    HttpClient client(std::make_shared<HttpEndpoint>(std::move(settings)));
    const HttpAnswer answer = client.send({"POST", "/grpc.health.v1.Health/Check", grpc::kHead});
    const std::optional<std::string_view> message = grpc::message_of(answer.body);
    if (answer.good() && message && message->starts_with(kServing)) return "";
    return answer.good() ? "what answers there is not well" : answer.body;
  } catch (const Error& error) {
    if (error.code() == Code::kInterrupted) throw;
    return error.message();
  }
}

}  // namespace

bool names_calls(const Options& options) { return options.number(kOption, 0) != 0; }

WeaviateCalls find_calls(const HttpSettings& rest, const Options& options) {
  if (!options.flag("grpc", true)) return {nullptr, "REST: grpc is false"};
  const bool named = names_calls(options);
  if (!named && !rest.base.ends_with(kRestPort))
    return {nullptr, "REST: grpc_port, the port of gRPC, is not named"};
  HttpSettings settings = rest;
  settings.base = fmt::format("{}:{}", without_port(rest.base),
                              named ? static_cast<int>(options.number(kOption, 0)) : kPort);
  settings.grpc = true;
  settings.kept_headers = grpc::kHeaders;
  const std::string where = settings.base.substr(settings.base.find("//") + 2);
  if (const std::string why = why_not(settings); !why.empty())
    return {nullptr, fmt::format("REST: no gRPC is at {}: {}", where, why), named};
  return {std::make_shared<HttpEndpoint>(std::move(settings)), "gRPC at " + where};
}

}  // namespace lugger
