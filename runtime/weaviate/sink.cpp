#include "weaviate/sink.hpp"

#include "weaviate/importer.hpp"
#include "weaviate/object_message.hpp"
#include "weaviate/object_writer.hpp"

namespace lugger {
namespace {

/// What the encoder and the importer refer to.
struct Held {
  explicit Held(WeaviateLoad of) : load(std::move(of)), server(load.endpoint) {}

  const WeaviateLoad load;
  WeaviateServer server;
};

std::unique_ptr<RowEncoder> make_encoder(const TablePlan& table, const WeaviateLoad& load) {
  if (load.calls) return std::make_unique<ObjectMessages>(table, load.layout);
  return std::make_unique<ObjectWriter>(table, load.layout, false);
}

std::unique_ptr<ObjectCall> make_call(WeaviateServer& server, const WeaviateLoad& load) {
  if (!load.calls) return make_rest_call(server);
  return make_grpc_call(server, load.calls, load.layout.class_name, load.layout.tenant);
}

}  // namespace

std::unique_ptr<RowSink> make_weaviate_sink(const PlanShape& plan, WeaviateLoad load) {
  const auto held = std::make_shared<Held>(std::move(load));
  const ClassLayout& layout = held->load.layout;
  ObjectLoad out;
  out.holds = held;
  out.encoder = make_encoder(plan.tables()[0], held->load);
  out.batches = std::make_unique<ObjectImporter>(held->server, make_call(held->server, held->load),
                                                 layout.class_name, layout.tenant,
                                                 held->load.fingerprint, IfRefused::kTakeBack);
  out.ledger = held->load.ledger;
  out.replaces = held->load.replaces;
  return make_object_sink(plan, std::move(out));
}

}  // namespace lugger
