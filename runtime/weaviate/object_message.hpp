// A row as an object of Weaviate, in the form of gRPC: the message BatchObject.
#pragma once
#include <optional>

#include "store/object_sink.hpp"
#include "weaviate/layout.hpp"
#include "weaviate/object_call.hpp"
#include "weaviate/object_id.hpp"

namespace lugger {

/// Nested objects, coordinates and phone numbers go by REST alone, and with them their class.
bool fits_messages(const ClassLayout& layout) noexcept;

/// Belongs to one worker. Writes objects without their references.
class ObjectMessages final : public RowEncoder {
 public:
  ObjectMessages(const TablePlan& table, const ClassLayout& layout);

  Failure append(const Value* row, int& column, ByteBuffer& out) override;
  std::string_view id() const override { return id_; }
  std::string_view group() const override { return {}; }
  std::string why(const Refusal&) const override { return {}; }
  /// The id of a message that was appended.
  static std::string_view id_of(std::string_view message) noexcept;
  static ObjectVectors vectors_of(std::string_view message);
  static std::string without_vectors(std::string_view message);

 private:
  Failure add_property(const SlotLayout& slot, const ColumnType& type, const Value& value);
  Failure add_array(const SlotLayout& slot, const ColumnType& type, const Value& value);
  Failure add_vectors(const SlotLayout& slot, const Value& value, ByteBuffer& out);
  Failure take_number(const Value& value, double& out);
  bool take_vector(const Value& value);

  const TablePlan& table_;
  const ClassLayout& layout_;
  ObjectIds ids_;
  std::string id_;
  ByteBuffer fields_;      // the message Struct
  ByteBuffer properties_;  // the message Properties
  ByteBuffer value_, entry_, text_, vector_;
  std::vector<float> room_;
  Arena scratch_;
};

/// The objects that the message BatchObjectsReply says were refused; nullopt: it is no such message.
std::optional<std::vector<BatchRefusal>> read_reply(std::string_view message);

}  // namespace lugger
