// A command as BSON, built field by field: {find: "users", sort: {_id: 1}, ...}.
#pragma once
#include <string_view>

#include "value/bson_writer.hpp"

namespace lugger {

class MongoCommand {
 public:
  MongoCommand(std::string_view verb, const Value& what) {
    writer_.begin_document();
    writer_.append(verb, what);
  }
  MongoCommand(std::string_view verb, std::string_view what)
      : MongoCommand(verb, Value::of(ValueType::kString, what)) {}
  MongoCommand(std::string_view verb, int32_t what)
      : MongoCommand(verb, Value::of(ValueType::kInt32, what)) {}

  MongoCommand& add(std::string_view name, const Value& value) {
    writer_.append(name, value);
    return *this;
  }
  MongoCommand& add(std::string_view name, std::string_view text) {
    return add(name, Value::of(ValueType::kString, text));
  }
  MongoCommand& add(std::string_view name, const char* text) {
    return add(name, std::string_view(text));
  }
  MongoCommand& add(std::string_view name, int32_t number) {
    return add(name, Value::of(ValueType::kInt32, number));
  }
  MongoCommand& add(std::string_view name, int64_t number) {
    return add(name, Value::of(ValueType::kInt64, number));
  }
  MongoCommand& add(std::string_view name, bool flag) {
    return add(name, Value::of(ValueType::kBool, flag ? 1 : 0));
  }
  /// A whole document as a field.
  MongoCommand& add(std::string_view name, Bytes document) {
    return add(name, Value::of(ValueType::kDocument, document));
  }
  MongoCommand& begin(std::string_view name) {
    writer_.begin_document(name);
    return *this;
  }
  MongoCommand& begin_array(std::string_view name) {
    writer_.begin_array(name);
    return *this;
  }
  /// The next element of the array under way, a document.
  MongoCommand& begin() {
    writer_.begin_document();
    return *this;
  }
  /// The next element of the array under way.
  MongoCommand& push(const Value& value) {
    writer_.append(value);
    return *this;
  }
  MongoCommand& end() {
    writer_.end();
    return *this;
  }
  /// Ends the command; nothing is added afterwards. The bytes live as long as this.
  Bytes done() {
    writer_.end();
    return buffer_.view();
  }

 private:
  ByteBuffer buffer_;
  BsonWriter writer_{buffer_};
};

}  // namespace lugger
