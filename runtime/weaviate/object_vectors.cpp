#include "weaviate/object_vectors.hpp"

#include <simdjson.h>

namespace lugger {
namespace {

using simdjson::dom::element;

void append_numbers(const element& value, std::vector<float>& out) {
  simdjson::dom::array list;
  double number = 0;
  if (value.get(number) == simdjson::SUCCESS) out.push_back(static_cast<float>(number));
  if (value.get(list) != simdjson::SUCCESS) return;
  for (const element& one : list) append_numbers(one, out);
}

}  // namespace

ObjectVectors vectors_of_json(std::string_view object) {
  simdjson::dom::parser parser;
  const simdjson::padded_string json(object);
  ObjectVectors out;
  element parsed, only;
  if (parser.parse(json).get(parsed) != simdjson::SUCCESS) return out;
  if (parsed["vector"].get(only) == simdjson::SUCCESS) append_numbers(only, out[""]);
  simdjson::dom::object named;
  if (parsed["vectors"].get(named) == simdjson::SUCCESS) {
    for (const auto& [name, value] : named) append_numbers(value, out[std::string(name)]);
  }
  std::erase_if(out, [](const auto& one) { return one.second.empty(); });
  return out;
}

}  // namespace lugger
