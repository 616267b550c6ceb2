// Any bytes as a tuple of COPY BINARY: the first byte says how many fields there are, then a byte a
// field which type it has. The readers must stay inside the bytes, and what they give can be shown.
#include <iterator>
#include <string>

#include "value/json_writer.hpp"
#include "value/pgrow_reader.hpp"

using namespace lugger;

namespace {

struct Type {
  uint32_t oid;
  const char* name;
};
constexpr Type kTypes[] = {
    {16, "boolean"},    {21, "smallint"},      {23, "integer"},
    {20, "bigint"},     {700, "real"},         {701, "double precision"},
    {1700, "numeric"},  {25, "text"},          {1043, "character varying"},
    {17, "bytea"},      {2950, "uuid"},        {1082, "date"},
    {1083, "time"},     {1114, "timestamp"},   {1184, "timestamp with time zone"},
    {1186, "interval"}, {114, "json"},         {3802, "jsonb"},
    {1009, "text[]"},   {1007, "integer[]"},   {1231, "numeric[]"},
    {90001, "vector"},  {90002, "halfvec"},    {90003, "sparsevec"},
    {1560, "bit"},      {1562, "bit varying"}, {90004, "mood"},
};
constexpr size_t kMostFields = 32;

RowShape shape_of(Bytes choices) {
  RowShape out;
  for (const uint8_t choice : choices) {
    const Type& type = kTypes[choice % std::size(kTypes)];
    out.fields.push_back({"f" + std::to_string(out.fields.size()), type.oid, type.name,
                          pg_reads_as(type.oid, type.name)});
  }
  return out;
}

void look_at(const Value& value, Arena& arena) {
  for (const JsonStyle style : {JsonStyle::kPlain, JsonStyle::kCanonical}) value_json(value, style);
  if (value.type != ValueType::kPgArray) return;
  PgArrayReader elements(value.bytes());
  while (elements.next(arena)) value_json(elements.value(), JsonStyle::kPlain);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t fields = data[0] % kMostFields;
  if (size < 1 + fields) return 0;
  const RowShape shape = shape_of({data + 1, fields});
  const std::string exact(reinterpret_cast<const char*>(data) + 1 + fields, size - 1 - fields);
  const Document document{reinterpret_cast<const uint8_t*>(exact.data()),
                          static_cast<uint32_t>(exact.size()), Format::kPgRow, &shape};
  Arena arena(4096);
  PgRowReader reader(document, arena);
  while (reader.next()) look_at(reader.value(), arena);
  document_json(document, JsonStyle::kPlain);
  return 0;
}
