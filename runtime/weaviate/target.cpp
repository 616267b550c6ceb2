#include "weaviate/target.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>

#include "base/error.hpp"
#include "place/modes.hpp"
#include "store/object_mapping.hpp"
#include "weaviate/address.hpp"
#include "weaviate/awake.hpp"
#include "weaviate/calls.hpp"
#include "weaviate/importer.hpp"
#include "weaviate/inspect.hpp"
#include "weaviate/layout.hpp"
#include "weaviate/lengths.hpp"
#include "weaviate/manifest.hpp"
#include "weaviate/object_message.hpp"
#include "weaviate/object_rows.hpp"
#include "weaviate/references.hpp"
#include "weaviate/rows.hpp"
#include "weaviate/search.hpp"
#include "weaviate/server.hpp"

namespace lugger {
namespace {

using Type = OptionSpec::Type;

constexpr auto kOptions = joined_options(
    kWeaviateOptions,
    std::array<OptionSpec, 11>{{
        {"table", Type::kText, "the class, where the URL names none"},
        {"key", Type::kList,
         "columns that identify a row: an object's id is a uuid column, or made from them"},
        {"tenant", Type::kText, "the tenant of a class that has tenants"},
        {"inactive", Type::kChoice,
         "what becomes of a tenant that is off: it is on while it is loaded", "activate",
         "activate|error"},
        {"vector", Type::kText,
         "of a class that lugger makes: the column that is its one vector without a name"},
        {"distance", Type::kChoice,
         "of a class that lugger makes: how vectors are compared, where no manifest says it",
         "cosine", "cosine|dot|l2-squared|manhattan|hamming"},
        {"index", Type::kChoice, "of a class that lugger makes: the index of its vectors", "hnsw",
         "hnsw|flat|dynamic"},
        {"grpc", Type::kFlag, "whether batches go by gRPC, where the server takes calls", "true"},
        {"grpc_port", Type::kNumber,
         "the port of gRPC, where it is not 50051 beside a REST port of 8080"},
        {"state", Type::kPath, "directory that remembers how far a run is", ".lugger"},
        {"on_conflict", Type::kChoice, "what becomes of a row whose key is taken", "error",
         "error|update"},
    }});

// The ways of loading, which a run keeps.
constexpr std::string_view kFill = "fill";

constexpr ObjectStoreWords kWords = {
    "Weaviate", "an object", "class",
    "Weaviate makes its indexes itself: the option `index` says which"};

constexpr std::string_view kUpdateReplaces =
    "on_conflict = 'update' replaces those of equal ids and keeps the others";

std::string holding_objects(const std::string& class_name) {
  return fmt::format("the class {} holds objects", class_name);
}

/// The class of the URL, or else that of the plan.
LayoutOptions named(LayoutOptions options, const PlanShape& plan) {
  if (options.class_name.empty()) options.class_name = class_name_of(plan.tables()[0].name);
  return options;
}

/// The class as it is there. Given by an alias, it goes by its own name from here on.
std::optional<WeaviateClass> find_named(WeaviateServer& server, LayoutOptions& options) {
  std::optional<WeaviateClass> out = server.find_class(options.class_name);
  if (out) options.class_name = out->name;
  return out;
}

std::optional<WeaviateTenant> find_tenant(WeaviateServer& server, const LayoutOptions& options) {
  const std::vector<WeaviateTenant> all = server.tenants(options.class_name);
  const auto found = std::ranges::find(all, options.tenant, &WeaviateTenant::name);
  return found == all.end() ? std::nullopt : std::optional(*found);
}

class WeaviateTarget final : public Target {
 public:
  WeaviateTarget(const std::string& place, const Options& options)
      : address_(weaviate_address(AllowedUrl(place), options)),
        options_(options),
        state_(options.text("state", ".lugger")),
        ledger_(std::make_shared<RunLedger>(state_)) {
    layout_.tenant = options.text("tenant");
    layout_.vector = options.text("vector");
    layout_.distance = options.text("distance");
    layout_.index_type = options.text("index", "hnsw");
    layout_.class_name = address_.class_name;
    table_ = options.text("table");
    if (options.text("inactive", "activate") == "activate") layout_.tenant_state = state_;
    if (!table_.empty() && !layout_.class_name.empty() &&
        class_name_of(table_) != layout_.class_name) {
      throw Error(Code::kConfig,
                  fmt::format("the URL names the class {} and table = '{}' another",
                              layout_.class_name, table_),
                  "name it once");
    }
  }

  std::string place() const override { return address_.shown; }
  std::vector<TargetColumn> columns(const std::string& table) override;
  TargetReport inspect(const PlanShape& plan, bool create, bool again) override;
  void create(const TargetReport& report) override {
    WeaviateServer server(address_.endpoint);
    for (const std::string& definition : report.create) server.create_class(definition);
  }
  std::vector<VectorManifest> manifests(const PlanShape& plan) override;
  void keep_manifests(const PlanShape& plan) override;
  std::unique_ptr<State> state() override {
    return make_file_state(
        state_, [endpoint = address_.endpoint, names = layout_, table = table_]() mutable {
          if (names.class_name.empty() && !table.empty()) names.class_name = class_name_of(table);
          WeaviateServer server(endpoint);
          if (!names.class_name.empty()) find_named(server, names);
          return names.told(endpoint->settings().base);
        });
  }
  std::unique_ptr<RowSink> open(const PlanShape& plan, const SinkOptions& options) override;
  std::vector<std::string> finish(const PlanShape& plan, const FinishWork& work,
                                  Tally& tally) override;
  /// What was written stands under the ids that the next run gives it, too.
  void discard(const PlanShape&, const std::string& run) override { ledger_->forget_keys(run); }
  std::unique_ptr<Search> search(const SearchSpec& spec) override {
    WeaviateServer server(address_.endpoint);
    LayoutOptions names = layout_;
    if (names.class_name.empty()) names.class_name = class_name_of(spec.table);
    const std::optional<WeaviateClass> there = find_named(server, names);
    if (!there) raise(Code::kConfig, "Weaviate has no class {}", names.class_name);
    return make_weaviate_search(address_.endpoint, *there, names.tenant, spec, woken(names));
  }
  std::unique_ptr<Rows> rows() override { return make_weaviate_rows(address_, layout_); }

 private:
  /// What the tenant is held by, if it is not on by itself.
  std::shared_ptr<const void> woken(const LayoutOptions& names) const {
    return wake_tenant(address_.endpoint, names.class_name, names.tenant, names.tenant_state);
  }
  void inspect_objects(const PlanShape& plan, const WeaviateClass& there,
                       const LayoutOptions& options, const ClassLayout& layout,
                       TargetReport& report);
  void begin_run(WeaviateServer& server, const LayoutOptions& names, const ClassLayout& layout,
                 const std::string& identity, const std::string& run);
  /// How batches go. By a port that nobody named, only into a class without objects: there it shows
  /// at the first object whether the server is the same.
  WeaviateCalls calls(const ClassLayout& layout, bool replaces);

  WeaviateAddress address_;
  Options options_;
  std::string state_;
  std::string table_;  // as the options name it
  std::shared_ptr<RunLedger> ledger_;
  LayoutOptions layout_;
  std::mutex mutex_;
  std::optional<WeaviateCalls> calls_;
  std::string begun_;  // the run that the following belongs to
  std::shared_ptr<VectorLengths> lengths_;
  std::shared_ptr<const void> held_;
};

std::vector<TargetColumn> WeaviateTarget::columns(const std::string& table) {
  WeaviateServer server(address_.endpoint);
  const std::string name = layout_.class_name.empty() ? class_name_of(table) : layout_.class_name;
  const std::optional<WeaviateClass> there = server.find_class(name);
  std::vector<TargetColumn> out;
  if (!there) return out;
  for (const WeaviateProperty& property : there->properties)
    out.push_back({property.name, property.type});
  return out;
}

WeaviateCalls WeaviateTarget::calls(const ClassLayout& layout, bool replaces) {
  if (!fits_messages(layout)) return {nullptr, "REST: objects have nested values"};
  if (replaces && !names_calls(options_))
    return {nullptr, "REST: the class holds objects, and no grpc_port is named"};
  const std::lock_guard lock(mutex_);
  if (!calls_) calls_ = find_calls(address_.endpoint->settings(), options_);
  return *calls_;
}

TargetReport WeaviateTarget::inspect(const PlanShape& plan, bool create, bool again) {
  TargetReport report;
  report.place = address_.shown;
  WeaviateServer server(address_.endpoint);
  report.server = "Weaviate " + server.version();
  if (address_.open_key)
    report.warnings.push_back("the key goes over the network in the open: weaviates:// encrypts");
  check_object_mapping(plan, kWords, report);
  LayoutOptions options = named(layout_, plan);
  const std::optional<WeaviateClass> there = find_named(server, options);
  if (there && !there->alias.empty())
    report.warnings.push_back(fmt::format("{} is an alias: what is loaded goes into the class {}",
                                          there->alias, there->name));
  ClassLayout layout = class_layout(plan, there ? &*there : nullptr, options);
  std::ranges::move(layout.problems, std::back_inserter(report.problems));
  std::ranges::move(layout.warnings, std::back_inserter(report.warnings));
  if (layout.has_references() && !again)
    report.problems.push_back(
        "references are written in a second pass, and the source can be read only once");
  report.mode = kFill;
  report.mode_reason = "the class holds no objects";
  if (there) inspect_objects(plan, *there, options, layout, report);
  const WeaviateCalls way = calls(layout, report.mode == kReplaceMode);
  report.server += ", batches by " + way.shown;
  if (way.missed) report.warnings.push_back("batches go by " + way.shown);
  if (!there) {
    report.missing.push_back(plan.tables()[0].name);
    report.create.push_back(class_definition(plan, layout, options));
    if (!create) {
      report.problems.push_back(
          fmt::format("the class {} does not exist; add --create to make it from the columns",
                      options.class_name));
    }
  }
  return report;
}

void WeaviateTarget::inspect_objects(const PlanShape& plan, const WeaviateClass& there,
                                     const LayoutOptions& options, const ClassLayout& layout,
                                     TargetReport& report) {
  WeaviateServer server(address_.endpoint);
  if (there.tenants) {
    if (options.tenant.empty()) return;
    const std::optional<WeaviateTenant> tenant = find_tenant(server, options);
    if (!tenant) return;  // it is made, and holds nothing
    if (tenant->active) tell_left_on(address_.endpoint, options, report);
    if (!tenant->active) return inspect_sleeping(plan, *tenant, options, report);
  }
  report.holds_rows = server.holds_objects(options.class_name, options.tenant);
  if (!report.holds_rows) return;
  check_lengths(plan, layout, find_lengths(server, options.class_name, options.tenant), report);
  const bool refused = plan.mapping().on_conflict == OnConflict::kError;
  report.mode = refused ? kRefusedMode : kReplaceMode;
  report.mode_reason =
      refused ? fmt::format("{}; {}", holding_objects(options.class_name), kUpdateReplaces)
              : "the class holds objects, which those of equal ids replace";
}

std::unique_ptr<RowSink> WeaviateTarget::open(const PlanShape& plan, const SinkOptions& options) {
  LayoutOptions names = named(layout_, plan);
  WeaviateServer server(address_.endpoint);
  const std::optional<WeaviateClass> there = find_named(server, names);
  if (!there) {
    throw Error(Code::kConfig, fmt::format("Weaviate has no class {}", names.class_name),
                "make it, or let lugger make it: --create");
  }
  if (options.mode == kRefusedMode) {
    throw Error(Code::kConflict, holding_objects(names.class_name), std::string(kUpdateReplaces));
  }
  const std::string identity = server.identity(*there);
  ClassLayout layout = class_layout(plan, &*there, names);
  if (!layout.problems.empty()) throw Error(Code::kConfig, layout.problems.front());
  begin_run(server, names, layout, identity, options.run);
  const bool replaces = options.mode == kReplaceMode;
  const std::shared_ptr<HttpEndpoint> way = calls(layout, replaces).endpoint;
  ObjectLoad load;
  load.encoder = make_object_rows(plan.tables()[0], std::move(layout),
                                  way ? ObjectWay::kGrpc : ObjectWay::kRest, lengths_);
  load.batches = std::make_unique<ObjectImporter>(address_.endpoint, way, names.class_name,
                                                  names.tenant, identity, IfRefused::kTakeBack);
  load.ledger = ledger_;
  load.run = options.run;
  load.replaces = replaces;
  return make_object_sink(plan, std::move(load));
}

/// What the workers of a run share, made by the first of them.
void WeaviateTarget::begin_run(WeaviateServer& server, const LayoutOptions& names,
                               const ClassLayout& layout, const std::string& identity,
                               const std::string& run) {
  const std::lock_guard lock(mutex_);
  if (begun_ == run) return;
  if (!ledger_->binds(run, identity)) {
    throw Error(Code::kConflict,
                fmt::format("the class {} was made anew, or changed, after the run began: what was "
                            "loaded may be gone",
                            names.class_name),
                "start over with --restart");
  }
  if (!names.tenant.empty() && !find_tenant(server, names))
    server.add_tenant(names.class_name, names.tenant);
  if (!names.tenant.empty()) held_ = woken(names);
  lengths_ =
      std::make_shared<VectorLengths>(layout, find_lengths(server, names.class_name, names.tenant));
  begun_ = run;
}

std::vector<VectorManifest> WeaviateTarget::manifests(const PlanShape& plan) {
  const LayoutOptions names = named(layout_, plan);
  const std::optional<WeaviateClass> there =
      WeaviateServer(address_.endpoint).find_class(names.class_name);
  if (!there) return {};
  return manifests_of_columns(*there, plan, class_layout(plan, &*there, names));
}

void WeaviateTarget::keep_manifests(const PlanShape& plan) {
  if (plan.mapping().manifests.empty()) return;
  const LayoutOptions names = named(layout_, plan);
  WeaviateServer server(address_.endpoint);
  if (const std::optional<WeaviateClass> there = server.find_class(names.class_name))
    keep_weaviate_manifests(server, *there, plan, class_layout(plan, &*there, names));
}

/// Rows of one key are one object, and others may write, too.
std::vector<std::string> count_objects(const LayoutOptions& names, std::optional<uint64_t> count,
                                       const Tally& tally) {
  if (!count || tally.updated != 0 || *count == tally.rows) return {};
  return {fmt::format("{} rows were sent, and {} holds {} objects", tally.rows, names.class_name,
                      *count)};
}

std::vector<std::string> WeaviateTarget::finish(const PlanShape& plan, const FinishWork& work,
                                                Tally& tally) {
  LayoutOptions names = named(layout_, plan);
  WeaviateServer server(address_.endpoint);
  const std::optional<WeaviateClass> there = find_named(server, names);
  if (!there) raise(Code::kConflict, "the class {} is gone", names.class_name);
  // Until the end of this, whoever turned it on.
  const std::shared_ptr<const void> held = woken(names);
  held_.reset();
  begun_.clear();
  ledger_->forget_keys(work.run);
  const std::optional<uint64_t> count = server.count(names.class_name, names.tenant);
  std::vector<std::string> out = count_objects(names, count, tally);
  const ClassLayout layout = class_layout(plan, &*there, names);
  if (layout.has_references() && work.again) {
    const bool all = !count || *count != tally.rows;
    std::ranges::move(write_references(address_.endpoint, plan.tables()[0], layout,
                                       server.identity(*there), all, work.again),
                      std::back_inserter(out));
  }
  return out;
}

}  // namespace

std::span<const OptionSpec> weaviate_target_options() { return kOptions; }

std::shared_ptr<Target> make_weaviate_target(const std::string& place, const Options& options) {
  return std::make_shared<WeaviateTarget>(place, options);
}

}  // namespace lugger
