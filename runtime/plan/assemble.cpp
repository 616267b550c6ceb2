#include "plan/assemble.hpp"

#include <algorithm>

#include "plan/uncoerce.hpp"
#include "value/bson_reader.hpp"
#include "value/path.hpp"

namespace lugger {

namespace {

constexpr uint8_t kEmptyDocument[] = {5, 0, 0, 0, 0};

}  // namespace

bool same_slot(const Value& a, const Value& b) noexcept {
  if (a.type != b.type) return false;
  switch (a.type) {
    case ValueType::kBool:
    case ValueType::kInt64:
    case ValueType::kDouble:
    case ValueType::kDay:
    case ValueType::kTime:
    case ValueType::kMicros: return a.i64 == b.i64;
    default: return a.absent() || a.text() == b.text();
  }
}

Assembler::Assembler(const PlanShape& shape) : shape_(shape), tables_(shape.tables().size()) {
  const MappingInverse inverse = invert(shape, false);
  for (size_t t = 0; t < tables_.size(); ++t) {
    if (t == 0 || t >= shape.own_tables()) build(t, inverse);
  }
}

void Assembler::build(size_t t, const MappingInverse& inverse) {
  Table& table = tables_[t];
  const TablePlan& plan = shape_.tables()[t];
  for (const ColumnInverse& column : inverse.columns) {
    const bool given = column.verdict == ColumnInverse::Verdict::kSame ||
                       column.verdict == ColumnInverse::Verdict::kChanged;
    if (column.table != t || !given) continue;
    const std::string& from = plan.columns[column.column].from;
    if (from == "*")
      table.rest = static_cast<int>(column.column);
    else if (from == ".")
      table.element = static_cast<int>(column.column);
    else
      leaf(table, from).column = static_cast<int>(column.column);
  }
  for (size_t c = 0; c < plan.columns.size(); ++c) {
    const Column::Generate generate = plan.columns[c].generate;
    if (generate == Column::Generate::kOrdinal || generate == Column::Generate::kEntry)
      table.place = c;
  }
  for (size_t child = shape_.own_tables(); child < tables_.size(); ++child) {
    if (shape_.tables()[child].parent != static_cast<int>(t)) continue;
    const std::string_view path = unmarked(shape_.tables()[child].path);
    leaf(table, path.substr(plan.path.empty() ? 0 : plan.path.size() + 1)).child =
        static_cast<int>(child);
  }
  std::vector<size_t>& top = table.nodes[0].below;
  std::stable_partition(top.begin(), top.end(),
                        [&](size_t node) { return table.nodes[node].name == "_id"; });
}

Assembler::Node& Assembler::leaf(Table& table, std::string_view path) {
  size_t at = 0;
  for (const std::string& name : split_path(path)) {
    const std::vector<size_t>& below = table.nodes[at].below;
    const auto found = std::find_if(below.begin(), below.end(),
                                    [&](size_t node) { return table.nodes[node].name == name; });
    if (found != below.end()) {
      at = *found;
      continue;
    }
    table.nodes[at].below.push_back(table.nodes.size());
    at = table.nodes.size();
    table.nodes.emplace_back().name = name;
  }
  return table.nodes[at];
}

size_t Assembler::append(const DocumentRows& rows, Arena& arena, ByteBuffer& out) {
  rows_ = &rows;
  placed_ = 0;
  arena_ = &arena;
  BsonWriter writer(out);
  const Level level{0, rows.table, rows.row};
  writer.begin_document();
  fields(level, 0, rest_of(level), writer);
  writer.end();
  return placed_;
}

Value Assembler::value(const Level& level, int column) {
  const auto c = static_cast<size_t>(column);
  return uncoerce(shape_.tables()[level.table].columns[c], level.row[c], *arena_);
}

Bytes Assembler::rest_of(const Level& level) {
  const int column = tables_[level.shape].rest;
  const Value rest = column < 0 ? Value{} : value(level, column);
  return rest.type == ValueType::kDocument ? rest.bytes() : Bytes(kEmptyDocument);
}

bool Assembler::present(const Level& level, const Node& node) const {
  if (node.column >= 0 && !level.row[node.column].absent()) return true;
  const auto child = static_cast<size_t>(node.child);
  if (node.child >= 0 && child < rows_->children.size()) {
    const auto& rows = rows_->children[child];
    const auto ours = [&](const Value* row) { return belongs(level, child, row); };
    if (std::any_of(rows.begin(), rows.end(), ours)) return true;
  }
  return std::any_of(node.below.begin(), node.below.end(), [&](size_t below) {
    return present(level, tables_[level.shape].nodes[below]);
  });
}

void Assembler::fields(const Level& level, size_t node, Bytes rest, BsonWriter& writer) {
  const Table& table = tables_[level.shape];
  const Node& here = table.nodes[node];
  std::vector<std::string_view> written;
  const auto take = [&](const Node& below) {
    written.push_back(below.name);
    if (below.column >= 0 && !level.row[below.column].absent())
      return writer.append(below.name, value(level, below.column));
    if (below.child >= 0 && below.below.empty()) return list(level, below, writer);
    const Value inner = bson_field(rest, below.name);
    writer.begin_document(below.name);
    fields(level, static_cast<size_t>(&below - table.nodes.data()),
           inner.type == ValueType::kDocument ? inner.bytes() : Bytes(kEmptyDocument), writer);
    writer.end();
  };
  const bool id_is_left =
      node == 0 && (here.below.empty() || table.nodes[here.below[0]].name != "_id");
  if (id_is_left) {
    const Value id = bson_field(rest, "_id");
    if (id.type != ValueType::kMissing) {
      writer.append("_id", id);
      written.emplace_back("_id");
    }
  }
  for (const size_t below : here.below) {
    if (present(level, table.nodes[below])) take(table.nodes[below]);
  }
  for (BsonReader reader(rest); reader.next();) {
    if (std::find(written.begin(), written.end(), reader.name()) == written.end())
      writer.append_element(reader.element());
  }
}

bool Assembler::belongs(const Level& level, size_t child, const Value* row) const noexcept {
  const std::vector<size_t>& key = shape_.tables()[level.table].key;
  const std::vector<size_t>& parent = shape_.tables()[child].parent_key;
  for (size_t k = 0; k < key.size(); ++k) {
    if (!same_slot(row[parent[k]], level.row[key[k]])) return false;
  }
  return true;
}

/// The rows of a child table that belong to this one, in their order.
std::vector<const Value*> Assembler::elements(const Level& level, size_t child) const {
  std::vector<const Value*> out;
  if (child >= rows_->children.size()) return out;
  for (const Value* row : rows_->children[child]) {
    if (belongs(level, child, row)) out.push_back(row);
  }
  const size_t place = tables_[child].place;
  const bool entries = shape_.tables()[child].of_entries();
  std::stable_sort(out.begin(), out.end(), [&](const Value* a, const Value* b) {
    return entries ? a[place].text() < b[place].text() : a[place].i64 < b[place].i64;
  });
  return out;
}

/// An array of the child's rows, or a document of them.
void Assembler::list(const Level& level, const Node& node, BsonWriter& writer) {
  const auto child = static_cast<size_t>(node.child);
  const bool entries = shape_.tables()[child].of_entries();
  entries ? writer.begin_document(node.name) : writer.begin_array(node.name);
  for (const Value* row : elements(level, child)) {
    const Level below{child, child, row};
    const std::string_view name = entries ? row[tables_[child].place].text() : std::string_view();
    ++placed_;
    if (tables_[child].element >= 0) {
      const Value element = value(below, tables_[child].element);
      const Value given = element.type == ValueType::kMissing ? Value::null() : element;
      entries ? writer.append(name, given) : writer.append(given);
      continue;
    }
    entries ? writer.begin_document(name) : writer.begin_document();
    fields(below, 0, rest_of(below), writer);
    writer.end();
  }
  writer.end();
}

}  // namespace lugger
