#include <simdjson.h>

#include "store/error_words.hpp"
#include "weaviate/echo_filter.hpp"
#include "weaviate/object_call.hpp"

namespace lugger {
namespace {

/// Empty: the object stands.
std::string why_refused(const simdjson::dom::element& result) {
  std::string_view status, words;
  if (result["status"].get(status) != simdjson::SUCCESS) status = "none";
  simdjson::dom::array errors;
  const bool faulty = result["errors"]["error"].get(errors) == simdjson::SUCCESS;
  if (status == "SUCCESS" && !faulty) return "";
  const bool told = faulty && errors.at(0)["message"].get(words) == simdjson::SUCCESS;
  return told && !words.empty() ? std::string(words) : fmt::format("status {}", status);
}

std::optional<std::vector<BatchRefusal>> read_results(const EchoFilter& echo, size_t objects) {
  simdjson::dom::parser parser;
  simdjson::dom::array results;
  if (!echo.whole() || parser.parse(echo.results()).get(results) != simdjson::SUCCESS ||
      results.size() != objects)
    return std::nullopt;
  std::vector<BatchRefusal> out;
  size_t i = 0;
  for (const simdjson::dom::element& result : results) {
    if (std::string why = why_refused(result); !why.empty()) out.push_back({i, std::move(why)});
    ++i;
  }
  return out;
}

class RestCall final : public ObjectCall {
 public:
  explicit RestCall(WeaviateServer& server) : server_(server) {}

  BatchAnswer send(std::span<const std::string_view> objects) override {
    body_ = R"({"objects":[)";
    for (const std::string_view object : objects) {
      body_ += object;
      body_ += ',';
    }
    body_.back() = ']';
    body_ += '}';
    EchoFilter echo;
    const HttpAnswer answer = server_.client().send({"POST", "/v1/batch/objects", body_, &echo});
    if (!answer.good()) return {answer.status, words_of_error(answer.body)};
    return {answer.status, "", read_results(echo, objects.size())};
  }

  std::string id_of(std::string_view object) const override {
    simdjson::dom::parser parser;
    const simdjson::padded_string json(object);
    std::string_view id;
    const bool found = parser.parse(json)["id"].get(id) == simdjson::SUCCESS;
    return found ? std::string(id) : "";
  }

  ObjectVectors vectors_of(std::string_view object) const override {
    return vectors_of_json(object);
  }

  std::string without_vectors(std::string_view object) const override {
    simdjson::dom::parser parser;
    const simdjson::padded_string json(object);
    simdjson::dom::object members;
    if (parser.parse(json).get(members) != simdjson::SUCCESS) return std::string(object);
    std::string out = "{";
    for (const auto& [name, value] : members) {
      if (name == "vector" || name == "vectors") continue;
      if (out.size() > 1) out += ',';
      out += fmt::format(R"("{}":{})", name, simdjson::minify(value));
    }
    return out + '}';
  }

 private:
  WeaviateServer& server_;
  std::string body_;
};

}  // namespace

std::unique_ptr<ObjectCall> make_rest_call(WeaviateServer& server) {
  return std::make_unique<RestCall>(server);
}

}  // namespace lugger
