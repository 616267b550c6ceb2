// A row as an object of Weaviate, in JSON.
#pragma once
#include "store/object_sink.hpp"
#include "weaviate/layout.hpp"
#include "weaviate/object_id.hpp"

namespace lugger {

class ObjectEncoder : public RowEncoder {
 public:
  explicit ObjectEncoder(const TablePlan& table) : table_(table), ids_(table) {}

  std::string_view id() const final { return id_; }
  /// All objects of a load are of one class, and of one tenant.
  std::string_view group() const final { return {}; }
  std::string why(const Refusal& refusal) const final;

 protected:
  /// False: a part of the key is null; `column` is one of it.
  bool take_id(const Value* row, int& column);

  const TablePlan& table_;
  std::string id_;

 private:
  ObjectIds ids_;
};

/// Belongs to one worker.
class ObjectWriter final : public ObjectEncoder {
 public:
  /// Objects are written without their references, or with them.
  ObjectWriter(const TablePlan& table, const ClassLayout& layout, bool with_references);

  /// The row has a reference.
  bool refers(const Value* row) const noexcept;

  /// {"class": ..., "id": ..., "properties": {...}, ...}
  Failure append(const Value* row, int& column, ByteBuffer& out) override;

 private:
  Failure append_property(const SlotLayout& slot, const ColumnType& type, const Value& value,
                          ByteBuffer& out);
  Failure append_array(const SlotLayout& slot, const ColumnType& type, Bytes array,
                       ByteBuffer& out);

  const ClassLayout& layout_;
  std::string begin_, end_;         // of every object: up to its id, and behind its vectors
  std::vector<std::string> names_;  // of the slots, as JSON has them
  std::vector<size_t> properties_, vectors_, references_;  // slots
  size_t only_vector_ = SIZE_MAX;                          // the slot of the vector without a name
  Arena scratch_;
};

}  // namespace lugger
