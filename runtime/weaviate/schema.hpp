// Classes of Weaviate: their properties and vectors.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lugger {

struct WeaviateProperty {
  std::string name;
  std::string type;        // "text", "int[]"; of a reference: the class it leads to
  bool reference = false;  // to objects of other classes
};

/// How a vector is searched.
struct WeaviateIndex {
  std::string type = "hnsw", distance = "cosine";
  std::string vectorizer = {};  // the module that makes vectors of texts; "": none does
  bool many = false;            // an object has many vectors of this name
};

struct WeaviateClass {
  std::string name, description;
  std::string alias;  // by which it was asked for; empty: by its name
  std::vector<WeaviateProperty> properties;
  std::vector<std::string> vectors;  // named ones; none: its objects have one vector without a name
  std::map<std::string, WeaviateIndex, std::less<>> indexes;  // by vector; "": that without a name
  bool tenants = false;
  bool times = false;    // its documents are to have the times of objects
  bool expires = false;  // its objects delete themselves after a time

  const WeaviateProperty* property(std::string_view property_name) const noexcept;
  bool has_vector(std::string_view vector_name) const noexcept;
  /// True when an object has many vectors of that name.
  bool has_many(std::string_view vector_name) const noexcept;
  /// Equal as long as objects can be written and read as before.
  std::string fingerprint() const;
};

/// The definition of a class, as the server gave it, with another description.
std::string with_description(std::string_view definition, std::string_view description);

/// As a string of JSON.
std::string json_text(std::string_view text);
/// Of the answer to GET /v1/schema/{class}. Error{parse}.
WeaviateClass class_from_json(std::string_view json);
/// Of the answer to GET /v1/schema.
std::vector<WeaviateClass> classes_from_json(std::string_view json);

}  // namespace lugger
