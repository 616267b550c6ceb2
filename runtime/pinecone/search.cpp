#include "pinecone/search.hpp"

#include <simdjson.h>

#include <cmath>

#include "plan/coerce.hpp"
#include "store/key_text.hpp"
#include "value/json_writer.hpp"

namespace lugger {
namespace {

using simdjson::dom::element;

std::string json_string(std::string_view text) {
  std::string out;
  write_json_string(text, out);
  return out;
}

/// As JSON where it reads as a number or a boolean, for the metadata has types.
std::string filter_value(const std::string& value) {
  simdjson::dom::parser parser;
  element json;
  const bool plain =
      parser.parse(value).get(json) == simdjson::SUCCESS && (json.is_number() || json.is_bool());
  if (!plain) return fmt::format(R"({{"$eq":{}}})", json_string(value));
  return fmt::format(R"({{"$in":[{},{}]}})", value, json_string(value));
}

class PineconeSearch final : public Search {
 public:
  PineconeSearch(const std::shared_ptr<HttpEndpoint>& data, PineconeIndex of, PineconeIds ids,
                 std::string name_space, const SearchSpec& spec)
      : data_(data, false),
        index_(std::move(of)),
        ids_(ids),
        name_space_(std::move(name_space)),
        key_(spec.key.empty() ? std::vector<std::string>{"id"} : spec.key),
        documents_(spec.documents),
        metric_(metric_of(metric_of_pinecone(index_.metric))) {
    if (!index_.dense)
      raise(Code::kConfig, "{} holds sparse vectors alone, which are not searched here",
            index_.name);
    if (!spec.metric || *spec.metric == metric_) return;
    throw Error(Code::kConfig,
                fmt::format("Pinecone searches {} by {}, not by {}", index_.name,
                            metric_word(metric_), metric_word(*spec.metric)),
                "compare both sides by the metric that their indexes have");
  }

  Metric metric() const noexcept override { return metric_; }
  const std::vector<std::string>& key() const noexcept override { return key_; }
  std::string how() override { return fmt::format("index {} ({})", index_.name, index_.metric); }

  std::vector<Hit> nearest(Floats query, size_t k, const SearchFilter& filter) override {
    ByteBuffer numbers;
    append_scalar_text(
        Value::of(ValueType::kVector, Bytes(reinterpret_cast<const uint8_t*>(query.data()),
                                            query.size() * sizeof(float))),
        numbers);
    std::string body = fmt::format(R"({{"topK":{},"vector":{},"includeMetadata":{})", k,
                                   numbers.text(), documents_);
    if (!name_space_.empty()) body += R"(,"namespace":)" + json_string(name_space_);
    if (!filter.empty()) {
      body += R"(,"filter":{"$and":[)";
      for (size_t i = 0; i < filter.size(); ++i)
        body += fmt::format("{}{{{}:{}}}", i == 0 ? "" : ",", json_string(filter[i].first),
                            filter_value(filter[i].second));
      body += "]}";
    }
    const std::string answer = data_.query(body + "}");
    element json;
    simdjson::dom::array matches;
    if (parser_.parse(answer).get(json) != simdjson::SUCCESS ||
        json["matches"].get(matches) != simdjson::SUCCESS)
      raise(Code::kRead, "{} cannot be searched: the answer has no matches", index_.name);
    std::vector<Hit> out;
    for (const element& match : matches) out.push_back(hit_of(match));
    return out;
  }

 private:
  Hit hit_of(const element& match) const {
    std::string_view id;
    double score = 0;
    if (match["id"].get(id) != simdjson::SUCCESS || match["score"].get(score) != simdjson::SUCCESS)
      raise(Code::kRead, "a match of {} has no id or no score", index_.name);
    // The square of the distance.
    if (metric_ == Metric::kL2) score = std::sqrt(std::max(score, 0.0));
    std::string document = "{}";
    element metadata;
    if (match["metadata"].get(metadata) == simdjson::SUCCESS && metadata.is_object())
      document = simdjson::minify(metadata);
    return {hit_key(key_of(ids_.decoded(id))), score, documents_ ? document : ""};
  }

  /// The namespace is a part of a row's key, and not of the id.
  std::vector<std::optional<std::string>> key_of(const std::string& id) const {
    const bool within = std::ranges::find(key_, "namespace") != key_.end();
    const size_t parts = key_.size() - (within ? 1 : 0);
    const auto of_id = parts_of_key_text(id, parts);
    std::vector<std::optional<std::string>> out;
    size_t next = 0;
    for (const std::string& name : key_) {
      if (within && name == "namespace") {
        out.emplace_back(ids_.decoded(name_space_));
      } else {
        out.push_back(of_id ? std::optional((*of_id)[next++]) : std::nullopt);
      }
    }
    return out;
  }

  PineconeData data_;
  const PineconeIndex index_;
  const PineconeIds ids_;
  const std::string name_space_;
  const std::vector<std::string> key_;
  const bool documents_;
  const Metric metric_;
  simdjson::dom::parser parser_;
};

}  // namespace

std::unique_ptr<Search> make_pinecone_search(const std::shared_ptr<HttpEndpoint>& data,
                                             const PineconeIndex& of, PineconeIds ids,
                                             const std::string& name_space,
                                             const SearchSpec& spec) {
  return std::make_unique<PineconeSearch>(data, of, ids, name_space, spec);
}

}  // namespace lugger
