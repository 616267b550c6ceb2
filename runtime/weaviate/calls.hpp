// Where a Weaviate takes calls over gRPC.
#pragma once
#include <memory>
#include <string>

#include "base/options.hpp"
#include "http/endpoint.hpp"

namespace lugger {

struct WeaviateCalls {
  std::shared_ptr<HttpEndpoint> endpoint;  // nullptr: nowhere
  std::string shown;                       // "gRPC at host:50051", or "REST: " and the reason
  bool missed = false;                     // the options name a port that takes none
};

/// The options name the port of gRPC.
bool names_calls(const Options& options);

/// Asks the port of gRPC beside `rest` whether a server is well there, without the key. Unless the
/// options name a port, only a REST port of 8080 is thought to have one beside it: 50051.
WeaviateCalls find_calls(const HttpSettings& rest, const Options& options);

}  // namespace lugger
