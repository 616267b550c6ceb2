// One worker's stream of objects to a class.
#pragma once
#include <memory>

#include "http/endpoint.hpp"
#include "store/object_sink.hpp"
#include "weaviate/layout.hpp"

namespace lugger {

struct WeaviateLoad {
  std::shared_ptr<HttpEndpoint> endpoint;
  std::shared_ptr<RunLedger> ledger;
  ClassLayout layout;
  std::string fingerprint;              // of the class
  std::shared_ptr<HttpEndpoint> calls;  // gRPC; nullptr: REST
  bool replaces = false;                // the class held objects: a document counts as updated
};

std::unique_ptr<RowSink> make_weaviate_sink(const PlanShape& plan, WeaviateLoad load);

}  // namespace lugger
