#include "weaviate/object_message.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "value/pgrow_reader.hpp"
#include "vector/elements.hpp"
#include "weaviate/object_text.hpp"
#include "weaviate/protobuf.hpp"

namespace lugger {
namespace {

namespace pb = protobuf;

// Numbers of fields, of weaviate.v1 and google.protobuf.Struct.
namespace object_field {
constexpr uint32_t kId = 1, kProperties = 3, kClass = 4, kTenant = 5, kVector = 6, kVectors = 23;
}
namespace properties_field {
constexpr uint32_t kFields = 1, kNumbers = 4, kInts = 5, kTexts = 6, kBools = 7, kEmpty = 10;
}
namespace list_field {
constexpr uint32_t kValues = 1, kName = 2;
}
namespace entry_field {
constexpr uint32_t kField = 1, kName = 1, kValue = 2;
}
namespace value_field {
constexpr uint32_t kNumber = 2, kText = 3, kBool = 4;
}
namespace vectors_field {
constexpr uint32_t kName = 1, kBytes = 3, kType = 4;
constexpr uint64_t kOne = 1, kMany = 2;
}  // namespace vectors_field
namespace reply_field {
constexpr uint32_t kErrors = 2, kIndex = 1, kError = 2;
}

std::string_view text_of(std::span<const float> floats) {
  return {reinterpret_cast<const char*>(floats.data()), floats.size_bytes()};
}

std::vector<float> floats_of(std::string_view bytes) {
  std::vector<float> out(bytes.size() / sizeof(float));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
  return out;
}

uint32_t list_of(ObjectForm form) noexcept {
  switch (form) {
    case ObjectForm::kBool: return properties_field::kBools;
    case ObjectForm::kInt: return properties_field::kInts;
    case ObjectForm::kNumber: return properties_field::kNumbers;
    default: return properties_field::kTexts;
  }
}

}  // namespace

bool fits_messages(const ClassLayout& layout) noexcept {
  return std::ranges::none_of(
      layout.slots, [](const SlotLayout& slot) { return slot.form == ObjectForm::kJson; });
}

ObjectMessages::ObjectMessages(const TablePlan& table, const ClassLayout& layout)
    : table_(table), layout_(layout), ids_(table) {}

std::string_view ObjectMessages::id_of(std::string_view message) noexcept {
  pb::Reader reader(message);
  return reader.next() && reader.field == object_field::kId ? reader.bytes : std::string_view();
}

ObjectVectors ObjectMessages::vectors_of(std::string_view message) {
  ObjectVectors out;
  for (pb::Reader reader(message); reader.next();) {
    if (reader.field == object_field::kVector) out[""] = floats_of(reader.bytes);
    if (reader.field != object_field::kVectors) continue;
    std::string_view name, bytes;
    bool many = false;
    for (pb::Reader vector(reader.bytes); vector.next();) {
      if (vector.field == vectors_field::kName) name = vector.bytes;
      if (vector.field == vectors_field::kBytes) bytes = vector.bytes;
      if (vector.field == vectors_field::kType) many = vector.number == vectors_field::kMany;
    }
    if (many) bytes.remove_prefix(std::min(sizeof(uint16_t), bytes.size()));
    out[std::string(name)] = floats_of(bytes);
  }
  return out;
}

std::string ObjectMessages::without_vectors(std::string_view message) {
  ByteBuffer out;
  // All fields of an object are texts or messages.
  for (pb::Reader reader(message); reader.next();) {
    if (reader.field != object_field::kVector && reader.field != object_field::kVectors)
      pb::put(out, reader.field, reader.bytes);
  }
  return std::string(out.text());
}

Failure ObjectMessages::append(const Value* row, int& column, ByteBuffer& out) {
  column = table_.key.empty() ? -1 : static_cast<int>(table_.key[0]);
  const std::optional<Uuid> id = ids_.of(row);
  if (!id) return Failure::kRequired;
  id_ = uuid_text(id->data());
  pb::put(out, object_field::kId, id_);
  pb::put(out, object_field::kClass, layout_.class_name);
  if (!layout_.tenant.empty()) pb::put(out, object_field::kTenant, layout_.tenant);
  fields_.clear();
  properties_.clear();
  for (size_t i = 0; i < layout_.slots.size(); ++i) {
    const SlotLayout& slot = layout_.slots[i];
    if (slot.form == ObjectForm::kId || slot.form == ObjectForm::kReference || row[i].absent())
      continue;
    column = static_cast<int>(i);
    const Failure failure = slot.form == ObjectForm::kVector
                                ? add_vectors(slot, row[i], out)
                                : add_property(slot, table_.columns[i].type, row[i]);
    if (failure != Failure::kNone) return failure;
  }
  pb::put(properties_, properties_field::kFields, fields_.text());
  pb::put(out, object_field::kProperties, properties_.text());
  return Failure::kNone;
}

/// By the digits that REST would send, so that both give the same double.
Failure ObjectMessages::take_number(const Value& value, double& out) {
  text_.clear();
  const Failure failure = append_number(value, text_);
  if (failure != Failure::kNone) return failure;
  const std::string_view digits = text_.text();
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return error == std::errc() && end == digits.data() + digits.size() ? Failure::kNone
                                                                      : Failure::kOutOfRange;
}

Failure ObjectMessages::add_property(const SlotLayout& slot, const ColumnType& type,
                                     const Value& value) {
  if (slot.array) return add_array(slot, type, value);
  Failure failure = Failure::kNone;
  value_.clear();
  if (slot.form == ObjectForm::kBool) {
    pb::put_tag(value_, value_field::kBool, pb::kVarint);
    value_.push(value.i64 != 0 ? 1 : 0);
  } else if (slot.form == ObjectForm::kInt || slot.form == ObjectForm::kNumber) {
    double number = 0;
    failure = take_number(value, number);
    pb::put_tag(value_, value_field::kNumber, pb::kFixed64);
    value_.append_le(number);
  } else {
    text_.clear();
    failure = append_plain(slot.form, type, value, text_);
    pb::put(value_, value_field::kText, text_.text());
  }
  entry_.clear();
  pb::put(entry_, entry_field::kName, slot.name);
  pb::put(entry_, entry_field::kValue, value_.text());
  pb::put(fields_, entry_field::kField, entry_.text());
  return failure;
}

Failure ObjectMessages::add_array(const SlotLayout& slot, const ColumnType& type,
                                  const Value& value) {
  scratch_.reset();
  PgArrayReader reader(value.bytes());
  if (reader.dimensions() > 1) return Failure::kDimensions;
  const ColumnType element = type.element_type();
  const uint32_t list = list_of(slot.form);
  entry_.clear();
  value_.clear();
  bool any = false;
  for (; reader.next(scratch_); any = true) {
    const Value& one = reader.value();
    if (one.absent()) return Failure::kBadElement;
    Failure failure = Failure::kNone;
    double number = 0;
    if (slot.form == ObjectForm::kBool) {
      value_.push(one.i64 != 0 ? 1 : 0);
    } else if (slot.form == ObjectForm::kInt) {
      failure = take_number(one, number);
      pb::put_varint(value_, static_cast<uint64_t>(one.i64));
    } else if (slot.form == ObjectForm::kNumber) {
      failure = take_number(one, number);
      value_.append_le(number);
    } else {
      text_.clear();
      failure = append_plain(slot.form, element, one, text_);
      pb::put(entry_, list_field::kValues, text_.text());
    }
    if (failure != Failure::kNone) return failure;
  }
  if (reader.malformed()) return Failure::kMalformed;
  if (!any) {
    pb::put(properties_, properties_field::kEmpty, slot.name);
    return Failure::kNone;
  }
  if (list != properties_field::kTexts) pb::put(entry_, list_field::kValues, value_.text());
  pb::put(entry_, list_field::kName, slot.name);
  pb::put(properties_, list, entry_.text());
  return Failure::kNone;
}

bool ObjectMessages::take_vector(const Value& value) {
  std::span<const float> floats;
  if (!take_floats(value, room_, floats)) return false;
  vector_.append(text_of(floats));
  return true;
}

Failure ObjectMessages::add_vectors(const SlotLayout& slot, const Value& value, ByteBuffer& out) {
  vector_.clear();
  if (!slot.array) {
    if (!take_vector(value)) return Failure::kDimensions;
    if (slot.name.empty()) {
      pb::put(out, object_field::kVector, vector_.text());
      return Failure::kNone;
    }
  } else {
    // {"[1,2]","[3,4]"}
    std::string_view text = value.text();
    size_t dimensions = 0;
    for (size_t at = 0; (at = text.find('[')) != std::string_view::npos;) {
      const size_t end = text.find(']', at);
      if (end == std::string_view::npos) return Failure::kBadElement;
      const size_t before = vector_.size();
      // How long each is stands before the first.
      if (before == 0) vector_.append_le(uint16_t{0});
      const size_t begin = vector_.size();
      if (!take_vector(Value::of(ValueType::kPgText, text.substr(at, end + 1 - at))))
        return Failure::kBadElement;
      const size_t count = (vector_.size() - begin) / sizeof(float);
      if (count > UINT16_MAX || (before != 0 && count != dimensions)) return Failure::kDimensions;
      dimensions = count;
      text.remove_prefix(end + 1);
    }
    if (vector_.empty()) return Failure::kDimensions;
    store_le(vector_.data(), static_cast<uint16_t>(dimensions));
  }
  entry_.clear();
  pb::put(entry_, vectors_field::kName, slot.name);
  pb::put(entry_, vectors_field::kBytes, vector_.text());
  pb::put_tag(entry_, vectors_field::kType, pb::kVarint);
  pb::put_varint(entry_, slot.array ? vectors_field::kMany : vectors_field::kOne);
  pb::put(out, object_field::kVectors, entry_.text());
  return Failure::kNone;
}

std::optional<std::vector<BatchRefusal>> read_reply(std::string_view message) {
  std::vector<BatchRefusal> out;
  pb::Reader reader(message);
  while (reader.next()) {
    if (reader.field != reply_field::kErrors) continue;
    BatchRefusal& error = out.emplace_back();
    pb::Reader inner(reader.bytes);
    while (inner.next()) {
      if (inner.field == reply_field::kIndex) error.object = inner.number;
      if (inner.field == reply_field::kError) error.reason = inner.bytes;
    }
    if (inner.broken()) return std::nullopt;
  }
  if (reader.broken()) return std::nullopt;
  // One that is named twice was refused once.
  std::ranges::stable_sort(out, {}, &BatchRefusal::object);
  const auto again = std::ranges::unique(out, {}, &BatchRefusal::object);
  out.erase(again.begin(), again.end());
  return out;
}

}  // namespace lugger
