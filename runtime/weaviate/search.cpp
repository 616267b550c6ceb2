#include "weaviate/search.hpp"

#include <simdjson.h>

#include <array>
#include <cmath>

#include "base/error.hpp"
#include "plan/coerce.hpp"
#include "weaviate/server.hpp"

namespace lugger {
namespace {

using simdjson::dom::element;

constexpr std::array<std::pair<std::string_view, Metric>, 5> kDistances = {
    {{"cosine", Metric::kCosine},
     {"dot", Metric::kDot},
     {"l2-squared", Metric::kL2},
     {"manhattan", Metric::kL1},
     {"hamming", Metric::kHamming}}};

Metric metric_of_index(const std::string& vector, const std::string& distance) {
  for (const auto& [word, metric] : kDistances)
    if (word == distance) return metric;
  raise(Code::kConfig, "the vector {} is compared by {}, which is not known here", vector,
        distance);
}

/// Weaviate's distances: the negative product for dot, the square for l2.
double score_of(double distance, Metric metric) {
  if (metric == Metric::kCosine) return 1 - distance;
  if (metric == Metric::kL2) return std::sqrt(distance);
  return metric == Metric::kDot ? -distance : distance;
}

std::string vector_named(const WeaviateClass& of, std::string name) {
  constexpr std::string_view kWithin = "vectors.";
  if (name.starts_with(kWithin)) name.erase(0, kWithin.size());
  if (of.vectors.empty() || of.has_vector(name)) return of.vectors.empty() ? "" : name;
  if (of.vectors.size() == 1) return of.vectors[0];
  throw Error(Code::kConfig,
              name.empty() ? fmt::format("{} has several vectors", of.name)
                           : fmt::format("{} has no vector {}", of.name, name),
              fmt::format("name one of {}", fmt::join(of.vectors, ", ")));
}

/// A value of a filter as GraphQL has it.
std::string filter_value(std::string_view type, const std::string& value) {
  if (type.ends_with("[]")) type.remove_suffix(2);
  if (type == "int") return "valueInt: " + value;
  if (type == "number") return "valueNumber: " + value;
  if (type == "boolean") return "valueBoolean: " + value;
  return (type == "date" ? "valueDate: " : "valueText: ") + json_text(value);
}

std::optional<std::string> text_of(const element& value) {
  std::string_view text;
  int64_t integer = 0;
  if (value.get(text) == simdjson::SUCCESS) return std::string(text);
  if (value.get(integer) == simdjson::SUCCESS) return std::to_string(integer);
  return value.is_null() ? std::nullopt : std::optional(simdjson::minify(value));
}

class WeaviateSearch final : public Search {
 public:
  WeaviateSearch(const std::shared_ptr<HttpEndpoint>& endpoint, WeaviateClass of,
                 std::string tenant, const SearchSpec& spec, std::shared_ptr<const void> held)
      : held_(std::move(held)),
        server_(endpoint),
        class_(std::move(of)),
        tenant_(std::move(tenant)),
        key_(spec.key.empty() ? std::vector<std::string>{"id"} : spec.key),
        documents_(spec.documents),
        vector_(vector_named(class_, spec.vector)) {
    const auto index = class_.indexes.find(vector_);
    if (index != class_.indexes.end()) index_ = index->second;
    metric_ = metric_of_index(shown(), index_.distance);
    if (!spec.metric || *spec.metric == metric_) return;
    throw Error(Code::kConfig,
                fmt::format("Weaviate searches the vector {} of {} by {}, not by {}", shown(),
                            class_.name, metric_word(metric_), metric_word(*spec.metric)),
                "compare both sides by the metric that their indexes have");
  }

  Metric metric() const noexcept override { return metric_; }
  const std::vector<std::string>& key() const noexcept override { return key_; }
  std::string how() override { return fmt::format("index of {} ({})", shown(), index_.type); }

  std::vector<Hit> nearest(Floats query, size_t k, const SearchFilter& filter) override {
    ByteBuffer numbers;
    append_scalar_text(
        Value::of(ValueType::kVector, Bytes(reinterpret_cast<const uint8_t*>(query.data()),
                                            query.size() * sizeof(float))),
        numbers);
    return ask(fmt::format("nearVector: {{vector: {}", numbers.text()), k, filter);
  }

  std::optional<std::vector<Hit>> nearest_to_text(std::string_view text, size_t k,
                                                  const SearchFilter& filter) override {
    if (index_.vectorizer.empty()) return std::nullopt;
    return ask(fmt::format("nearText: {{concepts: [{}]", json_text(text)), k, filter);
  }

 private:
  /// `near`: "nearVector: {vector: [1,2]", without the end.
  std::vector<Hit> ask(const std::string& near, size_t k, const SearchFilter& filter) {
    const std::string body = fmt::format(R"({{"query":{}}})", json_text(text(near, k, filter)));
    const HttpAnswer answer = server_.client().send({"POST", "/v1/graphql", body});
    element json;
    simdjson::dom::array found;
    std::string_view words;
    if (parser_.parse(answer.body).get(json) != simdjson::SUCCESS || !answer.good())
      raise(Code::kRead, "{} cannot be searched: {} {}", class_.name, answer.status,
            words_of_error(answer.body));
    if (json["errors"].at(0)["message"].get(words) == simdjson::SUCCESS)
      raise(Code::kRead, "{} cannot be searched: {}", class_.name, words);
    if (json["data"]["Get"][class_.name].get(found) != simdjson::SUCCESS)
      raise(Code::kRead, "{} cannot be searched: the answer has no hits", class_.name);
    std::vector<Hit> out;
    for (const element& hit : found) out.push_back(hit_of(hit));
    return out;
  }

  std::string shown() const { return vector_.empty() ? "without a name" : vector_; }
  bool is_property(const std::string& name) const { return class_.property(name) != nullptr; }

  std::string text(const std::string& near, size_t k, const SearchFilter& filter) const {
    std::string out = fmt::format("{{ Get {{ {}(limit: {}", class_.name, k);
    if (!tenant_.empty()) out += ", tenant: " + json_text(tenant_);
    out += ", " + near;
    if (!vector_.empty()) out += fmt::format(", targetVectors: [{}]", json_text(vector_));
    out += "}";
    if (!filter.empty()) out += ", where: " + where(filter);
    out += ") { ";
    for (const std::string& name : key_)
      if (is_property(name)) out += name + " ";
    return out + "_additional { id distance } } } }";
  }

  std::string where(const SearchFilter& filter) const {
    std::string operands;
    for (const auto& [name, value] : filter) {
      const WeaviateProperty* property = class_.property(name);
      if (property == nullptr) raise(Code::kConfig, "{} has no property {}", class_.name, name);
      operands += fmt::format("{}{{path: [{}], operator: Equal, {}}}", operands.empty() ? "" : ", ",
                              json_text(name), filter_value(property->type, value));
    }
    return fmt::format("{{operator: And, operands: [{}]}}", operands);
  }

  /// The properties of an object, read by its id: of nested ones GraphQL wants every name.
  std::string document_of(const element& hit) {
    std::string_view id;
    if (hit["_additional"]["id"].get(id) != simdjson::SUCCESS) return "{}";
    const std::optional<std::string> object = server_.object(class_.name, tenant_, std::string(id));
    simdjson::dom::parser parser;
    element properties;
    if (!object || parser.parse(*object)["properties"].get(properties) != simdjson::SUCCESS)
      return "{}";
    return simdjson::minify(properties);
  }

  Hit hit_of(const element& hit) {
    std::vector<std::optional<std::string>> key;
    for (const std::string& name : key_) {
      element value;
      const auto found =
          is_property(name) ? hit[name].get(value) : hit["_additional"]["id"].get(value);
      key.push_back(found == simdjson::SUCCESS ? text_of(value) : std::nullopt);
    }
    double distance = 0;
    if (hit["_additional"]["distance"].get(distance) != simdjson::SUCCESS)
      raise(Code::kRead, "a hit of {} has no distance", class_.name);
    return {hit_key(key), score_of(distance, metric_), documents_ ? document_of(hit) : ""};
  }

  const std::shared_ptr<const void> held_;
  WeaviateServer server_;
  const WeaviateClass class_;
  const std::string tenant_;
  const std::vector<std::string> key_;
  const bool documents_;
  const std::string vector_;
  WeaviateIndex index_;
  Metric metric_ = Metric::kCosine;
  simdjson::dom::parser parser_;
};

}  // namespace

std::unique_ptr<Search> make_weaviate_search(const std::shared_ptr<HttpEndpoint>& endpoint,
                                             const WeaviateClass& of, const std::string& tenant,
                                             const SearchSpec& spec,
                                             std::shared_ptr<const void> held) {
  return std::make_unique<WeaviateSearch>(endpoint, of, tenant, spec, std::move(held));
}

}  // namespace lugger
