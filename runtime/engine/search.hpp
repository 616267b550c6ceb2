// The vectors of a source nearest to one: by its own search, or by comparing every one.
#pragma once
#include <string>
#include <vector>

#include "base/stop.hpp"
#include "place/source.hpp"

namespace lugger {

struct SearchRequest {
  std::vector<float> query;  // empty: `text` is asked for
  std::string text;          // for stores that make vectors of texts themselves
  uint64_t k = 10;
  std::string column;            // "": the only one with vectors
  std::string metric;            // "": that of the store's index, else cosine
  std::vector<std::string> key;  // empty: what the store knows
  SearchFilter filter;
};

struct SearchFound {
  std::string metric;
  std::string how;               // "index docs_idx (hnsw), hnsw.ef_search = 40"
  std::vector<std::string> key;  // names of what identifies a hit; empty: nothing does
  std::vector<Hit> hits;         // nearest first
};

/// Whether a column of this type holds nothing but vectors: bits and arrays of numbers are often
/// something else, and are searched where nothing else can be.
bool only_vectors(const ColumnType& type) noexcept;

/// Error{config}: no column holds vectors, or several do; the query has other dimensions; a text,
/// and the store makes no vectors.
SearchFound search_source(Source& source, const SearchRequest& request, const StopFlag& stop);

}  // namespace lugger
