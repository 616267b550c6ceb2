#include "files/metadata.hpp"

#include "base/error.hpp"
#include "files/input.hpp"
#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"

namespace lugger {
namespace {

bool is_document_or_missing(const Value& value) {
  return value.type == ValueType::kDocument || value.type == ValueType::kMissing;
}

bool are_indexes(const Value& indexes) {
  if (indexes.type == ValueType::kMissing) return true;
  if (indexes.type != ValueType::kArray) return false;
  for (BsonReader reader(indexes.bytes()); reader.next();) {
    if (reader.value().type != ValueType::kDocument) return false;
    const Bytes index = reader.value().bytes();
    if (bson_field(index, "key").type != ValueType::kDocument ||
        bson_field(index, "name").type != ValueType::kString)
      return false;
  }
  return true;
}

Metadata damaged(const std::string& where, std::string_view why) {
  Metadata out;
  out.fault = fmt::format(
      "{} is not what mongodump writes ({}): the collection is read without its indexes and "
      "options",
      where, why);
  return out;
}

}  // namespace

Metadata metadata_from_json(std::string json, const std::string& where) {
  if (json.find_first_not_of(" \t\r\n") == std::string::npos) return damaged(where, "it is empty");
  std::string document;
  try {
    document = bson_from_json(json);
  } catch (const Error& error) {
    return damaged(where, error.message());
  }
  const Bytes bytes = as_bytes(document);
  if (json[json.find_first_not_of(" \t\r\n")] != '{') return damaged(where, "it is not a document");
  const Value name = bson_field(bytes, "collectionName"), type = bson_field(bytes, "type"),
              options = bson_field(bytes, "options");
  if (!is_document_or_missing(options)) return damaged(where, "its options are not a document");
  if (!are_indexes(bson_field(bytes, "indexes")))
    return damaged(where, "its indexes are not a list of documents with name and key");
  Metadata out;
  out.json = std::move(json);
  if (name.type == ValueType::kString) out.name = name.text();
  if (type.type == ValueType::kString && !type.text().empty()) {
    out.type = type.text();
  } else if (options.type == ValueType::kDocument) {  // dumps of before "type" was written
    const auto has = [&](std::string_view option) {
      return bson_field(options.bytes(), option).type != ValueType::kMissing;
    };
    if (has("viewOn")) out.type = "view";
    if (has("timeseries")) out.type = "timeseries";
  }
  return out;
}

Metadata metadata_from_file(const AllowedPath& path) {
  std::string json;
  try {
    json = read_small_file(path);
  } catch (const Error& error) {
    return damaged(path.text(), error.message());
  }
  return metadata_from_json(std::move(json), path.text());
}

}  // namespace lugger
