#include "plan/scope.hpp"

#include "base/error.hpp"
#include "value/looked_into.hpp"
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
  add_paths(table, arrays, route);
  raw_.resize(columns_ + arrays.size() + 1);
  prefixes_.resize(1);
  name_nodes(trie_, trie_.root(), "", prefixes_);
  strays_.resize(prefixes_.size());
  stray_hints_.resize(prefixes_.size());
  walks_.resize(prefixes_.size());
  taken_.resize(prefixes_.size(), Taken::kOpen);
  opened_.resize(prefixes_.size());
  bool any = false;
  for (size_t node = 0; node < taken_.size(); ++node) {
    for (const size_t taker : trie_.node(node).takers) {
      if (taker == columns_ + arrays.size()) continue;  // a route only looks at it
      const bool id = taker < columns_ && table.columns[taker].generate == Column::Generate::kV5;
      taken_[node] = std::max(taken_[node], id ? Taken::kUsed : Taken::kTaken);
    }
    const std::vector<size_t>& takers = trie_.node(node).takers;
    opened_[node] = !trie_.node(node).edges.empty() ||
                    std::any_of(takers.begin(), takers.end(),
                                [this](size_t taker) { return taker >= columns_; });
    any = any || taken_[node] == Taken::kTaken;
  }
  if (!any && rest_column_ != kNoColumn) whole_column_ = rest_column_;
}

void Scope::add_paths(const TablePlan& table, const std::vector<std::string>& arrays,
                      const std::string& route) {
  for (size_t i = 0; i < columns_; ++i) {
    const Column& column = table.columns[i];
    if (column.generate == Column::Generate::kV5) {
      trie_.add("_id", i);
    } else if (column.generate != Column::Generate::kNone || column.computed) {
      continue;
    } else if (column.from == "*") {
      if (rest_column_ != kNoColumn)
        raise(Code::kConfig, "{}: two columns have from = \"*\"", table.name);
      rest_column_ = i;
    } else if (column.from == ".") {
      element_columns_.push_back(i);
    } else {
      trie_.add(column.from, i);
      unmet_.push_back(i);
    }
  }
  for (size_t i = 0; i < arrays.size(); ++i) {
    trie_.add(arrays[i], columns_ + i);
    unmet_.push_back(columns_ + i);
  }
  if (!route.empty()) trie_.add(route, columns_ + arrays.size());
}

void Scope::start() noexcept {
  std::fill(raw_.begin(), raw_.end(), Value{});
  left_over_ = doubled_ = false;
}

/// Soon all paths were met, and this is called no more.
void Scope::meet() noexcept {
  std::erase_if(unmet_, [this](size_t taker) { return raw_[taker].type != ValueType::kMissing; });
}

Failure Scope::read(const Document& document, uint64_t number, Arena& arena) {
  number_ = number;
  was_read_ = true;
  start();
  const Failure failure = document.format == Format::kBson ? read_bson(document.bytes(), arena)
                                                           : read_row(document, arena);
  if (!unmet_.empty()) meet();
  return failure;
}

Failure Scope::read_again(const Document& document, Arena& arena) {
  counting_ = false;
  const Failure failure = read(document, number_, arena);
  counting_ = true;
  return failure;
}

Failure Scope::read(const Value& element, uint64_t number, Arena& arena) {
  number_ = number;
  was_read_ = true;
  start();
  for (const size_t column : element_columns_) raw_[column] = element;
  if (element.type == ValueType::kDocument) {
    const Failure failure = read_bson(element.bytes(), arena);
    if (!unmet_.empty()) meet();
    return failure;
  }
  const bool needs_fields = !trie_.root().edges.empty() || rest_column_ != kNoColumn;
  return needs_fields && element_columns_.empty() && !element.absent() ? Failure::kNoFields
                                                                       : Failure::kNone;
}

Failure Scope::read_bson(Bytes document, Arena& arena) {
  if (walk_all(document, arena)) return Failure::kNone;
  if (!doubled_) return Failure::kMalformed;
  // A name came twice, and what is below it was gathered from both: only the last one counts.
  start();
  ArenaWriter last(arena, document.size());
  keep_last(0, document, last);
  return walk_all(last.finish(), arena) ? Failure::kNone : Failure::kMalformed;
}

bool Scope::walk_all(Bytes document, Arena& arena) {
  const Taken taken = element_columns_.empty() ? Taken::kOpen : Taken::kUsed;
  if (whole_column_ != kNoColumn) {
    raw_[whole_column_] = Value::of(ValueType::kDocument, document);
    return trie_.root().edges.empty() || walk(0, document, nullptr, Taken::kTaken);
  }
  if (rest_column_ == kNoColumn) return walk(0, document, nullptr, taken);
  ArenaWriter rest(arena, document.size() + 16);
  rest.append_le<int32_t>(0);
  if (!walk(0, document, &rest, taken)) return false;
  rest.push(0);
  store_le<int32_t>(rest.data(), static_cast<int32_t>(rest.size()));
  raw_[rest_column_] = Value::of(ValueType::kDocument, rest.finish());
  return true;
}

bool Scope::walk(size_t node, Bytes document, ArenaWriter* rest, Taken taken) {
  const PathTrie::Node& here = trie_.node(node);
  const uint64_t mine = ++walk_;
  BsonReader reader(document);
  size_t hint = 0;
  while (reader.next()) {
    const PathTrie::Edge* edge = trie_.find(here, reader.name(), hint);
    if (edge != nullptr) {
      uint64_t& met = walks_[edge->node];
      if (met == mine && !trie_.node(edge->node).edges.empty()) {
        doubled_ = true;
        return false;
      }
      met = mine;
      if (!enter(edge->node, reader.name(), reader.value(), reader.element(), rest, taken))
        return false;
    } else if (rest != nullptr) {
      rest->append(reader.element());
    } else if (taken == Taken::kOpen) {
      stray(node, reader.name());
    }
  }
  return reader.fault() == BsonFault::kNone;
}

bool Scope::enter(size_t node, std::string_view name, const Value& value, Bytes element,
                  ArenaWriter* rest, Taken taken) {
  constexpr uint32_t kEmpty = 5;  // bytes of a document or array without elements
  const PathTrie::Node& here = trie_.node(node);
  take(here, value);
  taken = std::max(taken, taken_[node]);
  const bool nested = (value.type == ValueType::kDocument || value.type == ValueType::kArray) &&
                      value.size > kEmpty && !here.edges.empty();
  if (taken == Taken::kTaken) return !nested || walk(node, value.bytes(), nullptr, taken);
  if (!nested) {
    if (rest != nullptr)
      rest->append(element);
    else if (taken == Taken::kOpen)
      stray(node, {});
    return true;
  }
  if (rest == nullptr) return walk(node, value.bytes(), nullptr, taken);
  return enter_partly(node, name, value, element, *rest, taken);
}

/// What is below and not taken goes to the rest in a document of the same name. An array of which
/// anything is left stays whole there: without one of its elements the others would move up.
bool Scope::enter_partly(size_t node, std::string_view name, const Value& value, Bytes element,
                         ArenaWriter& rest, Taken taken) {
  const size_t start = rest.size();
  rest.push(element[0]);
  rest.append(name);
  rest.push(0);
  rest.append_le<int32_t>(0);
  const size_t header = rest.size();
  if (!walk(node, value.bytes(), &rest, taken)) return false;
  const bool left = rest.size() != header;
  if (!left || value.type == ValueType::kArray) {
    rest.truncate(start);
    if (left) rest.append(element);
    return true;
  }
  rest.push(0);
  store_le<int32_t>(rest.data() + header - 4, static_cast<int32_t>(rest.size() - header + 4));
  return true;
}

/// The document without values that another of the same name follows, where columns look into them.
void Scope::keep_last(size_t node, Bytes document, ArenaWriter& out) const {
  const size_t start = out.size();
  out.append_le<int32_t>(0);
  const PathTrie::Node& here = trie_.node(node);
  size_t hint = 0;
  for (BsonReader reader(document); reader.next();) {
    const PathTrie::Edge* edge = trie_.find(here, reader.name(), hint);
    if (edge == nullptr || trie_.node(edge->node).edges.empty()) {
      out.append(reader.element());
      continue;
    }
    bool again = false;
    for (BsonReader later = reader; !again && later.next();) again = later.name() == reader.name();
    if (again) continue;
    const Value& value = reader.value();
    if (value.type != ValueType::kDocument && value.type != ValueType::kArray) {
      out.append(reader.element());
      continue;
    }
    out.append(reader.element().first(reader.element().size() - value.size));
    keep_last(edge->node, value.bytes(), out);
  }
  out.push(0);
  store_le<int32_t>(out.data() + start, static_cast<int32_t>(out.size() - start));
}

void Scope::take(const PathTrie::Node& node, const Value& value) {
  for (const size_t taker : node.takers) raw_[taker] = value;
}

/// Of a document that has a field several times, in its array's elements, one is counted.
void Scope::count(Stray& stray) const noexcept {
  if (stray.last != number_) ++stray.documents;
  stray.last = number_;
}

void Scope::stray(size_t node, std::string_view name) {
  left_over_ = true;
  if (!counting_) return;
  std::vector<Stray>& known = strays_[node];
  size_t& hint = stray_hints_[node];
  for (size_t tried = 0; tried < known.size(); ++tried, ++hint) {
    if (hint >= known.size()) hint = 0;
    if (known[hint].path == name) return count(known[hint++]);
  }
  if (known.size() <= kMaxStrays)
    known.push_back(
        {known.size() < kMaxStrays ? std::string(name) : std::string(kManyOthers), 0, 0});
  count(known.back());
}

Failure Scope::read_row(const Document& document, Arena& arena) {
  if (rest_column_ != kNoColumn) {
    throw Error(Code::kConfig,
                "from = \"*\" takes the rest of a document, but the source gives rows",
                "name the columns of the source instead");
  }
  if (walk_row(document, false, arena)) return Failure::kNone;
  if (!doubled_) return Failure::kMalformed;
  start();
  return walk_row(document, true, arena) ? Failure::kNone : Failure::kMalformed;
}

bool Scope::walk_row(const Document& document, bool last_names, Arena& arena) {
  PgRowReader reader(document, arena);
  size_t hint = 0;
  while (reader.next()) {
    const PathTrie::Edge* edge = trie_.find(trie_.root(), reader.name(), hint);
    if (edge == nullptr)
      stray(0, reader.name());
    else if (!opened_[edge->node])
      take(trie_.node(edge->node), reader.value());
    else if (!open_field(edge->node, document.shape->fields[reader.index()], reader.value(),
                         last_names, arena))
      return false;
  }
  return !reader.malformed();
}

/// Columns have the field as it came; what is below it, and child tables, what lies in it.
bool Scope::open_field(size_t node, const RowShape::Field& field, const Value& value,
                       bool last_names, Arena& arena) {
  if (value.absent()) {
    take(trie_.node(node), value);
    return true;
  }
  Value inner = looked_into(field, value, arena);
  if (inner.type == ValueType::kJson) return false;
  if (last_names && (inner.type == ValueType::kDocument || inner.type == ValueType::kArray)) {
    ArenaWriter last(arena, inner.size);
    keep_last(node, inner.bytes(), last);
    inner = Value::of(inner.type, last.finish());
  }
  if (!enter_opened(node, inner, Taken::kOpen, arena)) return false;
  for (const size_t taker : trie_.node(node).takers)
    if (taker < columns_) raw_[taker] = value;
  return true;
}

bool Scope::enter_opened(size_t node, const Value& value, Taken taken, Arena& arena) {
  const PathTrie::Node& here = trie_.node(node);
  if (value.type != ValueType::kPgArray || here.edges.empty())
    return enter(node, {}, value, {}, nullptr, taken);
  take(here, value);
  taken = std::max(taken, taken_[node]);
  ElementReader reader(value, arena);
  size_t hint = 0;
  while (reader.next()) {
    const PathTrie::Edge* edge = trie_.find(here, reader.name(), hint);
    if (edge != nullptr && !enter_opened(edge->node, reader.value(), taken, arena)) return false;
    if (edge == nullptr && taken == Taken::kOpen) stray(node, reader.name());
  }
  return !reader.malformed();
}

void Scope::unmapped(const std::string& prefix, std::map<std::string, uint64_t>& out) const {
  for (size_t node = 0; node < strays_.size(); ++node) {
    for (const Stray& stray : strays_[node]) {
      std::string path = prefix + prefixes_[node] + stray.path;
      if (stray.path.empty() && !path.empty())
        path.pop_back();  // the node's own value was of another shape
      out[path] += stray.documents;
    }
  }
}

}  // namespace lugger
