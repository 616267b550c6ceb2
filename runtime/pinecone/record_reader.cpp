#include "pinecone/record_reader.hpp"

#include <cmath>

#include "base/error.hpp"
#include "store/json_bson.hpp"

namespace lugger {
namespace {

namespace json = simdjson::ondemand;

class RecordBson final : public JsonBson {
 public:
  using JsonBson::JsonBson;

  /// {indices: [...], values: [...]}, as it stands; of an empty one nothing.
  void sparse(std::string_view name, json::value value) {
    json::object sparse = value.get_object();
    std::vector<int64_t> indices;
    std::vector<double> values;
    for (auto field : sparse) {
      const std::string_view key = field.unescaped_key();
      if (field.value().is_null()) continue;
      const bool places = key == "indices";
      for (auto element : field.value().get_array()) {
        if (places) {
          indices.push_back(static_cast<int64_t>(element.get_uint64().value()));
        } else {
          values.push_back(static_cast<double>(static_cast<float>(element.get_double().value())));
        }
      }
    }
    if (indices.empty() && values.empty()) return;
    writer().begin_document(name);
    writer().begin_array("indices");
    for (const int64_t place : indices) writer().append(Value::of(ValueType::kInt64, place));
    writer().end();
    writer().begin_array("values");
    for (const double one : values) writer().append(Value::of_double(one));
    writer().end();
    writer().end();
  }

  void dense(std::string_view name, json::value value) {
    const std::string_view text = json::array(value.get_array()).raw_json();
    if (text.find_first_of("0123456789") != std::string_view::npos) vector_text(name, text);
  }

 private:
  /// Every number is a double there: 3 may come back as 3.0, and is the integer all the same.
  void number(const std::string_view* name, std::string_view, json::value value) override {
    constexpr double kMostExact = 9007199254740992;
    const double number = value.get_double();
    const bool whole = number == std::trunc(number) && std::abs(number) <= kMostExact &&
                       !(number == 0 && std::signbit(number));
    if (!whole) return put(name, Value::of_double(number));
    const auto integer = static_cast<int64_t>(number);
    const bool small = integer >= INT32_MIN && integer <= INT32_MAX;
    put(name, Value::of(small ? ValueType::kInt32 : ValueType::kInt64, integer));
  }
};

void append_fields(RecordBson& bson, const PineconeIndex& index, json::object record) {
  for (auto field : record) {
    const std::string key(std::string_view(field.unescaped_key()));
    json::value value = field.value();
    if (key == (index.documents ? "_id" : "id") || value.is_null()) continue;
    const std::string_view name = key;
    if (index.documents) {
      const PineconeField* known = index.field(key);
      const std::string_view type = known == nullptr ? std::string_view() : known->type;
      if (type == "dense_vector") {
        bson.dense(name, value);
      } else if (type == "sparse_vector") {
        bson.sparse(name, value);
      } else {
        bson.scalar(&name, type, value);
      }
    } else if (key == "values") {
      bson.dense(name, value);
    } else if (key == "sparseValues") {
      bson.sparse("sparse_values", value);
    } else if (key == "metadata") {
      bson.scalar(&name, {}, value);
    }
  }
}

}  // namespace

std::string_view namespace_field(const PineconeIndex& of) noexcept {
  return of.documents ? "_namespace" : "namespace";
}

RecordReader::RecordReader(PineconeIndex of, PineconeIds ids)
    : index_(std::move(of)), ids_(ids), namespace_field_(namespace_field(index_)) {}

void RecordReader::clear() noexcept {
  documents_.clear();
  places_.clear();
}

void RecordReader::read(std::string json_text, const std::string& name_space) {
  text_ = std::move(json_text);
  text_.reserve(text_.size() + simdjson::SIMDJSON_PADDING);
  const std::string shown = ids_.decoded(name_space);
  try {
    json::parser parser;
    json::document answer =
        parser.iterate(simdjson::padded_string_view(text_.data(), text_.size(), text_.capacity()));
    json::object all = answer[index_.documents ? "documents" : "vectors"].get_object();
    for (auto field : all) {
      const std::string id(std::string_view(field.unescaped_key()));
      const size_t begin = documents_.size();
      RecordBson bson(documents_);
      bson.writer().begin_document();
      bson.writer().append("_id", Value::of(ValueType::kString, ids_.decoded(id)));
      bson.writer().append(namespace_field_, Value::of(ValueType::kString, shown));
      append_fields(bson, index_, field.value().get_object());
      bson.writer().end();
      places_[id] = {begin, documents_.size()};
    }
  } catch (const simdjson::simdjson_error& error) {
    raise(Code::kRead, "Pinecone sent records of {} that cannot be read: {}", index_.name,
          error.what());
  }
}

std::optional<Bytes> RecordReader::record(const std::string& id) const {
  const auto found = places_.find(id);
  if (found == places_.end()) return std::nullopt;
  const auto [begin, end] = found->second;
  return documents_.view().subspan(begin, end - begin);
}

}  // namespace lugger
