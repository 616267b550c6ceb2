// Rows as JSON objects: one for each own row of a document, with its child rows nested under the
// name of their table.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plan/assemble.hpp"
#include "plan/plan.hpp"
#include "plan/tally.hpp"

namespace lugger {

/// kPlain: values as write_coerced_json() gives them. kCanonical, kRelaxed: Extended JSON for what
/// JSON has no type for; types that BSON does not know either (interval, vectors, arrays, ...) are
/// as in kPlain.
void write_column_json(const Value& value, const ColumnType& type, JsonStyle style,
                       std::string& out);

/// Writes the rows of one batch at a time. Parent keys and ordinals of child rows are left out,
/// because nesting and order express the same.
class JsonRows {
 public:
  /// documents: each line is the document restored from the rows (plan/assemble.hpp), not the rows.
  JsonRows(const PlanShape& plan, JsonStyle style, bool documents = false);

  /// Appends a line for each row of the document's own tables that is to be loaded; counts
  /// documents and rows.
  void append(const Batch& batch, Tally& tally, std::string& out);

 private:
  void write_object(const Batch& batch, size_t shape, size_t table, size_t row, Tally& tally,
                    std::string& out);
  void write_children(const Batch& batch, size_t child, uint32_t document, const Value* parent,
                      size_t parent_shape, Tally& tally, std::string& out);
  void write_document(const Batch& batch, size_t table, size_t row, Tally& tally, std::string& out);
  void index_children(const Batch& batch);
  using Rows =
      std::pair<std::vector<uint32_t>::const_iterator, std::vector<uint32_t>::const_iterator>;
  /// The child rows of a document, in by_document_.
  Rows rows_of(size_t child, const RowSet& rows, uint32_t document) const;

  const PlanShape& plan_;
  JsonStyle style_;
  std::vector<std::string> names_;                 // a table: its name as a JSON string
  std::vector<std::vector<std::string>> columns_;  // a table, a column: `"name": `
  std::vector<std::vector<bool>> shown_;
  std::vector<std::vector<uint32_t>> by_document_;  // a table: live rows, sorted by document
  std::vector<uint8_t> has_row_;
  std::optional<Assembler> assembler_;  // when documents are asked for
  DocumentRows document_;
  Arena arena_;
  ByteBuffer bson_;
};

}  // namespace lugger
