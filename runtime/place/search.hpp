// Asks a store for the vectors nearest to one, by the store's own search and its indexes.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plan/column_type.hpp"
#include "vector/best.hpp"
#include "vector/kernels.hpp"

namespace lugger {

/// What is searched, by the store's own names.
struct SearchSpec {
  std::string table = {};             // of a target; a source knows its own
  std::vector<std::string> key;       // what identifies a hit; empty: what the store knows
  std::string vector;                 // the column or field that is searched; "": the only one
  std::optional<Metric> metric = {};  // nullopt: that of the store's index, else cosine
  bool documents = false;             // hits come with their other columns
};

/// Only vectors with these values, each as text, by the store's own names.
using SearchFilter = std::vector<std::pair<std::string, std::string>>;

struct Hit {
  std::string key;            // hit_key() of the key's values
  double score = 0;           // as of vector/best.hpp's Metric
  std::string document = {};  // its other columns as JSON, if they were asked for
};

/// One text of a key's values, of which several keep apart.
std::string hit_key(const std::vector<std::optional<std::string>>& values);

/// Belongs to one worker.
class Search {
 public:
  virtual ~Search() = default;
  virtual Metric metric() const noexcept = 0;
  /// The names of what identifies a hit.
  virtual const std::vector<std::string>& key() const noexcept = 0;
  /// How it searched last, for a reader: "index docs_embedding_idx (hnsw), hnsw.ef_search = 40".
  virtual std::string how() = 0;
  /// The hits, nearest first, at most k.
  virtual std::vector<Hit> nearest(Floats query, size_t k, const SearchFilter& filter) = 0;
  /// The same for a text, of a store that makes the vector itself; nullopt: this one does not.
  virtual std::optional<std::vector<Hit>> nearest_to_text(std::string_view text, size_t k,
                                                          const SearchFilter& filter) {
    static_cast<void>(text), static_cast<void>(k), static_cast<void>(filter);
    return std::nullopt;
  }
};

/// Whether a column of this type can be searched.
bool holds_vectors(const ColumnType& type) noexcept;
/// By which it is searched when nothing names another: cosine, and of bits hamming.
Metric usual_metric(const ColumnType& type) noexcept;

/// "cosine", "dot", "l2", "l1", "hamming", "jaccard".
std::string_view metric_word(Metric metric) noexcept;
/// Error{config} for an unknown word.
Metric metric_of(std::string_view word);

}  // namespace lugger
