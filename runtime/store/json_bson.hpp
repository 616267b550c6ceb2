// JSON that a store sent, as BSON.
#pragma once
#include <simdjson.h>

#include <string_view>

#include "value/bson_writer.hpp"

namespace lugger {

/// Writes the values of one object. A store derives from it what its types mean.
class JsonBson {
 public:
  using Json = simdjson::ondemand::value;
  explicit JsonBson(ByteBuffer& out) : writer_(out) {}
  virtual ~JsonBson() = default;

  BsonWriter& writer() noexcept { return writer_; }
  /// `name` nullptr: an element of the array under way. `type` is the store's own word for what is
  /// expected, "" when it has none. Error{read} for what is nested too deep.
  void scalar(const std::string_view* name, std::string_view type, Json value, int level = 0);
  /// [1, 2.5], or [[...], [...]] of a vector that is many.
  void vector(std::string_view name, Json value) {
    vector_text(name, simdjson::ondemand::array(value.get_array()).raw_json());
  }

 protected:
  void put(const std::string_view* name, const Value& value) {
    name != nullptr ? writer_.append(*name, value) : writer_.append(value);
  }
  void vector_text(std::string_view name, std::string_view text);
  virtual void string(const std::string_view* name, std::string_view type, std::string_view text);
  virtual void number(const std::string_view* name, std::string_view type, Json value);

 private:
  void floats(std::string_view text);
  void document(const std::string_view* name, simdjson::ondemand::object object, int level);

  BsonWriter writer_;
  ByteBuffer floats_;
};

}  // namespace lugger
