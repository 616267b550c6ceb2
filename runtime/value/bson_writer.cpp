#include "value/bson_writer.hpp"

#include <charconv>

#include "base/error.hpp"
#include "value/marked.hpp"

namespace lugger {
namespace {

constexpr uint8_t kDocumentType = 0x03, kArrayType = 0x04, kBinaryType = 0x05;
constexpr uint8_t kSubtypeUuid = 4;

uint8_t bson_type(ValueType type) {
  switch (type) {
    case ValueType::kDouble: return 0x01;
    case ValueType::kString: return 0x02;
    case ValueType::kDocument: return kDocumentType;
    case ValueType::kArray: return kArrayType;
    case ValueType::kBinary:
    case ValueType::kUuid: return kBinaryType;
    case ValueType::kUndefined: return 0x06;
    case ValueType::kObjectId: return 0x07;
    case ValueType::kBool: return 0x08;
    case ValueType::kDate: return 0x09;
    case ValueType::kNull: return 0x0A;
    case ValueType::kRegex: return 0x0B;
    case ValueType::kDbPointer: return 0x0C;
    case ValueType::kCode: return 0x0D;
    case ValueType::kSymbol: return 0x0E;
    case ValueType::kCodeWithScope: return 0x0F;
    case ValueType::kInt32: return 0x10;
    case ValueType::kTimestamp: return 0x11;
    case ValueType::kInt64: return 0x12;
    case ValueType::kDecimal: return 0x13;
    case ValueType::kMaxKey: return 0x7F;
    case ValueType::kMinKey: return 0xFF;
    default:
      if (is_marked_type(type)) return kBinaryType;
      raise(Code::kBug, "BSON has no type for a value of type {}", type_word(type));
  }
}

}  // namespace

void BsonWriter::open_here() {
  open_.push_back({out_->size(), 0});
  out_->append_le<int32_t>(0);
}

void BsonWriter::header(uint8_t type, std::string_view name) {
  uint8_t* to = out_->room(name.size() + 2);
  to[0] = type;
  copy_short(to + 1, name.data(), name.size());
  to[name.size() + 1] = 0;
  out_->advance(name.size() + 2);
}

void BsonWriter::index_header(uint8_t type) {
  char digits[12];
  const auto end = std::to_chars(digits, digits + sizeof digits, open_.back().next_index++).ptr;
  header(type, {digits, static_cast<size_t>(end - digits)});
}

void BsonWriter::append_doubles(std::span<const double> numbers) {
  constexpr uint8_t kDoubleType = 0x01;
  constexpr size_t kMostDigits = 7;  // they and their end fit into a word
  constexpr uint32_t kShortIndexes = 10'000'000;
  uint32_t& index = open_.back().next_index;
  if (index + numbers.size() > kShortIndexes) {
    for (const double number : numbers) append(Value::of_double(number));
    return;
  }
  uint8_t* const room = out_->room(numbers.size() * (2 + kMostDigits + sizeof(double)));
  uint8_t* to = room;
  uint64_t text = 0;
  size_t size = 0, shift = 0;
  for (const double number : numbers) {
    // Indexes follow each other: nine times of ten only the last digit differs.
    if (size != 0 && (text >> shift & 0xFF) != '9') {
      text += uint64_t{1} << shift;
    } else {
      char digits[sizeof text] = {};
      size = static_cast<size_t>(std::to_chars(digits, digits + kMostDigits, index).ptr - digits);
      shift = 8 * (size - 1);
      text = load_le<uint64_t>(digits);
    }
    to[0] = kDoubleType;
    store_le(to + 1, text);
    store_le(to + 2 + size, number);
    to += 2 + size + sizeof number;
    ++index;
  }
  out_->advance(static_cast<size_t>(to - room));
}

void BsonWriter::begin_document() {
  if (!open_.empty()) index_header(kDocumentType);
  open_here();
}

void BsonWriter::begin_array() {
  if (!open_.empty()) index_header(kArrayType);
  open_here();
}

void BsonWriter::begin_document(std::string_view name) {
  header(kDocumentType, name);
  open_here();
}

void BsonWriter::begin_array(std::string_view name) {
  header(kArrayType, name);
  open_here();
}

void BsonWriter::end() {
  out_->push(0);
  const size_t at = open_.back().at;
  open_.pop_back();
  const size_t size = out_->size() - at;
  if (size > INT32_MAX)
    raise(Code::kParse, "a document of {} bytes is larger than BSON allows", size);
  store_le(out_->data() + at, static_cast<int32_t>(size));
}

void BsonWriter::append(std::string_view name, const Value& value) {
  header(bson_type(value.type), name);
  payload(value);
}

void BsonWriter::append(const Value& value) {
  index_header(bson_type(value.type));
  payload(value);
}

void BsonWriter::append_string(std::string_view text) {
  uint8_t* to = out_->room(text.size() + 5);
  store_le(to, static_cast<int32_t>(text.size() + 1));
  copy_short(to + 4, text.data(), text.size());
  to[text.size() + 4] = 0;
  out_->advance(text.size() + 5);
}

void BsonWriter::payload(const Value& value) {
  switch (value.type) {
    case ValueType::kDouble: return out_->append_le(value.f64);
    case ValueType::kString:
    case ValueType::kCode:
    case ValueType::kSymbol: return append_string(value.text());
    case ValueType::kBinary: {
      const int32_t size = static_cast<int32_t>(value.size);
      const bool old = value.aux == 2;
      out_->append_le(old ? size + 4 : size);
      out_->push(static_cast<uint8_t>(value.aux));
      if (old) out_->append_le(size);
      return out_->append(value.bytes());
    }
    case ValueType::kUuid:
      out_->append_le(static_cast<int32_t>(value.size));
      out_->push(kSubtypeUuid);
      return out_->append(value.bytes());
    case ValueType::kBool: return out_->push(value.i64 != 0 ? 1 : 0);
    case ValueType::kInt32: return out_->append_le(static_cast<int32_t>(value.i64));
    case ValueType::kDate:
    case ValueType::kTimestamp:
    case ValueType::kInt64: return out_->append_le(value.i64);
    case ValueType::kUndefined:
    case ValueType::kNull:
    case ValueType::kMinKey:
    case ValueType::kMaxKey: return;
    default:
      if (is_marked_type(value.type)) return append_marked(value, *out_);
      return out_->append(value.bytes());  // stored as BSON has it
  }
}

}  // namespace lugger
