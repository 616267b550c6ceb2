// One worker's census: every path of every document it is given, in a tree of names.
#pragma once
#include <array>
#include <deque>
#include <unordered_map>

#include "census/path_stats.hpp"
#include "census/shapes.hpp"
#include "census/vector_facts.hpp"
#include "value/bson_reader.hpp"

namespace lugger {

/// kField: a name of a document. kElement: what stands in an array ("tags[]"). kFolded: any name of
/// a document with too many of them ("prices.*").
enum class PathKind : uint8_t { kRoot, kField, kElement, kFolded };
inline constexpr std::array<std::string_view, 4> kPathKindWords = {"root", "field", "element",
                                                                   "folded"};

/// A path. The root's own counters are those of the documents.
struct PathNode {
  struct Edge {
    const char* data;  // the child's own name
    uint32_t size;
    PathNode* node;
  };

  PathNode(PathNode* up, PathKind what, std::string_view called);

  PathNode* parent;
  PathKind kind;
  int depth;
  std::string name;
  uint64_t hash;  // of the name
  PathStats stats;
  std::vector<Edge> children;                            // in the order first seen
  std::unordered_map<std::string_view, uint32_t> index;  // of children, once there are many
  std::unique_ptr<PathNode> element;                     // arrays: what stands in them
  std::deque<std::unique_ptr<PathNode>> owned;
  std::unique_ptr<DistinctSketch> names;  // folded: how many names there were
  std::unique_ptr<VectorFacts> vectors;   // where values are vectors
  FieldDiscriminator cross;               // of top-level texts: which shapes each value has
  uint64_t visits = 0;                    // documents at this path that were walked
  uint64_t not_walked = 0;                // documents and arrays too deep to look into
  uint64_t last_visit = UINT64_MAX, last_document = UINT64_MAX;
  uint64_t repeated = 0;  // times this name came twice in one document
  CensusExample repeated_example;

  bool folded() const noexcept { return names != nullptr; }
};

/// A document that is not valid BSON. What stands before the fault was counted.
struct CensusFault {
  CensusExample example;
  uint64_t at = UINT64_MAX;  // byte of the source where the document begins, when known
  uint64_t inside = 0;       // byte of the document
  std::string path, what;
};

class Collector {
 public:
  static constexpr size_t kMostNames = 1000;   // of one document's path, before it folds
  static constexpr size_t kMostPaths = 20000;  // of all; then whatever grows folds
  static constexpr int kMostDepth = 100;       // documents and arrays within each other
  static constexpr size_t kMostFaults = 10;    // told one by one

  Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  /// at: where in the source the document begins, UINT64_MAX: unknown.
  void add(const Document& document, uint64_t at);
  /// What another worker counted of the part behind ours.
  void merge(Collector& other);
  /// Folds what turned out to be a dictionary: many names, each in few documents.
  void fold_dictionaries();

  const PathNode& root() const noexcept { return *root_; }
  const ShapeTable& shapes() const noexcept { return shapes_; }
  const RowShape* rows() const noexcept { return row_shape_ ? &*row_shape_ : nullptr; }
  uint64_t documents() const noexcept { return documents_; }
  uint64_t malformed() const noexcept { return malformed_; }
  const std::vector<CensusFault>& faults() const noexcept { return faults_; }
  const Lengths& sizes() const noexcept { return sizes_; }
  const CensusExample& largest() const noexcept { return largest_; }
  size_t paths() const noexcept { return paths_; }

 private:
  void add_row(const Document& document);
  void walk(Bytes document, PathNode& node);
  void walk_array(Bytes array, PathNode& node);
  void record(PathNode& node, const Value& value);
  void descend(const Value& value, PathNode& node);
  void give_example(PathNode& node, const Value& value, uint8_t wants);
  void note_vector(PathNode& node, const Value& value);
  void fault(const BsonReader& reader, Bytes inside, const PathNode& node);
  CensusExample example() const;

  PathNode& child(PathNode& node, std::string_view name, size_t& hint);
  PathNode* find(PathNode& node, std::string_view name, size_t& hint) noexcept;
  PathNode& add_child(PathNode& node, std::string_view name, PathKind kind);
  PathNode& element(PathNode& node);
  void fold(PathNode& node);
  void merge_node(PathNode& to, PathNode& from);

  std::unique_ptr<PathNode> root_;
  ShapeTable shapes_;
  std::vector<std::pair<PathNode*, Value>> texts_;  // top-level texts of the document being read
  std::optional<RowShape> row_shape_;
  CensusScratch scratch_;
  std::vector<float> floats_;
  Arena arena_{4096};
  Document current_;
  uint64_t current_at_ = 0;
  bool current_broken_ = false;
  uint64_t documents_ = 0, malformed_ = 0;
  size_t paths_ = 0;
  Lengths sizes_;
  CensusExample largest_;
  std::vector<CensusFault> faults_;
};

/// "lines[].price": names as columns take them in `from`, "." and "[" and "*" in names escaped.
std::string path_text(const PathNode& node);

}  // namespace lugger
