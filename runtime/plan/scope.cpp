#include "plan/scope.hpp"

#include "base/error.hpp"
#include "value/bson_reader.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {

namespace {

constexpr size_t kNoColumn = static_cast<size_t>(-1);
constexpr size_t kMaxStrays =
    1000;  // per node: a map used as a dictionary must not fill the memory
constexpr std::string_view kManyOthers = "(others)";

void name_nodes(const PathTrie& trie, const PathTrie::Node& node, const std::string& prefix,
                std::vector<std::string>& out) {
  for (const PathTrie::Edge& edge : node.edges) {
    const std::string name = prefix + edge.name + ".";
    name_nodes(trie, trie.node(edge.node), name, out);
    if (out.size() <= edge.node) out.resize(edge.node + 1);
    out[edge.node] = name;
  }
}

}  // namespace

Scope::Scope(const TablePlan& table, const std::vector<std::string>& arrays,
             const std::string& route)
    : columns_(table.columns.size()), rest_column_(kNoColumn), whole_column_(kNoColumn) {
  size_t mapped = arrays.size() + (route.empty() ? 0 : 1);
  for (size_t i = 0; i < columns_; ++i) {
    const Column& column = table.columns[i];
    const bool generated = column.generate == Column::Generate::kParentKey ||
                           column.generate == Column::Generate::kOrdinal ||
                           column.generate == Column::Generate::kV7 ||
                           column.generate == Column::Generate::kServer ||
                           column.generate == Column::Generate::kConstant;
    if (generated) continue;
    if (column.generate == Column::Generate::kV5) {
      trie_.add("_id", i);
    } else if (column.from == "*") {
      if (rest_column_ != kNoColumn)
        raise(Code::kConfig, "{}: two columns have from = \"*\"", table.name);
      rest_column_ = i;
    } else if (column.from == ".") {
      element_columns_.push_back(i);
    } else {
      trie_.add(column.from, i);
      ++mapped;
    }
  }
  for (size_t i = 0; i < arrays.size(); ++i) trie_.add(arrays[i], columns_ + i);
  if (!route.empty()) trie_.add(route, columns_ + arrays.size());
  raw_.resize(columns_ + arrays.size() + 1);
  if (mapped == 0 && rest_column_ != kNoColumn) whole_column_ = rest_column_;
  prefixes_.resize(1);
  name_nodes(trie_, trie_.root(), "", prefixes_);
  strays_.resize(prefixes_.size());
  stray_hints_.resize(prefixes_.size());
}

Failure Scope::read(const Document& document, Arena& arena) {
  std::fill(raw_.begin(), raw_.end(), Value{});
  left_over_ = false;
  return document.format == Format::kBson ? read_bson(document.bytes(), arena)
                                          : read_row(document, arena);
}

Failure Scope::read(const Value& element, Arena& arena) {
  std::fill(raw_.begin(), raw_.end(), Value{});
  left_over_ = false;
  for (const size_t column : element_columns_) raw_[column] = element;
  if (element.type == ValueType::kDocument) return read_bson(element.bytes(), arena);
  const bool needs_fields = !trie_.root().edges.empty() || rest_column_ != kNoColumn;
  return needs_fields && element_columns_.empty() && !element.absent() ? Failure::kWrongType
                                                                       : Failure::kNone;
}

Failure Scope::read_bson(Bytes document, Arena& arena) {
  if (whole_column_ != kNoColumn) {
    raw_[whole_column_] = Value::of(ValueType::kDocument, document);
    for (BsonReader reader(document); reader.next();) {
      size_t hint = 0;  // a generated id may still want the _id
      if (const auto* edge = trie_.find(trie_.root(), reader.name(), hint))
        take(trie_.node(edge->node), reader.value());
    }
    return Failure::kNone;
  }
  if (rest_column_ == kNoColumn)
    return walk(0, document, nullptr) ? Failure::kNone : Failure::kMalformed;
  ArenaWriter rest(arena, document.size() + 16);
  rest.append_le<int32_t>(0);
  if (!walk(0, document, &rest)) return Failure::kMalformed;
  rest.push(0);
  store_le<int32_t>(rest.data(), static_cast<int32_t>(rest.size()));
  raw_[rest_column_] = Value::of(ValueType::kDocument, rest.finish());
  return Failure::kNone;
}

bool Scope::walk(size_t node, Bytes document, ArenaWriter* rest) {
  const PathTrie::Node& here = trie_.node(node);
  BsonReader reader(document);
  size_t hint = 0;
  while (reader.next()) {
    const PathTrie::Edge* edge = trie_.find(here, reader.name(), hint);
    if (edge != nullptr) {
      enter(edge->node, reader.name(), reader.value(), reader.element(), rest);
    } else if (rest != nullptr) {
      rest->append(reader.element());
    } else if (element_columns_.empty()) {
      stray(node, reader.name());
    }
  }
  return reader.fault() == BsonFault::kNone;
}

void Scope::enter(size_t node, std::string_view name, const Value& value, Bytes element,
                  ArenaWriter* rest) {
  const PathTrie::Node& here = trie_.node(node);
  take(here, value);
  const bool nested = value.type == ValueType::kDocument || value.type == ValueType::kArray;
  if (!nested || here.edges.empty()) {
    if (!here.takers.empty()) return;
    if (rest != nullptr)
      rest->append(element);
    else if (element_columns_.empty())
      stray(node, {});
    return;
  }
  // Partly mapped: what is below and not taken goes to the rest in a document of the same name.
  ArenaWriter* below = here.takers.empty() ? rest : nullptr;
  const size_t start = below == nullptr ? 0 : below->size();
  if (below != nullptr) {
    below->push(element[0]);
    below->append(name);
    below->push(0);
    below->append_le<int32_t>(0);
  }
  const size_t header = below == nullptr ? 0 : below->size();
  walk(node, value.bytes(), below);
  if (below == nullptr) return;
  const bool nothing_left = below->size() == header && value.size > 5;
  if (nothing_left) {
    below->truncate(start);
    return;
  }
  below->push(0);
  store_le<int32_t>(below->data() + header - 4, static_cast<int32_t>(below->size() - header + 4));
}

void Scope::take(const PathTrie::Node& node, const Value& value) {
  for (const size_t taker : node.takers) raw_[taker] = value;
}

void Scope::stray(size_t node, std::string_view name) {
  left_over_ = true;
  std::vector<Stray>& known = strays_[node];
  size_t& hint = stray_hints_[node];
  for (size_t tried = 0; tried < known.size(); ++tried, ++hint) {
    if (hint >= known.size()) hint = 0;
    if (known[hint].path == name) {
      ++known[hint++].seen;
      return;
    }
  }
  if (known.size() < kMaxStrays)
    known.push_back({std::string(name), 1});
  else if (known.size() == kMaxStrays)
    known.push_back({std::string(kManyOthers), 1});
  else
    ++known.back().seen;
}

Failure Scope::read_row(const Document& document, Arena& arena) {
  if (rest_column_ != kNoColumn) {
    throw Error(Code::kConfig,
                "from = \"*\" takes the rest of a document, but the source gives rows",
                "name the columns of the source instead");
  }
  PgRowReader reader(document, arena);
  size_t hint = 0;
  while (reader.next()) {
    const PathTrie::Edge* edge = trie_.find(trie_.root(), reader.name(), hint);
    if (edge != nullptr)
      take(trie_.node(edge->node), reader.value());
    else
      stray(0, reader.name());
  }
  return reader.malformed() ? Failure::kMalformed : Failure::kNone;
}

void Scope::unmapped(const std::string& prefix, std::map<std::string, uint64_t>& out) const {
  for (size_t node = 0; node < strays_.size(); ++node) {
    for (const Stray& stray : strays_[node]) {
      std::string path = prefix + prefixes_[node] + stray.path;
      if (stray.path.empty() && !path.empty())
        path.pop_back();  // the node's own value was of another shape
      out[path] += stray.seen;
    }
  }
}

}  // namespace lugger
