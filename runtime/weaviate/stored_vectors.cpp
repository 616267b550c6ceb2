#include "weaviate/stored_vectors.hpp"

#include <simdjson.h>

#include <map>

namespace lugger {
namespace {

using simdjson::dom::element;

/// By the vector's name, "" for that without one. A vector that is many is left out.
using Dimensions = std::map<std::string, size_t, std::less<>>;

void note(std::string_view name, const element& vector, Dimensions& out) {
  simdjson::dom::array numbers;
  if (vector.get(numbers) != simdjson::SUCCESS || numbers.size() == 0) return;
  if (!(*numbers.begin()).is_array()) out.emplace(name, numbers.size());
}

/// Of the first objects, of which some may have no vector.
Dimensions stored_dimensions(WeaviateServer& server, const ClassLayout& layout) {
  constexpr size_t kObjects = 8;
  const std::string page = server.page(layout.class_name, layout.tenant, "", kObjects);
  simdjson::dom::parser parser;
  simdjson::dom::array objects;
  Dimensions out;
  if (parser.parse(page)["objects"].get(objects) != simdjson::SUCCESS) return out;
  for (const element& object : objects) {
    element vector;
    if (object["vector"].get(vector) == simdjson::SUCCESS) note("", vector, out);
    simdjson::dom::object named;
    if (object["vectors"].get(named) != simdjson::SUCCESS) continue;
    for (const auto& one : named) note(one.key, one.value, out);
  }
  return out;
}

}  // namespace

void check_stored_vectors(WeaviateServer& server, const PlanShape& plan, const ClassLayout& layout,
                          TargetReport& report) {
  const Dimensions stored = stored_dimensions(server, layout);
  const std::vector<Column>& columns = plan.tables()[0].columns;
  for (size_t i = 0; i < layout.slots.size(); ++i) {
    const SlotLayout& slot = layout.slots[i];
    const auto length = static_cast<size_t>(columns[i].type.length);
    if (slot.form != ObjectForm::kVector || slot.array || length == 0) continue;
    const auto found = stored.find(slot.name);
    if (found == stored.end() || found->second == length) continue;
    report.problems.push_back(
        fmt::format("{} is {}, and the vectors of {} have {} dimensions: no object would be taken; "
                    "load a class of its own",
                    columns[i].name, columns[i].type.sql, layout.class_name, found->second));
  }
}

}  // namespace lugger
