// What a Plan works with: one worker's scopes, coercers and scratch.
#pragma once
#include <optional>

#include "base/digest.hpp"
#include "plan/plan.hpp"
#include "plan/scope.hpp"

namespace lugger {

/// A column's default in its type; kMissing: it has none. Error{config}: it does not fit. It is the
/// script's own word, so `strict`, `trim` and `empty_null` are not asked. Its bytes lie in the
/// arena or in the column.
Value default_of(const TablePlan& table, const Column& column, Arena& arena);

/// Of a column with a model: a text, or the want of one, until the whole batch has its rows.
inline bool waits_for_model(const Value& raw) noexcept {
  return raw.absent() || raw.type == ValueType::kString || raw.type == ValueType::kPgText;
}

/// Room for one table: its scope, a coercer a column, its children.
struct TableWork {
  const TablePlan* table;
  Scope scope;
  std::vector<Coercer> coercers;
  std::vector<Value> defaults;     // coerced; kMissing: none
  std::vector<size_t> children;    // indices of tables
  std::vector<uint64_t> replaced;  // a column
};

/// Where a child row stands among its siblings.
struct ChildPlace {
  int ordinal = 0;         // in the array, from 1
  std::string_view entry;  // the name of its field
};

struct Plan::Work {
  /// Own tables share tables[0]'s scope; one entry a table of the shape.
  std::vector<TableWork> tables;
  Arena constants{4096};  // defaults
  Uuid id_namespace{};
  ByteBuffer text;
  std::vector<std::string_view> names;  // of has_doubles()
  const PlanShape* shape = nullptr;
  bool has_hook = false;
  bool embeds = false;  // a column has a model
  std::unique_ptr<TextVectors> vectors;
  uint64_t read = 0;  // documents of the batches before this one

  void make_rows(Batch& batch, uint32_t document);
  /// From `key`, which has the _id of the document.
  void make_key(Batch& batch, uint32_t document, const Document& key);
  void fill_column(Batch& batch, size_t table, uint32_t document, size_t column, Value* row,
                   const Value* parent_row, ChildPlace place);
  /// The document's own table; nullopt: no route takes it.
  std::optional<size_t> choose_table();
  void refuse_unrouted(Batch& batch, uint32_t document);
  /// The document or element read last has fields that no column takes, and is to be refused.
  bool refuse_left_over(Batch& batch, size_t table, uint32_t document);
  void fill(Batch& batch, size_t table, uint32_t document, Value* row, const Value* parent_row,
            ChildPlace place);
  void fill_for_hook(Batch& batch, size_t table, uint32_t document, Value* row);
  void settle(Batch& batch, size_t table, uint32_t document, size_t column, const Value& raw,
              Value& slot);
  /// `rows`: the table whose RowSet holds the parent row; differs from `table` when the document
  /// was routed.
  void add_children(Batch& batch, size_t table, size_t rows, uint32_t document, size_t row);
  /// The rows of one child table: elements of an array, or fields of a document.
  void add_rows(Batch& batch, size_t child, const Value& source, uint32_t document,
                const Value* parent_row);
  /// One of them. False: the document is refused.
  bool add_child(Batch& batch, size_t child, const Value& element, ChildPlace place,
                 uint32_t document, const Value* parent_row);
  /// Whether a field of a document comes more than once.
  bool has_doubles(const Value& source);
  /// Makes the vectors of a column whose slots hold texts.
  void embed_column(Batch& batch, size_t table, size_t column);
  void finish_hooked(Batch& batch);
  void finish_row(Batch& batch, size_t table, size_t row);
  /// The id of a row that a hook emitted, such that a repeated run computes it again: from its key,
  /// or from the document's and its place among the document's rows where the key is the id.
  void generate_emitted(Batch& batch, size_t table, size_t row, size_t column);
  std::string emitted_key(size_t table, const Value* row, size_t column) const;
  Failure generate(size_t table, size_t column, const Value& raw, const Value* parent_row,
                   ChildPlace place, Value& slot, Arena& arena);
};

}  // namespace lugger
