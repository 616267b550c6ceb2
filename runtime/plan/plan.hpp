// A mapping bound for work: paths in a trie, a coercer a column, rows made from documents.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plan/batch.hpp"
#include "plan/coercer.hpp"
#include "plan/mapping.hpp"
#include "plan/text_vectors.hpp"

namespace lugger {

/// A table the plan feeds. What sinks need to know of it.
struct TablePlan {
  std::string name;             // as the script names it: "users", "sales.users"
  std::vector<Column> columns;  // parent keys, ordinals and entries of children included
  std::vector<size_t> key;  // columns that identify a row; children: parent key + ordinal or entry
  int parent = -1;          // index of the parent table; -1 for the document's own table
  std::vector<size_t> parent_key;  // children: the columns that hold the parent's key, in the order
                                   // of the parent's key
  std::string path;  // children: path from the document, "orders[].lines[]", "names{}"

  /// A child table whose rows are a document's fields, not an array's elements.
  bool of_entries() const noexcept { return path.ends_with("{}"); }
};

/// The path of a child's array or document without its mark: "tags[]" -> "tags".
inline std::string_view unmarked(std::string_view path) noexcept {
  return path.substr(0, path.size() - 2);
}

/// Everything immutable about the mapping; shared by the workers. Tables: 0 is the document's own
/// (routes follow it), then children.
class PlanShape {
 public:
  explicit PlanShape(Mapping mapping);
  const Mapping& mapping() const noexcept { return mapping_; }
  const std::vector<TablePlan>& tables() const noexcept { return tables_; }
  size_t own_tables() const noexcept { return own_tables_; }  // 1, or the number of routes
  /// The own table that a route's value leads to; nullopt: none is named for it.
  std::optional<size_t> route(std::string_view value) const;
  /// The own table of that name; nullopt: there is none.
  std::optional<size_t> own_table(std::string_view name) const;

 private:
  Mapping mapping_;
  std::vector<TablePlan> tables_;
  size_t own_tables_ = 1;
};

/// Rows written by a hook pass the same coercers (finish).
class RowHook {
 public:
  virtual ~RowHook() = default;
  /// Once a batch; rows have target types, json columns are still documents.
  virtual void apply(Batch& batch) = 0;
};

/// A document's identity as shown in messages and kept with rejects: its _id as canonical text, and
/// without one, or of a row, the key. "?" when there is none.
std::string document_id(const Document& document, const Mapping& mapping);

/// What became of a path that the mapping looks for: sums of these bits.
enum class Met : uint8_t { kNothing = 0, kLooked = 1, kFound = 2 };
inline Met operator|(Met a, Met b) noexcept {
  return static_cast<Met>(static_cast<uint8_t>(a) | static_cast<uint8_t>(b));
}

/// One worker's plan: its coercers, its scratch, its counts of unmapped fields.
class Plan {
 public:
  explicit Plan(std::shared_ptr<const PlanShape> shape, bool has_hook = false);
  ~Plan();
  const PlanShape& shape() const noexcept { return *shape_; }
  /// Who makes the vectors of columns with a model. Without one each is a stand-in that its column
  /// takes, which must not be written.
  void embed_with(std::unique_ptr<TextVectors> vectors);

  /// Makes rows of batch.documents, applies the hook when there is one, then makes vectors of texts,
  /// and decides each document's
  /// fate.
  /// Of a document that was deleted there is one row, in tables[0], which holds its key alone, and
  /// which no hook sees.
  void run(Batch& batch, RowHook* hook);

  /// Top-level (or partly mapped) source paths that no column took, with how often they were seen.
  /// Nothing where the mapping says that they are to be ignored.
  std::map<std::string, uint64_t> unmapped() const;
  /// Every path that the mapping looks for, with what was found of it: "emial (column email)".
  std::map<std::string, Met> met() const;
  /// "table.column" -> values that could not be read and became NULL or the default, as on_error
  /// says.
  std::map<std::string, uint64_t> replaced() const;

 private:
  void key_rows(Batch& batch);
  void embed_rows(Batch& batch);

  struct Work;
  std::shared_ptr<const PlanShape> shape_;
  std::unique_ptr<Work> work_;
};

}  // namespace lugger
