#include "store/error_words.hpp"

#include <simdjson.h>

namespace lugger {

std::string words_of_error(const std::string& body) {
  constexpr size_t kMost = 300;
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  std::string_view words;
  if (parser.parse(body).get(json) == simdjson::SUCCESS &&
      (json["error"].at(0)["message"].get(words) == simdjson::SUCCESS ||
       json["error"]["message"].get(words) == simdjson::SUCCESS ||
       json["message"].get(words) == simdjson::SUCCESS))
    return std::string(words);
  return body.substr(0, kMost);
}

}  // namespace lugger
