// A row as an object of Weaviate, in JSON.
#pragma once
#include "store/object_sink.hpp"
#include "weaviate/layout.hpp"
#include "weaviate/object_id.hpp"

namespace lugger {

/// Belongs to one worker.
class ObjectWriter final : public RowEncoder {
 public:
  /// Objects are written without their references, or with them.
  ObjectWriter(const TablePlan& table, const ClassLayout& layout, bool with_references);

  /// The row has a reference.
  bool refers(const Value* row) const noexcept;

  /// {"class": ..., "id": ..., "properties": {...}, ...}
  Failure append(const Value* row, int& column, ByteBuffer& out) override;
  std::string_view id() const override { return id_; }
  std::string_view group() const override { return {}; }
  std::string why(const Refusal&) const override { return {}; }

 private:
  Failure append_property(const SlotLayout& slot, const ColumnType& type, const Value& value,
                          ByteBuffer& out);
  Failure append_array(const SlotLayout& slot, const ColumnType& type, Bytes array,
                       ByteBuffer& out);

  const TablePlan& table_;
  const ClassLayout& layout_;
  ObjectIds ids_;
  std::string id_;
  std::string begin_, end_;         // of every object: up to its id, and behind its vectors
  std::vector<std::string> names_;  // of the slots, as JSON has them
  std::vector<size_t> properties_, vectors_, references_;  // slots
  size_t only_vector_ = SIZE_MAX;                          // the slot of the vector without a name
  Arena scratch_;
};

}  // namespace lugger
