#include "store/json_bson.hpp"

#include <string>

#include "base/error.hpp"
#include "vector/elements.hpp"

namespace lugger {
namespace {

namespace json = simdjson::ondemand;

/// How deep objects inside objects may be nested, as in BSON.
constexpr int kMostLevels = 200;

}  // namespace

void JsonBson::vector_text(std::string_view name, std::string_view text) {
  if (text.find('[', 1) == std::string_view::npos) {
    floats(text);
    return writer_.append(name, Value::of(ValueType::kVector, floats_.view()));
  }
  writer_.begin_array(name);
  for (size_t from = text.find('[', 1); from != std::string_view::npos;
       from = text.find('[', from + 1)) {
    const size_t end = std::min(text.find(']', from), text.size() - 1);
    floats(text.substr(from, end + 1 - from));
    writer_.append(Value::of(ValueType::kVector, floats_.view()));
  }
  writer_.end();
}

void JsonBson::floats(std::string_view text) {
  floats_.clear();
  const VectorFault fault = each_in_text(text, [&](double number) {
    floats_.append_le(static_cast<float>(number));
    return true;
  });
  if (fault != VectorFault::kNone) raise(Code::kRead, "a vector is no list of numbers");
}

void JsonBson::scalar(const std::string_view* name, std::string_view type, Json value, int level) {
  if (level > kMostLevels) raise(Code::kRead, "nested deeper than {} levels", kMostLevels);
  switch (value.type()) {
    case json::json_type::object: return document(name, value.get_object(), level);
    case json::json_type::array:
      name != nullptr ? writer_.begin_array(*name) : writer_.begin_array();
      for (auto element : value.get_array()) scalar(nullptr, type, element.value(), level + 1);
      return writer_.end();
    case json::json_type::string: return string(name, type, value.get_string());
    case json::json_type::boolean:
      return put(name, Value::of(ValueType::kBool, value.get_bool().value() ? 1 : 0));
    case json::json_type::null: return put(name, Value::null());
    case json::json_type::number: return number(name, type, value);
  }
}

void JsonBson::string(const std::string_view* name, std::string_view, std::string_view text) {
  put(name, Value::of(ValueType::kString, text));
}

void JsonBson::number(const std::string_view* name, std::string_view, Json value) {
  int64_t integer = 0;
  if (value.get_int64().get(integer) == simdjson::SUCCESS) {
    const bool small = integer >= INT32_MIN && integer <= INT32_MAX;
    return put(name, Value::of(small ? ValueType::kInt32 : ValueType::kInt64, integer));
  }
  put(name, Value::of_double(value.get_double()));
}

void JsonBson::document(const std::string_view* name, json::object object, int level) {
  name != nullptr ? writer_.begin_document(*name) : writer_.begin_document();
  for (auto field : object) {
    const std::string key(std::string_view(field.unescaped_key()));
    if (key.find('\0') != std::string::npos)
      raise(Code::kRead, "a field's name holds a NUL character");
    const std::string_view shown = key;
    scalar(&shown, {}, field.value(), level + 1);
  }
  writer_.end();
}

}  // namespace lugger
