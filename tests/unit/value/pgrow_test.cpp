#include <bit>

#include "base/text.hpp"
#include "catch.hpp"
#include "value/json_writer.hpp"
#include "value/looked_into.hpp"
#include "value/pgrow_reader.hpp"

using namespace lugger;

namespace {

std::string bytes(std::string_view hex) { return from_hex(hex).value(); }

/// A tuple of COPY BINARY from hex fields; "-" is NULL.
std::string tuple(const std::vector<std::string_view>& fields) {
  ByteBuffer out;
  out.append_be(static_cast<int16_t>(fields.size()));
  for (const std::string_view field : fields) {
    if (field == "-") {
      out.append_be(int32_t{-1});
      continue;
    }
    const std::string raw = bytes(field);
    out.append_be(static_cast<int32_t>(raw.size()));
    out.append(raw);
  }
  return std::string(out.text());
}

RowShape shape(const std::vector<std::pair<uint32_t, std::string>>& types) {
  RowShape out;
  for (const auto& [oid, name] : types)
    out.fields.push_back(
        {"f" + std::to_string(out.fields.size()), oid, name, pg_reads_as(oid, name)});
  return out;
}

Document document(const std::string& row, const RowShape& of) {
  return {reinterpret_cast<const uint8_t*>(row.data()), static_cast<uint32_t>(row.size()),
          Format::kPgRow, &of};
}

}  // namespace

TEST_CASE("types read as the values they are") {
  CHECK(pg_reads_as(23, "integer") == ValueType::kInt32);
  CHECK(pg_reads_as(1700, "numeric(12,2)") == ValueType::kNumeric);
  CHECK(pg_reads_as(3802, "jsonb") == ValueType::kJson);
  CHECK(pg_reads_as(1009, "text[]") == ValueType::kPgArray);
  CHECK(pg_reads_as(90001, "extensions.vector(3)") == ValueType::kVector);
  CHECK(pg_reads_as(90002, "halfvec") == ValueType::kHalfVector);
  CHECK(pg_reads_as(90003, "public.mood") == ValueType::kPgText);
  CHECK(pg_reads_as(90004, "vector[]") == ValueType::kPgText);
}

TEST_CASE("an array of many times nothing is refused, not written for ever") {
  const std::string array = bytes("0000000200000000000000177fffffff000000010000000000000001");
  const Value value = Value::of(ValueType::kPgArray, as_bytes(array));
  ByteBuffer out;
  CHECK(write_json(value, JsonStyle::kPlain, {}, out) == JsonFault::kMalformed);
}

TEST_CASE("the server's bytes of each type are read") {
  const RowShape of = shape({{23, "integer"},
                             {20, "bigint"},
                             {16, "boolean"},
                             {700, "real"},
                             {1700, "numeric"},
                             {25, "text"},
                             {1082, "date"},
                             {1184, "timestamptz"},
                             {3802, "jsonb"},
                             {2950, "uuid"},
                             {90001, "vector(3)"},
                             {90002, "halfvec(3)"},
                             {1560, "bit(5)"},
                             {17, "bytea"}});
  const std::string row = tuple(
      {"fffffff9", "7fffffffffffffff", "01", "3dcccccd", "000200000000000404d2162e", "5a6fc3ab",
       "ffffd533", "0000000000000001", "017b7d", "00112233445566778899aabbccddeeff",
       "000300003f800000c00000003f000000", "000300003c00c0003800", "00000005b0", "-"});
  Arena arena;
  const Document tuple_document = document(row, of);
  PgRowReader reader(tuple_document, arena);
  const auto next = [&]() -> const Value& {
    REQUIRE(reader.next());
    return reader.value();
  };
  CHECK(next().i64 == -7);
  CHECK(next().i64 == INT64_MAX);
  CHECK(next().i64 == 1);
  CHECK(next().f64 == static_cast<double>(0.1F));
  CHECK(reader.value().aux == kSingle);
  CHECK(next().size == 12);
  CHECK(next().text() == "Zo\xC3\xAB");
  CHECK(next().i64 == -10957);
  CHECK(next().type == ValueType::kMicros);
  CHECK(next().text() == "{}");
  CHECK(next().type == ValueType::kUuid);
  CHECK(load_le<float>(next().data + 4) == -2.0F);
  CHECK(load_le<uint16_t>(next().data + 2) == 0xC000);
  CHECK(next().size == 5);
  CHECK(next().type == ValueType::kNull);
  CHECK(reader.name() == "f13");
  CHECK_FALSE(reader.next());
  CHECK_FALSE(reader.malformed());
}

TEST_CASE("a NaN with other bits, which are other types to LuaJIT, is read as the usual one") {
  const RowShape of = shape({{701, "double precision"}, {700, "real"}});
  for (const auto& row :
       {tuple({"fffd8000deadbee8", "ffec0000"}), tuple({"7ff0000000000001", "7f800001"}),
        tuple({"ffffffffffffffff", "ffffffff"})}) {
    Arena arena;
    const Document tuple_document = document(row, of);
    PgRowReader reader(tuple_document, arena);
    for (int i = 0; i < 2; ++i) {
      REQUIRE(reader.next());
      CHECK(std::bit_cast<uint64_t>(reader.value().f64) == 0x7FF8000000000000);
    }
  }
}

TEST_CASE("a tuple that is cut, too long or of another shape is malformed, wherever it is cut") {
  const RowShape of = shape({{23, "integer"}, {25, "text"}, {1700, "numeric"}});
  const std::string row = tuple({"00000001", "6162", "00010000000000000001"});
  const auto malformed = [&](const std::string& bytes_of_row) {
    Arena arena;
    const Document tuple_document = document(bytes_of_row, of);
    PgRowReader reader(tuple_document, arena);
    while (reader.next()) {
    }
    return reader.malformed();
  };
  CHECK_FALSE(malformed(row));
  for (size_t cut = 0; cut < row.size(); ++cut) CHECK(malformed(row.substr(0, cut)));
  CHECK(malformed(row + "x"));
  CHECK(malformed(tuple({"00000001", "6162"})));
  CHECK(malformed(tuple({"000001", "6162", "-"})));
  CHECK(malformed(tuple({"00000001", "6162", "00020000000000000001"})));
}

TEST_CASE("arrays are walked, lying ones are not believed") {
  Arena arena;
  const std::string good =
      bytes("00000001000000010000001700000002000000010000000400000007ffffffff");
  PgArrayReader reader(as_bytes(good));
  CHECK(reader.element_oid() == 23);
  REQUIRE(reader.next(arena));
  CHECK(reader.value().i64 == 7);
  REQUIRE(reader.next(arena));
  CHECK(reader.value().type == ValueType::kNull);
  CHECK_FALSE(reader.next(arena));
  CHECK_FALSE(reader.malformed());
  for (size_t cut = 0; cut < good.size(); ++cut) {
    PgArrayReader short_reader(as_bytes(std::string_view(good).substr(0, cut)));
    while (short_reader.next(arena)) {
    }
    CHECK(short_reader.malformed());
  }
  const std::string huge = bytes("0000000200000000000000177fffffff000000017fffffff00000001");
  CHECK(PgArrayReader(as_bytes(huge)).malformed());
}

TEST_CASE("paths lead into json and arrays of a row") {
  const RowShape of = shape({{3802, "jsonb"}, {114, "json"}, {90003, "public.mood[]"}});
  const std::string plain = R"({"a":{"b":[1.50,null]},"n":12345678901234567890123456789012345678})";
  const std::string moods = R"({"so, \"so\"",NULL,"NULL",{a}})";
  const std::string row =
      tuple({"01" + to_hex(as_bytes(plain)), to_hex(as_bytes(std::string_view(R"( [7] )"))),
             to_hex(as_bytes(moods))});
  const Document made = document(row, of);
  Arena arena;
  const auto at = [&](const std::vector<std::string>& path) { return value_at(made, path, arena); };
  CHECK(at({"f0", "a", "b", "0"}).f64 == 1.5);
  CHECK(at({"f0", "a", "b", "1"}).type == ValueType::kNull);
  CHECK(at({"f0", "a", "c"}).type == ValueType::kMissing);
  CHECK(at({"f0", "n"}).type == ValueType::kNumeric);
  CHECK(at({"f1", "0"}).i64 == 7);
  CHECK(at({"f1"}).type == ValueType::kArray);
  CHECK(at({"f2"}).type == ValueType::kPgText);
  CHECK(at({"f2", "0"}).text() == R"(so, "so")");
  CHECK(at({"f2", "1"}).type == ValueType::kNull);
  CHECK(at({"f2", "2"}).text() == "NULL");
  CHECK(at({"f2", "3", "0"}).text() == "a");
  CHECK(at({"none", "x"}).type == ValueType::kMissing);
}

TEST_CASE("elements of an array with two dimensions are arrays; one cut short is malformed") {
  const std::string grid = bytes(
      "00000002000000000000001700000002000000010000000200000001"
      "0000000400000001000000040000000200000004000000030000000400000004");
  Arena arena;
  const Value array = Value::of(ValueType::kPgArray, as_bytes(grid));
  int sum = 0, rows = 0;
  ElementReader reader(array, arena);
  for (; reader.next(); ++rows) {
    CHECK(reader.name() == std::to_string(rows));
    for (ElementReader inner(reader.value(), arena); inner.next();)
      sum += static_cast<int>(inner.value().i64) * (rows + 1);
  }
  CHECK((rows == 2 && sum == 17 && !reader.malformed()));
  for (size_t size = 12; size < grid.size(); ++size) {
    ElementReader cut(Value::of(ValueType::kPgArray, as_bytes(grid).first(size)), arena);
    while (cut.next()) {
    }
    CHECK(cut.malformed());
  }
}

TEST_CASE("text of an array that is none stays text") {
  Arena arena;
  const RowShape::Field field{"f", 90003, "mood[]", ValueType::kPgText};
  for (const char* text : {"", "a", "{", "{a", "{a}}", R"({"a)", "{a,{b}", "[0:1]", R"({a\)"}) {
    const Value value = Value::of(ValueType::kPgText, std::string_view(text));
    CHECK(looked_into(field, value, arena).type == ValueType::kPgText);
  }
  const Value bounds = Value::of(ValueType::kPgText, std::string_view("[0:1]={a,b}"));
  CHECK(looked_into(field, bounds, arena).type == ValueType::kArray);
}
