#include "value/extended_json.hpp"

#include <fmt/format.h>

#include <array>
#include <span>

#include "value/bson_reader.hpp"

namespace lugger::json {

using simdjson::dom::element_type;

void ExtendedJsonWriter::write_document(Object root, ByteBuffer& out) {
  writer_ = &root_;
  objects_ = 1;
  current_ = 0;
  met_zero_ = met_whole_zero_ = false;
  root_.reset(out);
  root_.begin_document();
  fields(root, 0);
  root_.end();
}

void ExtendedJsonWriter::write_root(Element root, ByteBuffer& out) {
  const size_t before = out.size();
  writer_ = &root_;
  objects_ = current_ = 0;
  root_.reset(out);
  root_.begin_document();
  value({""}, root, 0);
  root_.end();
  Object object;
  const Value only = bson_field({out.data() + before, out.size() - before}, "");
  if (root.get(object) != simdjson::SUCCESS || only.type != ValueType::kDocument) return;
  out.truncate(before);
  write_document(object, out);
}

void ExtendedJsonWriter::refuse(std::string_view expected) const {
  throw WrapperMistake{current_, fmt::format("expected {}", expected)};
}

void ExtendedJsonWriter::put(const Slot& slot, const Value& value) {
  slot.indexed ? writer_->append(value) : writer_->append(slot.name, value);
}

void ExtendedJsonWriter::number(const Slot& slot, int64_t integer) {
  met_whole_zero_ = met_whole_zero_ || integer == 0;
  const bool small = integer >= INT32_MIN && integer <= INT32_MAX;
  put(slot, Value::of(small ? ValueType::kInt32 : ValueType::kInt64, integer));
}

void ExtendedJsonWriter::floating(const Slot& slot, double number) {
  met_zero_ = met_zero_ || number == 0;
  put(slot, Value::of_double(number));
}

/// A decimal128 holds 34 digits; a longer number becomes PostgreSQL's numeric. False: the text is
/// not a number, or too large even for numeric.
bool ExtendedJsonWriter::decimal_text(const Slot& slot, std::string_view text) {
  constexpr size_t kDecimalDigits = 34;
  constexpr int64_t kMostWhole = 131072, kMostScale = 16383;  // of numeric
  if (parse_decimal(text, {}, digits_) != DecimalFault::kNone) return false;
  uint8_t bytes[16];
  if (digits_.digits.size() <= kDecimalDigits && decimal_to_bson(digits_, bytes)) {
    put(slot, Value::of(ValueType::kDecimal, Bytes(bytes)));
    return true;
  }
  const auto size = static_cast<int64_t>(digits_.digits.size());
  if (size - digits_.scale > kMostWhole || digits_.scale > kMostScale) return false;
  numerics_.reset();
  put(slot, Value::of(ValueType::kNumeric, decimal_to_numeric(digits_, 0, numerics_)));
  return true;
}

void ExtendedJsonWriter::value(const Slot& slot, Element element, int depth) {
  switch (element.type()) {
    case element_type::OBJECT: return object(slot, element.get_object().value_unsafe(), depth);
    case element_type::ARRAY: return array(slot, element.get_array().value_unsafe(), depth);
    case element_type::STRING:
      return put(slot, Value::of(ValueType::kString, element.get_string().value_unsafe()));
    case element_type::INT64: return number(slot, element.get_int64().value_unsafe());
    case element_type::UINT64:
      decimal_text(slot, std::to_string(element.get_uint64().value_unsafe()));
      return;
    case element_type::DOUBLE: return floating(slot, element.get_double().value_unsafe());
    case element_type::BOOL:
      return put(slot, Value::of(ValueType::kBool, element.get_bool().value_unsafe() ? 1 : 0));
    case element_type::NULL_VALUE: return put(slot, Value::null());
  }
}

void ExtendedJsonWriter::fields(Object object, int depth) {
  if (depth >= kMaxBsonDepth) refuse("at most 200 levels of nesting");
  const auto end = object.end();
  for (auto field = object.begin(); field != end; ++field) {
    const std::string_view key = field.key();
    const uint8_t* const name = as_bytes(key).data();
    if (find_zero(name, name + key.size()) != nullptr)
      refuse("field names without a NUL character");
    value({key}, field.value(), depth + 1);
  }
}

void ExtendedJsonWriter::array(const Slot& slot, simdjson::dom::array array, int depth) {
  if (depth >= kMaxBsonDepth) refuse("at most 200 levels of nesting");
  slot.indexed ? writer_->begin_array() : writer_->begin_array(slot.name);
  // Those of a vector are written together.
  std::array<double, 64> doubles;
  size_t count = 0;
  const auto write_doubles = [&] {
    if (count != 0) writer_->append_doubles(std::span(doubles).first(count));
    count = 0;
  };
  for (const Element element : array) {
    if (element.type() != element_type::DOUBLE) {
      write_doubles();
      value({"", true}, element, depth + 1);
      continue;
    }
    const double number = element.get_double().value_unsafe();
    met_zero_ = met_zero_ || number == 0;
    doubles[count++] = number;
    if (count == doubles.size()) write_doubles();
  }
  write_doubles();
  writer_->end();
}

void ExtendedJsonWriter::object(const Slot& slot, Object object, int depth) {
  current_ = objects_++;
  if (wrappers_ && wrapper(slot, object, depth)) return;
  slot.indexed ? writer_->begin_document() : writer_->begin_document(slot.name);
  fields(object, depth);
  writer_->end();
}

}  // namespace lugger::json
