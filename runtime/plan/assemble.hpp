// Documents made of rows: the inverse of Plan. What cannot come back, inverse.hpp tells.
#pragma once
#include <string>
#include <vector>

#include "plan/inverse.hpp"
#include "value/bson_writer.hpp"

namespace lugger {

/// The rows of one document, as Plan gives them to sinks.
struct DocumentRows {
  size_t table = 0;  // the own table that has its row
  const Value* row = nullptr;
  std::vector<std::vector<const Value*>> children;  // a list a table of the plan, in any order
};

/// One a worker: holds scratch.
class Assembler {
 public:
  explicit Assembler(const PlanShape& shape);

  /// Appends the document as BSON: `_id` first, then the columns' fields in the order of the
  /// mapping, child tables, and what a column from '*' has. SQL NULL is no field, a child table
  /// without rows no array. Gives the number of child rows that went in. Error{parse}: a json
  /// column holds no JSON.
  size_t append(const DocumentRows& rows, Arena& arena, ByteBuffer& out);

 private:
  struct Node {
    std::string name;
    std::vector<size_t> below;
    int column = -1, child = -1;
  };
  struct Table {
    std::vector<Node> nodes{1};
    int rest = -1, element = -1;
    size_t place = 0;  // children: the column that has the place in the array, or the field's name
  };
  /// A row that is under way.
  struct Level {
    size_t shape, table;  // routed tables share the first one's shape
    const Value* row;
  };

  void build(size_t table, const MappingInverse& inverse);
  Node& leaf(Table& table, std::string_view path);
  bool present(const Level& level, const Node& node) const;
  void fields(const Level& level, size_t node, Bytes rest, BsonWriter& writer);
  void list(const Level& level, const Node& node, BsonWriter& writer);
  bool belongs(const Level& level, size_t child, const Value* row) const noexcept;
  std::vector<const Value*> elements(const Level& level, size_t child) const;
  Bytes rest_of(const Level& level);
  Value value(const Level& level, int column);

  const PlanShape& shape_;
  std::vector<Table> tables_;
  const DocumentRows* rows_ = nullptr;
  size_t placed_ = 0;  // child rows
  Arena* arena_ = nullptr;
};

/// Slots of the same type hold the same value, as keys are compared.
bool same_slot(const Value& a, const Value& b) noexcept;

}  // namespace lugger
