#include <simdjson.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "value/extended_json.hpp"
#include "value/json_reader.hpp"
#include "value/json_tolerant.hpp"

namespace lugger {

std::string bson_from_json(std::string_view json, JsonNumbers numbers) {
  simdjson::dom::parser parser;
  if (parser.allocate(json.size() + 64, json::kParserDepth) != simdjson::SUCCESS)
    raise(Code::kParse, "too much JSON");
  simdjson::dom::element root;
  std::string text(json);
  const bool exact = numbers == JsonNumbers::kExact && json::may_hold_long_number(text);
  if (exact || json::may_hold_tiny_number(text) || json::may_hold_minus_zero(text) ||
      parser.parse(text).get(root) != simdjson::SUCCESS) {
    text.clear();
    try {
      json::rewrite_tolerant(json, text, numbers);
    } catch (const json::Mistake& mistake) {
      raise(Code::kParse, "JSON, byte {}: {}", mistake.offset + 1, mistake.message);
    }
    const simdjson::error_code error = parser.parse(text).get(root);
    if (error != simdjson::SUCCESS) raise(Code::kParse, "JSON: {}", simdjson::error_message(error));
  }
  ByteBuffer out, scratch;
  try {
    json::ExtendedJsonWriter(scratch).write_root(root, out);
  } catch (const json::WrapperMistake& mistake) {
    raise(Code::kParse, "{}, found {}", mistake.message, quoted_excerpt(json, 60));
  }
  return std::string(out.text());
}

}  // namespace lugger
