// How a document is named in messages, rejects and traces.
#include <algorithm>

#include "base/text.hpp"
#include "plan/plan.hpp"
#include "value/bson_reader.hpp"
#include "value/id_text.hpp"
#include "value/json_writer.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {

static std::string_view field_of(const std::string& column_name, const Mapping& mapping) {
  for (const Column& column : mapping.columns)
    if (column.name == column_name && !column.from.empty()) return column.from;
  return column_name;
}

/// What the key's columns come from, where all of it are fields of the document itself.
static std::string key_fields(Bytes document, const Mapping& mapping) {
  std::string out;
  for (const std::string& name : mapping.key) {
    const Value value = bson_field(document, field_of(name, mapping));
    if (value.type == ValueType::kMissing || value.type == ValueType::kNull) return {};
    if (!out.empty()) out += ",";
    out += value.type == ValueType::kString ? std::string(value.text())
                                            : value_json(value, JsonStyle::kPlain);
  }
  return out;
}

std::string document_id(const Document& document, const Mapping& mapping) {
  ByteBuffer text;
  if (document.format == Format::kBson) {
    const Value id = bson_field(document.bytes(), "_id");
    if (append_id_text(id, IdStyle::kSafe, text)) return std::string(text.text());
    std::string key = key_fields(document.bytes(), mapping);
    return key.empty() || !is_utf8(key) ? "?" : key;
  }
  Arena scratch(4096);
  PgRowReader reader(document, scratch);
  while (reader.next()) {
    const auto names_it = [&](const std::string& column) {
      return field_of(column, mapping) == reader.name();
    };
    const bool key = mapping.key.empty()
                         ? reader.index() == 0
                         : std::any_of(mapping.key.begin(), mapping.key.end(), names_it);
    if (!key) continue;
    if (!text.empty()) text.append(",");
    text.append(reader.value().type == ValueType::kNull
                    ? "null"
                    : value_json(reader.value(), JsonStyle::kPlain));
  }
  return text.empty() ? "?" : std::string(text.text());
}

}  // namespace lugger
