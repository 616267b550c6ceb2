// Any bytes as BSON: validation, the reader and every JSON style must agree and must stay inside
// the bytes.
#include <cstdlib>
#include <vector>

#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/json_writer.hpp"

using namespace lugger;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Walks everything; false at any fault. Writes what it reads, so that the writer can be held
/// against it.
bool walk(Bytes document, int depth) {
  if (depth >= kMaxBsonDepth) return false;
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_document();
  BsonReader reader(document);
  bool whole = true;
  while (reader.next()) {
    const Value& value = reader.value();
    require(reader.element().data() + reader.element().size() < document.data() + document.size());
    writer.append(reader.name(), value);
    if (value.type == ValueType::kDocument || value.type == ValueType::kArray) {
      whole = walk(value.bytes(), depth + 1) && whole;
    } else if (value.type == ValueType::kCodeWithScope) {
      whole = walk(split_code_with_scope(value).second, depth + 1) && whole;
    }
  }
  writer.end();
  return whole && reader.fault() == BsonFault::kNone;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> exact(data, data + size);
  const Bytes bytes(exact);
  const bool valid = validate_bson(bytes) == BsonFault::kNone;
  require(walk(bytes, 0) == valid);
  const Document document{exact.data(), static_cast<uint32_t>(size)};
  const Value value = Value::of(ValueType::kDocument, bytes);
  Arena arena(64);
  for (const JsonStyle style :
       {JsonStyle::kCanonical, JsonStyle::kRelaxed, JsonStyle::kPlain, JsonStyle::kTyped}) {
    JsonPolicy lenient{JsonPolicy::Text::kReplace, JsonPolicy::Text::kStrip,
                       JsonPolicy::NonFinite::kNull};
    ByteBuffer buffer;
    ArenaWriter writer(arena, 8);
    const JsonFault fault = write_json(value, style, lenient, buffer);
    require((fault == JsonFault::kNone) == valid);
    require(write_json(value, style, lenient, writer) == fault);
    require(as_text(writer.finish()) == buffer.text());
    ByteBuffer strict;
    write_json(value, style, {}, strict);
    document_json(document, style);
  }
  return 0;
}
