#include "weaviate/manifest.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace lugger {
namespace {

std::string metric_of_distance(const std::string& distance) {
  if (distance == "l2-squared") return "l2";
  return distance == "manhattan" ? "l1" : distance;
}

}  // namespace

std::vector<VectorManifest> manifests_of_class(const WeaviateClass& of) {
  std::vector<VectorManifest> out;
  if (const std::string json = manifest_of_comment(of.description); !json.empty()) {
    try {
      out = manifests_from_json(json);
    } catch (Error& error) {
      error.note("description of", of.name);
      error.with_hint("mend the description of the class");
      throw;
    }
  }
  for (const auto& [vector, index] : of.indexes) {
    auto one = std::ranges::find(out, vector, &VectorManifest::column);
    if (one == out.end()) {
      one = out.insert(out.end(), VectorManifest{});
      one->column = vector;
    }
    one->metric = metric_of_distance(index.distance);
  }
  return out;
}

std::string description_with(const std::string& description,
                             const std::vector<VectorManifest>& manifests, const PlanShape& plan,
                             const ClassLayout& layout) {
  std::vector<VectorManifest> by_vector;
  const std::vector<Column>& columns = plan.tables()[0].columns;
  for (size_t i = 0; i < layout.slots.size(); ++i) {
    const auto one = std::ranges::find(manifests, columns[i].name, &VectorManifest::column);
    if (layout.slots[i].form != ObjectForm::kVector || one == manifests.end()) continue;
    by_vector.push_back(*one);
    by_vector.back().column = layout.slots[i].name;
  }
  return by_vector.empty() ? description : with_manifest(description, manifests_json(by_vector));
}

std::vector<VectorManifest> manifests_of_columns(const WeaviateClass& of, const PlanShape& plan,
                                                 const ClassLayout& layout) {
  std::vector<VectorManifest> out;
  const std::vector<VectorManifest> kept = manifests_of_class(of);
  for (size_t i = 0; i < layout.slots.size(); ++i) {
    if (layout.slots[i].form != ObjectForm::kVector) continue;
    const auto one = std::ranges::find(kept, layout.slots[i].name, &VectorManifest::column);
    if (one == kept.end()) continue;
    out.push_back(*one);
    out.back().column = plan.tables()[0].columns[i].name;
  }
  return out;
}

void keep_weaviate_manifests(WeaviateServer& server, const WeaviateClass& there,
                             const PlanShape& plan, const ClassLayout& layout) {
  const std::string wanted =
      description_with(there.description, plan.mapping().manifests, plan, layout);
  if (wanted == there.description || server.describe_class(there.name, wanted)) return;
  throw Error(Code::kConfig,
              fmt::format("the manifest cannot be kept: this Weaviate does not let the description "
                          "of {} be changed",
                          there.name),
              "let lugger make the class (--create), or leave `manifest` out");
}

}  // namespace lugger
