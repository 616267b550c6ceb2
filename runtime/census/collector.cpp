#include "census/collector.hpp"

#include "base/digest.hpp"
#include "value/damaged.hpp"
#include "value/id_text.hpp"
#include "value/looked_into.hpp"
#include "value/pgrow_reader.hpp"
#include "vector/elements.hpp"

namespace lugger {

namespace {

constexpr size_t kIndexFrom = 16;        // children; fewer are looked through one by one
constexpr size_t kLongestExample = 200;  // bytes of an _id that is shown

/// What a row is found by: its column `id`. "": it has none, or of another type.
std::string row_id(const Document& row) {
  Arena arena(64);
  const Value id = document_field(row, "id", Opened::kWhole, arena);
  switch (id.type) {
    case ValueType::kString: return std::string(id.text());
    case ValueType::kInt32:
    case ValueType::kInt64: return std::to_string(id.i64);
    case ValueType::kUuid: return uuid_text(id.data);
    default: return {};
  }
}

}  // namespace

PathNode::PathNode(PathNode* up, PathKind what, std::string_view called)
    : parent(up),
      kind(what),
      depth(up == nullptr ? 0 : up->depth + 1),
      name(called),
      hash(name_hash(called)),
      stats(what == PathKind::kField && depth == 1 && called == "_id") {
  stats.facts.name = name;
}

Collector::Collector() : root_(std::make_unique<PathNode>(nullptr, PathKind::kRoot, "")) {}

void Collector::add(const Document& document, uint64_t at) {
  current_ = document;
  current_at_ = at;
  current_broken_ = false;
  if (document.size > sizes_.greatest || sizes_.count == 0) largest_ = example();
  sizes_.add(document.size);
  shapes_.begin();
  texts_.clear();
  if (document.format == Format::kPgRow) {
    add_row(document);
  } else {
    walk(document.bytes(), *root_);
  }
  const uint32_t shape = shapes_.end();
  for (auto& [field, text] : texts_) field->cross.add(text, value_hash(text), shape);
  malformed_ += current_broken_ ? 1 : 0;
  ++documents_;
}

void Collector::add_row(const Document& document) {
  if (!row_shape_) row_shape_ = *document.shape;
  ++root_->visits;
  size_t hint = 0;
  arena_.reset();
  for (PgRowReader reader(document, arena_); reader.next();) {
    const Value& value = reader.value();
    const bool json = value.type == ValueType::kJson;
    record(child(*root_, reader.name(), hint),
           json ? looked_into(document.shape->fields[reader.index()], value, arena_) : value);
  }
}

void Collector::walk(Bytes document, PathNode& node) {
  ++node.visits;
  size_t hint = 0;
  BsonReader reader(document);
  while (reader.next()) {
    PathNode& field = child(node, reader.name(), hint);
    if (field.last_visit == node.visits && !node.folded()) {
      if (++field.repeated == 1) field.repeated_example = example();
    }
    field.last_visit = node.visits;
    record(field, reader.value());
  }
  if (reader.fault() != BsonFault::kNone) fault(reader, document, node);
}

void Collector::walk_array(Bytes array, PathNode& node) {
  PathNode& inside = element(node);
  uint64_t length = 0;
  BsonReader reader(array);
  for (; reader.next(); ++length) record(inside, reader.value());
  node.stats.arrays.add(length);
  if (reader.fault() != BsonFault::kNone) fault(reader, array, node);
}

void Collector::record(PathNode& node, const Value& value) {
  if (node.last_document != documents_) {
    node.last_document = documents_;
    ++node.stats.facts.documents;
    if (node.depth == 1 && !value.absent()) shapes_.field(node.hash);
  }
  if (node.depth == 1 && value.type == ValueType::kString && !node.cross.given_up())
    texts_.emplace_back(&node, value);
  const uint8_t wants = node.stats.add(value, scratch_);
  if (wants != 0) give_example(node, value, wants);
  note_vector(node, value);
  if (value.type == ValueType::kDocument || value.type == ValueType::kArray) descend(value, node);
}

void Collector::descend(const Value& value, PathNode& node) {
  if (node.depth >= kMostDepth || paths_ > 2 * kMostPaths) {
    ++node.not_walked;
  } else if (value.type == ValueType::kArray) {
    walk_array(value.bytes(), node);
  } else {
    walk(value.bytes(), node);
  }
}

void Collector::give_example(PathNode& node, const Value& value, uint8_t wants) {
  if ((wants & PathStats::kTypeExample) != 0) node.stats.add_example(value.type, example());
  if ((wants & PathStats::kNulExample) != 0) node.stats.text.nul_example = example();
  if ((wants & PathStats::kUtf8Example) != 0) node.stats.text.utf8_example = example();
}

/// A list of numbers alone may be none. Beside a vector it is one, whichever comes first.
void Collector::note_vector(PathNode& node, const Value& value) {
  const bool sure = may_be_vector(value);
  if (!sure && value.type != ValueType::kArray) return;
  if (!sure && node.vectors && node.vectors->are_lists()) return;
  Floats floats;
  if (!take_floats(value, floats_, floats)) return;
  if (!node.vectors) node.vectors = std::make_unique<VectorFacts>();
  node.vectors->sure = node.vectors->sure || sure;
  node.vectors->add(floats, [&] { return example(); });
}

void Collector::fault(const BsonReader& reader, Bytes inside, const PathNode& node) {
  if (current_broken_) return;  // the documents around a broken one are broken by it
  current_broken_ = true;
  if (faults_.size() == kMostFaults) return;
  CensusFault out;
  out.example = example();
  out.at = current_at_;
  out.inside = static_cast<uint64_t>(inside.data() - current_.data) + reader.offset();
  out.path = path_text(node);
  const std::string_view damage = damage_of(current_.bytes());
  out.what = damage.empty() ? std::string(fault_text(reader.fault())) : std::string(damage);
  faults_.push_back(std::move(out));
}

CensusExample Collector::example() const {
  CensusExample out{documents_, {}};
  if (current_.format != Format::kBson) {
    out.id = row_id(current_).substr(0, kLongestExample);
    return out;
  }
  ByteBuffer text;
  if (append_id_text(bson_field(current_.bytes(), "_id"), IdStyle::kSafe, text))
    out.id = text.text().substr(0, kLongestExample);
  return out;
}

PathNode& Collector::child(PathNode& node, std::string_view name, size_t& hint) {
  if (hint < node.children.size()) {
    const PathNode::Edge& edge = node.children[hint];
    if (edge.size == name.size() && std::memcmp(edge.data, name.data(), edge.size) == 0) {
      ++hint;
      return *edge.node;
    }
  }
  if (node.folded()) {
    node.names->add(name_hash(name));
    return *node.children.front().node;
  }
  if (PathNode* known = find(node, name, hint)) return *known;
  if (node.children.size() < kMostNames && paths_ < kMostPaths)
    return add_child(node, name, PathKind::kField);
  fold(node);
  node.names->add(name_hash(name));
  return *node.children.front().node;
}

PathNode* Collector::find(PathNode& node, std::string_view name, size_t& hint) noexcept {
  const size_t n = node.children.size();
  if (n > kIndexFrom) {
    const auto known = node.index.find(name);
    if (known == node.index.end()) return nullptr;
    hint = known->second + 1;
    return node.children[known->second].node;
  }
  for (size_t tried = 0, i = hint; tried < n; ++tried, ++i) {
    if (i >= n) i = 0;
    const PathNode::Edge& edge = node.children[i];
    if (std::string_view(edge.data, edge.size) != name) continue;
    hint = i + 1;
    return edge.node;
  }
  return nullptr;
}

PathNode& Collector::add_child(PathNode& node, std::string_view name, PathKind kind) {
  node.owned.push_back(std::make_unique<PathNode>(&node, kind, name));
  PathNode& made = *node.owned.back();
  const auto place = static_cast<uint32_t>(node.children.size());
  node.children.push_back({made.name.data(), static_cast<uint32_t>(made.name.size()), &made});
  if (node.children.size() == kIndexFrom + 1) {
    for (uint32_t i = 0; i <= place; ++i) node.index.emplace(node.children[i].node->name, i);
  } else if (node.children.size() > kIndexFrom) {
    node.index.emplace(made.name, place);
  }
  ++paths_;
  return made;
}

PathNode& Collector::element(PathNode& node) {
  if (!node.element) {
    node.element = std::make_unique<PathNode>(&node, PathKind::kElement, "[]");
    ++paths_;
  }
  return *node.element;
}

}  // namespace lugger
