// An index of Pinecone, as either shape of the control plane describes it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lugger {

/// A field of a document index.
struct PineconeField {
  std::string name, type;  // "dense_vector", "sparse_vector", "string", "float", ...
  uint64_t dimension = 0;
  std::string metric;
};

struct PineconeTag {
  std::string name, value;
};

struct PineconeIndex {
  std::string name, host, state;
  bool ready = false;
  uint64_t dimension = 0;             // 0: its vectors are sparse
  std::string metric = "cosine";      // Pinecone's word
  bool dense = true;                  // its records have `values`
  bool sparse = false;                // a record may have `sparse_values`
  bool pods = false;                  // its ids cannot be listed
  bool documents = false;             // a document index
  std::string model;                  // that makes vectors of texts; "": none does
  std::vector<PineconeField> fields;  // of a document index
  std::vector<PineconeTag> tags;

  const PineconeField* field(std::string_view field_name) const noexcept;
  /// Another for an index that was made anew, unless that has the host and shape of the old one.
  std::string identity() const;
};

/// Of the answer to GET /indexes/{name}. Error{parse}.
PineconeIndex index_from_json(std::string_view json);
/// Of the answer to GET /indexes.
std::vector<PineconeIndex> indexes_from_json(std::string_view json);

/// "cosine", "euclidean", "dotproduct" in the words of lugger, and the other way around; "": it has
/// no such metric.
std::string_view metric_of_pinecone(std::string_view word) noexcept;
std::string_view pinecone_metric_of(std::string_view metric) noexcept;

}  // namespace lugger
