// A row as a record of Pinecone, in JSON.
#pragma once
#include "pinecone/layout.hpp"
#include "store/object_sink.hpp"

namespace lugger {

/// Belongs to one worker.
class RecordWriter final : public RowEncoder {
 public:
  /// The table outlives it.
  RecordWriter(const TablePlan& table, RecordLayout layout, const RecordOptions& options);

  /// {"id": ..., "values": [...], "sparseValues": {...}, "metadata": {...}}, or of a document index
  /// {"_id": ..., FIELDS...}.
  Failure append(const Value* row, int& column, ByteBuffer& out) override;
  std::string_view id() const override { return id_; }
  std::string_view group() const override { return group_; }
  std::string why(const Refusal&) const override { return words_; }

  /// What the metadata of a json column comes back as, as JSON: a null that is dropped, a number
  /// that is kept as text. Failure as append() gives it.
  Failure settled(size_t slot, std::string_view json, ByteBuffer& out);

 private:
  Failure take_id(const Value* row, int& column);
  Failure take_group(const Value* row, int& column);
  Failure append_vectors(const Value* row, int& column, ByteBuffer& out);
  Failure append_values(const RecordSlot& slot, const Value& value, ByteBuffer& out);
  Failure append_sparse(const Value& value, ByteBuffer& out);
  Failure append_field(size_t slot, const Value& value, ByteBuffer& out);
  Failure append_list(const RecordSlot& slot, const Value& value, ByteBuffer& out);
  Failure append_metadata(const Value* row, int& column, ByteBuffer& out);
  Failure fail(Failure failure, std::string words) {
    words_ = std::move(words);
    return failure;
  }

  const TablePlan& table_;
  const RecordLayout layout_;
  const RecordOptions options_;
  MetadataWriter metadata_;
  std::vector<size_t> fields_, vectors_;  // slots of the metadata, and of vectors
  std::string id_, group_, words_;
  std::vector<std::optional<std::string>> key_;
  ByteBuffer scratch_;
  Arena arena_;
};

}  // namespace lugger
