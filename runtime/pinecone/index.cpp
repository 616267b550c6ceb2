#include "pinecone/index.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace lugger {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kDense = "_values", kSparse = "_sparse_values";

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kMetrics = {
    {{"cosine", "cosine"}, {"euclidean", "l2"}, {"dotproduct", "dot"}}};

template <typename In>
std::string text(In&& json, std::string fallback = {}) {
  std::string_view out;
  return json.get(out) == simdjson::SUCCESS ? std::string(out) : fallback;
}

template <typename In>
uint64_t number(In&& json) {
  uint64_t out = 0;
  return json.get(out) == simdjson::SUCCESS ? out : 0;
}

void read_fields(const object& fields, PineconeIndex& out) {
  out.dense = out.sparse = false;
  for (const auto& [name, value] : fields) {
    const PineconeField field{std::string(name), text(value["type"]), number(value["dimension"]),
                              text(value["metric"])};
    if (name == kDense) {
      out.dense = true;
      out.dimension = field.dimension;
      if (!field.metric.empty()) out.metric = field.metric;
    } else if (name == kSparse) {
      out.sparse = true;
    } else {
      out.documents = true;
      out.fields.push_back(field);
    }
  }
  if (!out.dense && out.sparse) out.metric = "dotproduct";
}

PineconeIndex index_of(const element& json) {
  PineconeIndex out;
  out.name = text(json["name"]);
  out.host = text(json["host"]);
  out.metric = text(json["metric"], out.metric);
  out.dimension = number(json["dimension"]);
  out.model = text(json["embed"]["model"]);
  out.state = text(json["status"]["state"], "Ready");
  if (json["status"]["ready"].get(out.ready) != simdjson::SUCCESS) out.ready = out.state == "Ready";
  element pod;
  out.pods = json["spec"]["pod"].get(pod) == simdjson::SUCCESS ||
             text(json["deployment"]["deployment_type"]) == "pod";
  const bool sparse_only = text(json["vector_type"]) == "sparse";
  out.dense = !sparse_only;
  out.sparse = sparse_only || out.metric == "dotproduct";
  object fields, tags;
  if (json["tags"].get(tags) == simdjson::SUCCESS)
    for (const auto& [name, value] : tags) out.tags.push_back({std::string(name), text(value)});
  if (json["schema"]["fields"].get(fields) == simdjson::SUCCESS && fields.size() != 0)
    read_fields(fields, out);
  if (out.name.empty()) raise(Code::kParse, "Pinecone describes an index without a name");
  return out;
}

element parsed(simdjson::dom::parser& parser, std::string_view json) {
  element out;
  if (parser.parse(json.data(), json.size()).get(out) != simdjson::SUCCESS)
    raise(Code::kParse, "Pinecone describes its indexes in what is no JSON");
  return out;
}

}  // namespace

const PineconeField* PineconeIndex::field(std::string_view field_name) const noexcept {
  const auto found = std::ranges::find(fields, field_name, &PineconeField::name);
  return found == fields.end() ? nullptr : &*found;
}

std::string PineconeIndex::identity() const {
  std::string out = fmt::format("host {}", host);
  if (dense && !documents) out += fmt::format(", {} dimensions", dimension);
  out += documents ? ", documents" : ", " + metric;
  for (const PineconeField& one : fields)
    if (one.dimension != 0) out += fmt::format(", {} {} {}", one.name, one.dimension, one.metric);
  return out;
}

PineconeIndex index_from_json(std::string_view json) {
  simdjson::dom::parser parser;
  return index_of(parsed(parser, json));
}

std::vector<PineconeIndex> indexes_from_json(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::array all;
  std::vector<PineconeIndex> out;
  if (parsed(parser, json)["indexes"].get(all) != simdjson::SUCCESS) return out;
  for (const element& one : all) out.push_back(index_of(one));
  return out;
}

std::string_view metric_of_pinecone(std::string_view word) noexcept {
  for (const auto& [theirs, ours] : kMetrics)
    if (theirs == word) return ours;
  return {};
}

std::string_view pinecone_metric_of(std::string_view metric) noexcept {
  for (const auto& [theirs, ours] : kMetrics)
    if (ours == metric) return theirs;
  return {};
}

}  // namespace lugger
