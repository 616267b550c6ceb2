#include "change/metadata.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/compare.hpp"
#include "value/json_reader.hpp"
#include "value/json_writer.hpp"

namespace lugger {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;  // name, element

std::string_view text_field(Bytes document, std::string_view name) {
  const Value value = bson_field(document, name);
  return value.type == ValueType::kString ? value.text() : std::string_view();
}

/// Options and indexes while commands change them.
class Metadata {
 public:
  explicit Metadata(const std::string& json) {
    if (json.empty()) return;
    const std::string document = bson_from_json(json);
    BsonReader reader(as_bytes(document));
    while (reader.next()) {
      const Value& value = reader.value();
      if (reader.name() == "options" && value.type == ValueType::kDocument) {
        set_options(value.bytes(), {});
      } else if (reader.name() == "indexes" && value.type == ValueType::kArray) {
        BsonReader indexes(value.bytes());
        while (indexes.next()) add_index(indexes.value());
      } else {
        others_.emplace_back(reader.name(), as_text(reader.element()));
      }
    }
  }

  void apply(Bytes command) {
    BsonReader reader(command);
    if (!reader.next()) return;
    const std::string name(reader.name());
    if (name == "create") {
      create(command);
    } else if (name == "createIndexes") {
      add_index_fields(command, "createIndexes");
    } else if (name == "commitIndexBuild") {
      const Value indexes = bson_field(command, "indexes");
      if (indexes.type != ValueType::kArray) return;
      BsonReader each(indexes.bytes());
      while (each.next()) add_index(each.value());
    } else if (name == "collMod") {
      modify(command);
    } else if (name == "convertToCapped") {
      convert_to_capped(command);
    } else if (name.starts_with("drop") || name.starts_with("delete")) {
      drop_index(text_field(command, "index"));
    } else {
      add_index_fields(command, "ns");  // an insert into system.indexes
    }
  }

  std::string json(const Lineage& lineage) const {
    ByteBuffer out;
    BsonWriter writer(out);
    writer.begin_document();
    if (!options_.empty()) {
      writer.begin_document("options");
      for (const auto& [name, element] : options_) writer.append_element(as_bytes(element));
      writer.end();
    }
    writer.begin_array("indexes");
    for (const std::string& index : indexes_)
      writer.append(Value::of(ValueType::kDocument, as_bytes(index)));
    writer.end();
    const std::string_view collection = collection_of(lineage.ns);
    bool named = false, identified = false;
    for (const auto& [name, element] : others_) {
      named = named || name == "collectionName";
      identified = identified || name == "uuid";
      if (name == "collectionName") {
        writer.append(name, Value::of(ValueType::kString, collection));
      } else {
        writer.append_element(as_bytes(element));
      }
    }
    const std::string uuid = to_hex(as_bytes(lineage.uuid));
    if (!identified && !uuid.empty())
      writer.append("uuid", Value::of(ValueType::kString, std::string_view(uuid)));
    if (!named) writer.append("collectionName", Value::of(ValueType::kString, collection));
    writer.end();
    return document_json({out.data(), static_cast<uint32_t>(out.size())});
  }

  Value option(std::string_view name) const {
    for (const auto& [known, element] : options_) {
      if (known != name) continue;
      return value_of(element, name);
    }
    return {};
  }

 private:
  static std::string_view collection_of(std::string_view ns) {
    return ns.substr(std::min(ns.find('.') + 1, ns.size()));
  }

  static Value value_of(const std::string& element, std::string_view name) {
    ByteBuffer out;
    BsonWriter writer(out);
    writer.begin_document();
    writer.append_element(as_bytes(element));
    writer.end();
    return bson_field(out.view(), name);  // numbers and flags, which hold no bytes
  }

  void set_option(std::string_view name, Bytes element) {
    for (auto& [known, old] : options_) {
      if (known != name) continue;
      old = as_text(element);
      return;
    }
    options_.emplace_back(name, as_text(element));
  }

  void set_options(Bytes document, std::span<const std::string_view> except) {
    BsonReader reader(document);
    while (reader.next()) {
      if (std::find(except.begin(), except.end(), reader.name()) == except.end())
        set_option(reader.name(), reader.element());
    }
  }

  void create(Bytes command) {
    static constexpr std::array<std::string_view, 3> kNoOptions = {"create", "idIndex", "uuid"};
    set_options(command, kNoOptions);
    add_index(bson_field(command, "idIndex"));
  }

  void add_index(const Value& index) {
    if (index.type != ValueType::kDocument) return;
    const std::string_view name = text_field(index.bytes(), "name");
    for (std::string& known : indexes_) {
      if (text_field(as_bytes(known), "name") != name) continue;
      known = as_text(index.bytes());
      return;
    }
    indexes_.emplace_back(as_text(index.bytes()));
  }

  void add_index_fields(Bytes command, std::string_view except) {
    ByteBuffer out;
    BsonWriter writer(out);
    writer.begin_document();
    BsonReader reader(command);
    while (reader.next()) {
      if (reader.name() != except) writer.append_element(reader.element());
    }
    writer.end();
    add_index(Value::of(ValueType::kDocument, out.view()));
  }

  void drop_index(std::string_view wanted) {
    std::erase_if(indexes_, [&](const std::string& index) {
      const std::string_view name = text_field(as_bytes(index), "name");
      return name == wanted || (wanted == "*" && name != "_id_");
    });
  }

  void modify(Bytes command) {
    static constexpr std::array<std::string_view, 2> kNoOptions = {"collMod", "index"};
    set_options(command, kNoOptions);
    const Value index = bson_field(command, "index");
    if (index.type == ValueType::kDocument) modify_index(index.bytes());
  }

  void modify_index(Bytes change) {
    const std::string_view name = text_field(change, "name");
    const Value key = bson_field(change, "keyPattern");
    for (std::string& index : indexes_) {
      const Value known = bson_field(as_bytes(index), "key");
      const bool by_key =
          key.type == ValueType::kDocument && known.type == key.type && known.text() == key.text();
      if (!by_key && (name.empty() || text_field(as_bytes(index), "name") != name)) continue;
      index = changed_index(as_bytes(index), change);
    }
  }

  static std::string changed_index(Bytes index, Bytes change) {
    ByteBuffer out;
    BsonWriter writer(out);
    writer.begin_document();
    BsonReader reader(index);
    while (reader.next()) {
      if (bson_field(change, reader.name()).type == ValueType::kMissing || reader.name() == "name")
        writer.append_element(reader.element());
    }
    BsonReader changes(change);
    while (changes.next()) {
      if (changes.name() != "name" && changes.name() != "keyPattern")
        writer.append_element(changes.element());
    }
    writer.end();
    return std::string(out.text());
  }

  void convert_to_capped(Bytes command) {
    ByteBuffer out;
    BsonWriter writer(out);
    writer.begin_document();
    writer.append("capped", Value::of(ValueType::kBool, 1));
    const Value size = bson_field(command, "size");
    if (size.type != ValueType::kMissing) writer.append("size", size);
    writer.end();
    set_options(out.view(), {});
  }

  Fields options_, others_;
  std::vector<std::string> indexes_;
};

uint64_t count_of(const Value& value) noexcept {
  if (value.type == ValueType::kDouble)
    return value.f64 > 0 && value.f64 < 1e18 ? static_cast<uint64_t>(value.f64) : 0;
  const bool number = value.type == ValueType::kInt32 || value.type == ValueType::kInt64;
  return number && value.i64 > 0 ? static_cast<uint64_t>(value.i64) : 0;
}

}  // namespace

std::string metadata_after(const std::string& metadata_json, const Lineage& lineage) {
  if (metadata_json.empty() && lineage.commands.empty()) return {};
  Metadata metadata(metadata_json);
  for (const std::string& command : lineage.commands) metadata.apply(as_bytes(command));
  return metadata.json(lineage);
}

CappedLimits capped_limits(const std::string& metadata_json) {
  const Metadata metadata(metadata_json);
  CappedLimits out;
  out.capped = is_true(metadata.option("capped"));
  out.bytes = count_of(metadata.option("size"));
  out.documents = count_of(metadata.option("max"));
  return out;
}

}  // namespace lugger
