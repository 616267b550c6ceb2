// Merges paths: those of a dictionary, and the counts of several workers.
#include "census/collector.hpp"

namespace lugger {

namespace {

// A nested document with at least this many names, which on average are in at most a twentieth of
// the documents, is treated as a dictionary.
constexpr size_t kDictionaryNames = 50;
constexpr uint64_t kRareness = 20;

uint64_t occurrences(const PathNode& node) noexcept {
  uint64_t out = 0;
  for (const uint64_t count : node.stats.facts.types) out += count;
  return out;
}

bool is_dictionary(const PathNode& node) noexcept {
  if (node.kind == PathKind::kRoot || node.folded() || node.children.size() < kDictionaryNames)
    return false;
  uint64_t values = 0;
  for (const PathNode::Edge& edge : node.children) values += occurrences(*edge.node);
  return values * kRareness <= node.visits * node.children.size();
}

template <typename Visit>
void each_child(PathNode& node, const Visit& visit) {
  for (const PathNode::Edge& edge : node.children) visit(*edge.node);
  if (node.element) visit(*node.element);
}

void fold_below(PathNode& node, const std::function<void(PathNode&)>& fold) {
  if (is_dictionary(node)) fold(node);
  each_child(node, [&](PathNode& child) { fold_below(child, fold); });
}

size_t count_paths(PathNode& node) {
  size_t out = 0;
  each_child(node, [&](PathNode& child) { out += 1 + count_paths(child); });
  return out;
}

CensusExample moved(CensusExample example, uint64_t by) {
  example.document += by;
  return example;
}

void move_examples(PathNode& node, uint64_t by) {
  for (auto& [type, example] : node.stats.examples) example.document += by;
  node.stats.text.nul_example.document += by;
  node.stats.text.utf8_example.document += by;
  node.repeated_example.document += by;
  if (node.vectors) node.vectors->move_examples(by);
  each_child(node, [&](PathNode& child) { move_examples(child, by); });
}

}  // namespace

void Collector::fold(PathNode& node) {
  const std::deque<std::unique_ptr<PathNode>> owned = std::move(node.owned);
  node.owned.clear();
  node.children.clear();
  node.index.clear();
  node.names = std::make_unique<DistinctSketch>();
  for (const std::unique_ptr<PathNode>& child : owned) paths_ -= 1 + count_paths(*child);
  PathNode& all = add_child(node, "*", PathKind::kFolded);
  for (const std::unique_ptr<PathNode>& child : owned) {
    node.names->add(child->hash);
    merge_node(all, *child);
  }
  // A document with two of the names was counted twice, so the number of all documents is the
  // limit.
  const bool root = node.kind == PathKind::kRoot;
  all.stats.facts.documents =
      std::min(all.stats.facts.documents, root ? documents_ : node.stats.facts.documents);
  if (root) texts_.clear();
}

void Collector::merge_node(PathNode& to, PathNode& from) {
  to.stats.merge(from.stats);
  to.visits += from.visits;
  to.not_walked += from.not_walked;
  if (to.repeated == 0 && from.repeated != 0) to.repeated_example = from.repeated_example;
  to.repeated += from.repeated;
  if (from.vectors && !to.vectors) to.vectors = std::make_unique<VectorFacts>();
  if (from.vectors) to.vectors->merge(*from.vectors);
  if (from.folded() && !to.folded()) fold(to);
  if (from.folded()) {
    to.names->merge(*from.names);
    merge_node(*to.children.front().node, *from.children.front().node);
  } else {
    size_t hint = 0;
    for (const PathNode::Edge& edge : from.children)
      merge_node(child(to, edge.node->name, hint), *edge.node);
  }
  if (from.element) merge_node(element(to), *from.element);
}

void Collector::merge(Collector& other) {
  if (other.documents_ == 0) return;
  const uint64_t before = documents_;
  move_examples(*other.root_, before);
  const std::vector<uint32_t> places = shapes_.merge(other.shapes_);
  merge_node(*root_, *other.root_);
  if (!root_->folded() && !other.root_->folded()) {
    size_t hint = 0;
    for (const PathNode::Edge& edge : other.root_->children)
      child(*root_, edge.node->name, hint).cross.merge(edge.node->cross, places);
  }
  if (other.sizes_.greatest > sizes_.greatest || sizes_.count == 0)
    largest_ = moved(other.largest_, before);
  sizes_.merge(other.sizes_);
  if (!row_shape_) row_shape_ = other.row_shape_;
  documents_ += other.documents_;
  malformed_ += other.malformed_;
  for (CensusFault& fault : other.faults_) {
    if (faults_.size() == kMostFaults) break;
    fault.example.document += before;
    faults_.push_back(std::move(fault));
  }
}

void Collector::fold_dictionaries() {
  fold_below(*root_, [&](PathNode& node) { fold(node); });
}

std::string path_text(const PathNode& node) {
  if (node.kind == PathKind::kRoot) return {};
  std::string out = path_text(*node.parent);
  if (node.kind == PathKind::kElement) return out + "[]";
  if (node.parent->kind != PathKind::kRoot) out += '.';
  if (node.kind == PathKind::kFolded) return out + '*';
  return out + escaped_path(node.name);
}

}  // namespace lugger
