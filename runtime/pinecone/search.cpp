#include "pinecone/search.hpp"

#include <simdjson.h>

#include <algorithm>
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
      : data_(data, of.documents),
        index_(std::move(of)),
        ids_(ids),
        name_space_(std::move(name_space)),
        key_(spec.key.empty() ? std::vector<std::string>{"id"} : spec.key),
        documents_(spec.documents) {
    if (index_.documents) field_ = searched_field(spec.vector);
    if (!index_.dense && !index_.documents)
      raise(Code::kConfig, "{} holds sparse vectors alone, which are not searched here",
            index_.name);
    metric_ = metric_of(metric_of_pinecone(field_.metric.empty() ? index_.metric : field_.metric));
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
    std::string body =
        index_.documents ? documents_query(numbers.text(), k) : vectors_query(numbers.text(), k);
    if (!filter.empty()) {
      body += R"(,"filter":{"$and":[)";
      for (size_t i = 0; i < filter.size(); ++i)
        body += fmt::format("{}{{{}:{}}}", i == 0 ? "" : ",", json_string(filter[i].first),
                            filter_value(filter[i].second));
      body += "]}";
    }
    const std::string answer = data_.query(name_space_, body + "}");
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
  /// The one that is named, or the only one.
  PineconeField searched_field(const std::string& name) const {
    std::vector<PineconeField> dense;
    for (const PineconeField& field : index_.fields)
      if (field.type == "dense_vector" && (name.empty() || field.name == name))
        dense.push_back(field);
    if (dense.size() == 1) return dense[0];
    throw Error(Code::kConfig,
                fmt::format("the index {} has {} dense vectors{}", index_.name, dense.size(),
                            name.empty() ? "" : " called " + name),
                "name the one that is searched");
  }

  std::string vectors_query(std::string_view numbers, size_t k) const {
    std::string out =
        fmt::format(R"({{"topK":{},"vector":{},"includeMetadata":{})", k, numbers, documents_);
    if (!name_space_.empty()) out += R"(,"namespace":)" + json_string(name_space_);
    return out;
  }

  std::string documents_query(std::string_view numbers, size_t k) const {
    return fmt::format(
        R"({{"top_k":{},"score_by":[{{"type":"dense_vector","field":{},"values":{}}}])"
        R"(,"include_fields":[{}])",
        k, json_string(field_.name), numbers, documents_ ? R"("*")" : "");
  }

  Hit hit_of(const element& match) const {
    std::string_view id;
    double score = 0;
    const bool told = match[index_.documents ? "_id" : "id"].get(id) == simdjson::SUCCESS &&
                      match[index_.documents ? "_score" : "score"].get(score) == simdjson::SUCCESS;
    if (!told) raise(Code::kRead, "a match of {} has no id or no score", index_.name);
    // The square of the distance.
    if (metric_ == Metric::kL2) score = std::sqrt(std::max(score, 0.0));
    std::string document = "{}";
    element metadata;
    if (index_.documents) {
      document = simdjson::minify(match);
    } else if (match["metadata"].get(metadata) == simdjson::SUCCESS && metadata.is_object()) {
      document = simdjson::minify(metadata);
    }
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
  PineconeField field_;  // of a document index
  Metric metric_ = Metric::kCosine;
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
