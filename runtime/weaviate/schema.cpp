#include "weaviate/schema.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "base/error.hpp"
#include "value/json_writer.hpp"

namespace lugger {
namespace {

using simdjson::dom::element;

std::string text_at(const element& json, const char* key) {
  std::string_view out;
  return json[key].get(out) == simdjson::SUCCESS ? std::string(out) : std::string();
}

WeaviateProperty property_of(const element& json) {
  WeaviateProperty out;
  out.name = text_at(json, "name");
  simdjson::dom::array types;
  if (json["dataType"].get(types) != simdjson::SUCCESS) return out;
  for (const element& type : types) {
    std::string_view word;
    if (type.get(word) != simdjson::SUCCESS) continue;
    out.type += out.type.empty() ? "" : ",";
    out.type += word;
  }
  out.reference = !out.type.empty() && out.type[0] >= 'A' && out.type[0] <= 'Z';
  return out;
}

/// The word of a class, or the only name in the object of a named vector.
std::string vectorizer_of(const element& json) {
  std::string out = text_at(json, "vectorizer");
  simdjson::dom::object modules;
  if (json["vectorizer"].get(modules) == simdjson::SUCCESS && modules.size() != 0)
    out = (*modules.begin()).key;
  return out == "none" ? "" : out;
}

/// Of a class, or of a named vector of it.
WeaviateIndex index_of(const element& json) {
  WeaviateIndex out;
  out.vectorizer = vectorizer_of(json);
  if (std::string type = text_at(json, "vectorIndexType"); !type.empty()) out.type = type;
  element settings;
  if (json["vectorIndexConfig"].get(settings) != simdjson::SUCCESS) return out;
  if (std::string distance = text_at(settings, "distance"); !distance.empty())
    out.distance = distance;
  bool many = false;
  if (settings["multivector"]["enabled"].get(many) == simdjson::SUCCESS) out.many = many;
  return out;
}

WeaviateClass class_of(const element& json) {
  WeaviateClass out;
  out.name = text_at(json, "class");
  if (out.name.empty()) raise(Code::kParse, "a class of the schema has no name");
  out.description = text_at(json, "description");
  simdjson::dom::array properties;
  if (json["properties"].get(properties) == simdjson::SUCCESS) {
    for (const element& property : properties) out.properties.push_back(property_of(property));
  }
  simdjson::dom::object vectors;
  if (json["vectorConfig"].get(vectors) == simdjson::SUCCESS) {
    for (const auto& vector : vectors) {
      out.vectors.emplace_back(vector.key);
      out.indexes.emplace(vector.key, index_of(vector.value));
    }
  }
  if (out.vectors.empty()) out.indexes.emplace("", index_of(json));
  std::ranges::sort(out.vectors);
  bool on = false;
  if (json["multiTenancyConfig"]["enabled"].get(on) == simdjson::SUCCESS) out.tenants = on;
  if (json["objectTtlConfig"]["enabled"].get(on) == simdjson::SUCCESS) out.expires = on;
  return out;
}

element parsed(simdjson::dom::parser& parser, std::string_view json) {
  element out;
  if (const auto error = parser.parse(json).get(out); error != simdjson::SUCCESS) {
    raise(Code::kParse, "the schema that the server sent is no JSON: {}",
          simdjson::error_message(error));
  }
  return out;
}

}  // namespace

const WeaviateProperty* WeaviateClass::property(std::string_view property_name) const noexcept {
  const auto found = std::ranges::find(properties, property_name, &WeaviateProperty::name);
  return found == properties.end() ? nullptr : &*found;
}

bool WeaviateClass::has_vector(std::string_view vector_name) const noexcept {
  return std::ranges::find(vectors, vector_name) != vectors.end();
}

bool WeaviateClass::has_many(std::string_view vector_name) const noexcept {
  const auto found = indexes.find(vector_name);
  return found != indexes.end() && found->second.many;
}

std::string WeaviateClass::fingerprint() const {
  std::vector<std::string> parts;
  for (const WeaviateProperty& one : properties) parts.push_back(one.name + ":" + one.type);
  std::ranges::sort(parts);
  return fmt::format("{} {} vectors {} tenants {}", name, fmt::join(parts, " "),
                     fmt::join(vectors, " "), tenants);
}

std::string json_text(std::string_view text) {
  std::string out;
  write_json_string(text, out);
  return out;
}

std::string with_description(std::string_view definition, std::string_view description) {
  simdjson::dom::parser parser;
  simdjson::dom::object fields;
  if (parsed(parser, definition).get(fields) != simdjson::SUCCESS)
    raise(Code::kParse, "the class that the server sent is no object");
  std::string out = "{\"description\":" + json_text(description);
  for (const auto& field : fields) {
    if (field.key == "description") continue;
    out += "," + json_text(field.key) + ":" + simdjson::minify(field.value);
  }
  return out + "}";
}

WeaviateClass class_from_json(std::string_view json) {
  simdjson::dom::parser parser;
  return class_of(parsed(parser, json));
}

std::vector<WeaviateClass> classes_from_json(std::string_view json) {
  simdjson::dom::parser parser;
  std::vector<WeaviateClass> out;
  simdjson::dom::array classes;
  if (parsed(parser, json)["classes"].get(classes) != simdjson::SUCCESS) return out;
  for (const element& one : classes) out.push_back(class_of(one));
  return out;
}

}  // namespace lugger
