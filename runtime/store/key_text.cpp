#include "store/key_text.hpp"

#include <simdjson.h>

#include <algorithm>

#include "value/json_writer.hpp"

namespace lugger {

std::optional<std::string> key_text(std::span<const std::optional<std::string>> key) {
  if (std::ranges::any_of(key, [](const auto& part) { return !part; })) return std::nullopt;
  if (key.size() == 1) return key[0];
  std::string out;
  for (const auto& part : key) {
    out += out.empty() ? '[' : ',';
    write_json_string(*part, out);
  }
  return out + "]";
}

std::optional<std::vector<std::string>> parts_of_key_text(const std::string& text, size_t parts) {
  if (parts == 1) return std::vector{text};
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (parser.parse(text).get(array) != simdjson::SUCCESS || array.size() != parts)
    return std::nullopt;
  std::vector<std::string> out;
  for (const simdjson::dom::element& part : array) {
    std::string_view one;
    if (part.get(one) != simdjson::SUCCESS) return std::nullopt;
    out.emplace_back(one);
  }
  return out;
}

}  // namespace lugger
