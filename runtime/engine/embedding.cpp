#include "engine/embedding.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/model_vectors.hpp"
#include "place/search.hpp"

namespace lugger {
namespace {

constexpr int kAttempts = 10;  // of a request: a minute and a half

class Meter final : public EmbedMeter {
 public:
  Meter(EmbedBudget& budget, double per_million) : budget_(budget), per_million_(per_million) {}
  void sends(const EmbedLoad& load) override { budget_.spend(load, per_million_); }
  void answered(const EmbedLoad& load, std::optional<uint64_t> tokens) override {
    if (tokens) budget_.settle(load, per_million_, *tokens);
  }

 private:
  EmbedBudget& budget_;
  double per_million_;
};

/// What an index compares by is no part of how a vector is made.
std::string words_of(const Column& column, const EmbedSettings& settings, const Mapping& mapping) {
  VectorManifest manifest;
  const auto found = std::ranges::find(mapping.manifests, column.name, &VectorManifest::column);
  if (found != mapping.manifests.end()) manifest = *found;
  manifest.metric.clear();
  manifest.model = settings.model;
  manifest.prefix = settings.prefix;
  return fmt::format("{} {} dimensions {} longest {}", settings.url, manifest_json(manifest),
                     settings.dimensions, settings.truncate ? settings.longest : 0);
}

std::unique_ptr<EmbedModel> model_for(const Column& column, const Mapping& mapping,
                                      EmbedBudget& budget) {
  auto out = std::make_unique<EmbedModel>();
  out->settings = *column.embed;
  EmbedSettings& settings = out->settings;
  if (settings.max_usd > 0 && settings.per_million <= 0)
    throw Error(Code::kConfig, fmt::format("{}: max_usd, and no price", column.name),
                "per_million = 0.02 is what a million tokens cost");
  settings.attempts = kAttempts;
  settings.in_flight = std::clamp<uint64_t>(settings.in_flight, 1, 64);
  if (!(settings.bytes_per_token > 0)) settings.bytes_per_token = 4;
  out->column = column.name;
  out->shown = Embedder(settings).shown();
  out->dimensions = static_cast<size_t>(column.type.length);
  out->words = words_of(column, settings, mapping);
  const std::vector<std::string> no_key = {""};
  for (const std::string& key : settings.keys.empty() ? no_key : settings.keys)
    out->endpoints.push_back(Embedder::endpoint_of(settings, key));
  out->meter = std::make_unique<Meter>(budget, settings.per_million);
  return out;
}

/// The smaller one of two of which 0 is none.
template <typename Number>
Number tighter(Number a, Number b) noexcept {
  return a == 0 ? b : b == 0 ? a : std::min(a, b);
}

}  // namespace

bool has_models(const PlanShape& shape) {
  return std::ranges::any_of(shape.tables(), [](const TablePlan& table) {
    return std::ranges::any_of(table.columns,
                               [](const Column& column) { return column.embed != nullptr; });
  });
}

void note_models(Mapping& mapping) {
  for (const Column& column : mapping.columns) {
    if (!column.embed) continue;
    if (!column.type.sql.empty() && !holds_vectors(column.type)) {
      throw Error(Code::kConfig,
                  fmt::format("{} is {}, and a model makes vectors", column.name, column.type.sql),
                  "{ 'embedding', 'vector(1536)', from = 'text', embed = ... }")
          .note("column", column.name);
    }
    for (const VectorManifest& given : mapping.manifests) {
      const bool other = !given.model.empty() && given.model != column.embed->model;
      if (!other || (given.column != column.name && !given.column.empty())) continue;
      throw Error(Code::kConfig,
                  fmt::format("{} is embedded by {}, and the manifest says {}", column.name,
                              column.embed->model, given.model),
                  "the manifest needs no model here");
    }
    VectorManifest& made = mapping.manifests.emplace_back();
    made.column = column.name;
    made.model = column.embed->model;
    made.prefix = column.embed->prefix;
    if (made.says_nothing()) mapping.manifests.pop_back();
  }
}

Embedding::Embedding(const PlanShape& shape) {
  for (const TablePlan& table : shape.tables()) {
    for (const Column& column : table.columns) {
      if (!column.embed || models_.contains(column.embed.get())) continue;
      models_[column.embed.get()] = model_for(column, shape.mapping(), budget_);
    }
  }
}

Embedding::~Embedding() = default;

void Embedding::open_stores(bool make) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, model] : models_) {
    const std::string& file = model->settings.cache;
    std::error_code ignored;
    if (model->store != nullptr) continue;
    std::unique_ptr<EmbedStore>& store = stores_[file];
    if (!store && (make || std::filesystem::exists(file, ignored)))
      store = std::make_unique<EmbedStore>(file);
    if (!store) continue;
    model->making = store->making(model->words);
    model->store = store.get();
  }
}

void Embedding::begin(const std::string& run, const EmbedCaps& given) {
  EmbedCaps caps;
  for (const auto& [key, model] : models_) {
    const EmbedSettings& settings = model->settings;
    caps.usd = tighter(caps.usd, settings.max_usd);
    caps.tokens = tighter(caps.tokens, settings.max_tokens);
    caps.requests = tighter(caps.requests, settings.max_requests);
    if (given.usd > 0 && settings.per_million <= 0)
      throw Error(Code::kConfig, fmt::format("{}: --max-usd, and no price", model->column),
                  "per_million = 0.02 in lugger.embed is what a million tokens cost");
  }
  if (given.usd > 0) caps.usd = given.usd;
  if (given.tokens != 0) caps.tokens = given.tokens;
  if (given.requests != 0) caps.requests = given.requests;
  open_stores(true);
  budget_.begin(models_.begin()->second->store, run, caps);
}

std::unique_ptr<TextVectors> Embedding::open(EmbedMode mode) {
  counts_ = counts_ || mode == EmbedMode::kCount;
  open_stores(mode == EmbedMode::kAsk);
  return std::make_unique<ModelVectors>(*this, mode, workers_++);
}

std::vector<std::string> Embedding::notes() {
  std::vector<std::string> out;
  for (const auto& [key, model] : models_) {
    const uint64_t asked = model->asked, kept = model->kept;
    const EmbedSettings& settings = model->settings;
    std::string line;
    if (counts_) {
      const double tokens = static_cast<double>(model->bytes) / settings.bytes_per_token;
      line = fmt::format("{}: would ask {} for {} texts, {} bytes, about {:.0f} tokens",
                         model->column, model->shown, asked, model->bytes.load(), tokens);
      if (settings.per_million > 0)
        line += fmt::format(", {:.4f} USD", tokens / 1e6 * settings.per_million);
    } else {
      line = fmt::format("{}: {} texts by {}", model->column, asked, model->shown);
    }
    if (kept != 0) line += fmt::format("; {} were kept in {}", kept, settings.cache);
    out.push_back(std::move(line));
  }
  const EmbedBudget::Sums sums = budget_.sums();
  if (sums.requests != 0) {
    out.push_back(fmt::format("models: {} requests, {} tokens{}", sums.requests, sums.tokens,
                              sums.usd > 0 ? fmt::format(", {:.6f} USD", sums.usd) : ""));
  }
  return out;
}

}  // namespace lugger
