#include "weaviate/object_reader.hpp"

#include <simdjson.h>

#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "store/json_bson.hpp"

namespace lugger {
namespace {

namespace json = simdjson::ondemand;

constexpr uint16_t kUuidBinary = 4;

/// Writes the values of one object.
class ObjectBson final : public JsonBson {
 public:
  using JsonBson::JsonBson;

  void property(std::string_view name, std::string_view type, json::value value) {
    if (value.type() == json::json_type::array) {
      if (type.ends_with("[]")) type.remove_suffix(2);
      writer().begin_array(name);
      for (auto element : value.get_array()) scalar(nullptr, type, element.value(), 1);
      return writer().end();
    }
    scalar(&name, type, value);
  }

  /// The ids of the objects that are referred to; where they may be of several classes, the beacons.
  void references(std::string_view name, bool several, json::value value) {
    writer().begin_array(name);
    for (auto element : value.get_array()) {
      const std::string_view beacon = element["beacon"].get_string();
      const std::string_view id = beacon.substr(beacon.rfind('/') + 1);
      Uuid uuid;
      if (!several && parse_uuid(id, uuid.data())) {
        writer().append(Value::of(ValueType::kBinary, Bytes(uuid), kUuidBinary));
      } else {
        writer().append(Value::of(ValueType::kString, beacon));
      }
    }
    writer().end();
  }

 private:
  void string(const std::string_view* name, std::string_view type, std::string_view text) override {
    if (type == "uuid") {
      Uuid uuid;
      if (parse_uuid(text, uuid.data()))
        return put(name, Value::of(ValueType::kBinary, Bytes(uuid), kUuidBinary));
    }
    if (type == "blob") {
      if (const std::optional<std::string> bytes = from_base64(text))
        return put(name, Value::of(ValueType::kBinary, as_bytes(*bytes)));
    }
    JsonBson::string(name, type, text);
  }

  void number(const std::string_view* name, std::string_view type, json::value value) override {
    // As a double "-0" keeps its sign.
    if (type != "number") return JsonBson::number(name, type, value);
    put(name, Value::of_double(value.get_double()));
  }
};

}  // namespace

ObjectFields::ObjectFields(const WeaviateClass& of)
    : vector("vector"),
      vectors("vectors"),
      tenant("tenant"),
      created("created"),
      updated("updated") {
  for (std::string* name : {&vector, &vectors, &tenant, &created, &updated}) {
    while (of.property(*name) != nullptr) name->insert(0, 1, '_');
  }
}

struct ObjectReader::Page {
  std::string text;
  json::parser parser;
  json::document document;
  json::array objects;
  json::array_iterator at, end;
  bool single = false, started = false, done = true;

  void load(std::string json_text) {
    text = std::move(json_text);
    text.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    document =
        parser.iterate(simdjson::padded_string_view(text.data(), text.size(), text.capacity()));
    started = done = false;
  }
};

ObjectReader::ObjectReader(WeaviateClass of, std::string tenant)
    : class_(std::move(of)),
      tenant_(std::move(tenant)),
      fields_(class_),
      page_(std::make_unique<Page>()) {}
ObjectReader::~ObjectReader() = default;

void ObjectReader::fail(std::string_view why) const {
  raise(Code::kRead, "the server sent objects of {} that cannot be read: {}", class_.name, why);
}

void ObjectReader::read_page(std::string json_text) {
  try {
    page_->single = false;
    page_->load(std::move(json_text));
    page_->objects = page_->document["objects"].get_array();
    page_->at = page_->objects.begin();
    page_->end = page_->objects.end();
  } catch (const simdjson::simdjson_error& error) {
    page_->done = true;
    fail(error.what());
  }
}

void ObjectReader::read_object(std::string json_text) {
  try {
    page_->single = true;
    page_->load(std::move(json_text));
  } catch (const simdjson::simdjson_error& error) {
    page_->done = true;
    fail(error.what());
  }
}

bool ObjectReader::next(ByteBuffer& out) {
  Page& page = *page_;
  if (page.done) return false;
  try {
    json::object object;
    if (page.single) {
      page.done = true;
      object = page.document.get_object();
    } else {
      if (page.started) ++page.at;
      page.started = true;
      if (!(page.at != page.end)) {
        page.done = true;
        return false;
      }
      object = (*page.at).get_object();
    }
    // Its fields come in any order, and the id goes first.
    const std::string_view id = object["id"].get_string();
    if (!parse_uuid(id, id_.data())) fail("an id is no UUID");
    ObjectBson bson(out);
    bson.writer().begin_document();
    bson.writer().append("_id", Value::of(ValueType::kBinary, Bytes(id_), kUuidBinary));
    json::object properties;
    if (object["properties"].get_object().get(properties) == simdjson::SUCCESS) {
      for (auto field : properties) {
        const std::string name(std::string_view(field.unescaped_key()));
        const WeaviateProperty* property = class_.property(name);
        if (property != nullptr && property->reference) {
          bson.references(name, property->type.find(',') != std::string::npos, field.value());
        } else {
          bson.property(name, property == nullptr ? std::string_view() : property->type,
                        field.value());
        }
      }
    }
    json::value vector;
    if (object["vector"].get(vector) == simdjson::SUCCESS && !vector.is_null())
      bson.vector(fields_.vector, vector);
    json::object vectors;
    if (object["vectors"].get_object().get(vectors) == simdjson::SUCCESS) {
      bson.writer().begin_document(fields_.vectors);
      for (auto field : vectors)
        bson.vector(std::string(std::string_view(field.unescaped_key())), field.value());
      bson.writer().end();
    }
    for (const auto& [field, name] : {std::pair{"creationTimeUnix", &fields_.created},
                                      std::pair{"lastUpdateTimeUnix", &fields_.updated}}) {
      int64_t time = 0;
      if (class_.times && object[field].get_int64().get(time) == simdjson::SUCCESS)
        bson.writer().append(*name, Value::of(ValueType::kDate, time));
    }
    if (!tenant_.empty())
      bson.writer().append(fields_.tenant, Value::of(ValueType::kString, tenant_));
    bson.writer().end();
    return true;
  } catch (const simdjson::simdjson_error& error) {
    page.done = true;
    fail(error.what());
  }
  return false;
}

}  // namespace lugger
