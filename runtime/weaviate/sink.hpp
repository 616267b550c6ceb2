// One worker's stream of objects to a class.
#pragma once
#include <filesystem>
#include <memory>
#include <mutex>

#include "place/state_file.hpp"
#include "place/target.hpp"
#include "weaviate/address.hpp"
#include "weaviate/layout.hpp"

namespace lugger {

/// The ledger, which the workers of a run share.
class SharedLedger {
 public:
  explicit SharedLedger(std::filesystem::path directory) : directory_(std::move(directory)) {}
  void add(const UnitRecord& unit);

 private:
  const std::filesystem::path directory_;
  std::mutex mutex_;
  std::unique_ptr<UnitLedger> ledger_;
};

struct WeaviateLoad {
  std::shared_ptr<HttpEndpoint> endpoint;
  std::shared_ptr<SharedLedger> ledger;
  ClassLayout layout;
  std::string fingerprint;              // of the class
  std::shared_ptr<HttpEndpoint> calls;  // gRPC; nullptr: REST
  bool replaces = false;                // the class held objects: a document counts as updated
};

std::unique_ptr<RowSink> make_weaviate_sink(const PlanShape& plan, WeaviateLoad load);

}  // namespace lugger
