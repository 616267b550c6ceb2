#include "value/keep.hpp"

#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {
namespace {

constexpr std::string_view kMark = "$lugger", kRow = "row", kDocument = "document";

Value text_value(std::string_view text) { return Value::of(ValueType::kString, text); }

/// The first element's name is the mark.
bool is_marked(Bytes document) {
  BsonReader reader(document);
  return reader.next() && reader.name() == kMark;
}

void write_fields(BsonWriter& writer, const RowShape& shape) {
  writer.begin_array("fields");
  for (const RowShape::Field& field : shape.fields) {
    writer.begin_document();
    writer.append("name", text_value(field.name));
    writer.append("oid", Value::of(ValueType::kInt64, int64_t{field.type_oid}));
    writer.append("type", text_value(field.type_name));
    if (field.reads_as != pg_reads_as(field.type_oid, field.type_name))
      writer.append("as", Value::of(ValueType::kInt32, static_cast<int64_t>(field.reads_as)));
    writer.end();
  }
  writer.end();
}

Document copied(Bytes bytes, Format format, const RowShape* shape, Arena& arena) {
  return {arena.copy(bytes), static_cast<uint32_t>(bytes.size()), format, shape};
}

}  // namespace

std::string keep_document(const Document& document) {
  const bool row = document.format == Format::kPgRow;
  if (!row && !is_marked(document.bytes())) return std::string(as_text(document.bytes()));
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_document();
  writer.append(kMark, text_value(row ? kRow : kDocument));
  if (row) write_fields(writer, *document.shape);
  writer.append(row ? "tuple" : "bytes", Value::of(ValueType::kBinary, document.bytes()));
  writer.end();
  return std::string(out.text());
}

const RowShape* KeptDocuments::shape_of(Bytes fields) {
  if (const auto known = shapes_.find(as_text(fields)); known != shapes_.end())
    return known->second.get();
  auto shape = std::make_unique<RowShape>();
  for (BsonReader reader(fields); reader.next();) {
    if (reader.value().type != ValueType::kDocument) return nullptr;
    const Bytes described = reader.value().bytes();
    const Value name = bson_field(described, "name"), oid = bson_field(described, "oid"),
                type = bson_field(described, "type");
    if (name.type != ValueType::kString || oid.type != ValueType::kInt64 ||
        type.type != ValueType::kString)
      return nullptr;
    RowShape::Field& field = shape->fields.emplace_back();
    field.name = name.text();
    field.type_oid = static_cast<uint32_t>(oid.i64);
    field.type_name = type.text();
    field.reads_as = pg_reads_as(field.type_oid, field.type_name);
    const Value as = bson_field(described, "as");  // only the catalog knew it
    if (as.type == ValueType::kInt32 && as.i64 > 0 && as.i64 < kValueTypes)
      field.reads_as = static_cast<ValueType>(as.i64);
  }
  return shapes_.emplace(as_text(fields), std::move(shape)).first->second.get();
}

std::optional<Document> KeptDocuments::read(Bytes kept, Arena& arena) {
  if (kept.size() < 5 || load_le<uint32_t>(kept.data()) != kept.size()) return std::nullopt;
  if (!is_marked(kept)) return copied(kept, Format::kBson, nullptr, arena);
  const Value mark = bson_field(kept, kMark);
  if (validate_bson(kept) != BsonFault::kNone || mark.type != ValueType::kString)
    return std::nullopt;
  if (mark.text() == kDocument) {
    const Value bytes = bson_field(kept, "bytes");
    if (bytes.type != ValueType::kBinary) return std::nullopt;
    return copied(bytes.bytes(), Format::kBson, nullptr, arena);
  }
  const Value fields = bson_field(kept, "fields"), tuple = bson_field(kept, "tuple");
  if (mark.text() != kRow || fields.type != ValueType::kArray || tuple.type != ValueType::kBinary)
    return std::nullopt;
  const RowShape* shape = shape_of(fields.bytes());
  if (shape == nullptr) return std::nullopt;
  return copied(tuple.bytes(), Format::kPgRow, shape, arena);
}

}  // namespace lugger
