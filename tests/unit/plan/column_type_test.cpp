#include "plan/column_type.hpp"

#include "base/error.hpp"
#include "catch.hpp"
#include "plan/failure.hpp"

using namespace lugger;

namespace {

std::string refused(std::string_view spelled) {
  try {
    return "taken as " + parse_column_type(spelled).sql;
  } catch (const Error& error) {
    CHECK(error.code() == Code::kConfig);
    return error.what();
  }
}

}  // namespace

TEST_CASE("every spelling of a type is one kind and one DDL text") {
  const auto is = [](std::string_view spelled, Kind kind, std::string_view sql) {
    const ColumnType type = parse_column_type(spelled);
    INFO(spelled);
    CHECK(type.kind == kind);
    CHECK(type.sql == sql);
  };
  is("int", Kind::kInt4, "int4");
  is("INTEGER", Kind::kInt4, "int4");
  is(" bigint ", Kind::kInt8, "int8");
  is("double  precision", Kind::kFloat8, "float8");
  is("float(24)", Kind::kFloat4, "float4");
  is("float(25)", Kind::kFloat8, "float8");
  is("decimal(12, 2)", Kind::kNumeric, "numeric(12,2)");
  is("character varying(20)", Kind::kVarchar, "varchar(20)");
  is("char", Kind::kChar, "char");
  is("timestamp with time zone", Kind::kTimestamptz, "timestamptz");
  is("timestamp(3) with time zone", Kind::kTimestamptz, "timestamptz(3)");
  is("timestamp(3) without time zone", Kind::kTimestamp, "timestamp(3)");
  is("time(3) with time zone", Kind::kOther, "timetz(3)");
  is("bit varying(8)", Kind::kVarbit, "varbit(8)");
  is("vector(384)", Kind::kVector, "vector(384)");
  is("extensions.vector(3)", Kind::kVector, "extensions.vector(3)");
  is("inet", Kind::kOther, "inet");
  is("my_schema.mood", Kind::kOther, "my_schema.mood");
  is("\"Odd Type\"", Kind::kOther, "\"Odd Type\"");
  is("geometry(4326)", Kind::kOther, "geometry(4326)");
  is("mood[]", Kind::kOther, "mood[]");
  for (const char* name : {"tsvector",       "tsquery",       "inet",     "cidr",      "macaddr",
                           "macaddr8",       "money",         "xml",      "jsonpath",  "point",
                           "line",           "lseg",          "box",      "path",      "polygon",
                           "circle",         "oid",           "name",     "pg_lsn",    "int4range",
                           "int8range",      "numrange",      "tsrange",  "tstzrange", "daterange",
                           "int4multirange", "txid_snapshot", "regclass", "citext",    "hstore",
                           "ltree"})
    is(name, Kind::kOther, name);
}

TEST_CASE("numbers of a type, and arrays' elements") {
  const ColumnType numeric = parse_column_type("numeric(12,2)");
  CHECK((numeric.precision == 12 && numeric.scale == 2));
  CHECK(parse_column_type("char").length == 1);
  CHECK(parse_column_type("vector(384)").length == 384);
  const ColumnType array = parse_column_type("varchar(5)[]");
  CHECK(array.kind == Kind::kArray);
  CHECK(array.sql == "varchar(5)[]");
  const ColumnType element = array.element_type();
  CHECK(element.kind == Kind::kVarchar);
  CHECK(element.length == 5);
  CHECK(element.sql == "varchar(5)");
  CHECK(parse_column_type("int array").sql == "int4[]");
  CHECK(parse_column_type("text[3]").sql == "text[]");
}

TEST_CASE("the dimensions of an array's vectors bound no text") {
  const ColumnType type = parse_column_type("\"Ext x\".vector(2)[]");
  CHECK(type.kind == Kind::kOther);
  CHECK(type.length == 0);
  CHECK(type.sql == "\"Ext x\".vector(2)[]");
  CHECK(type.element_type().kind == Kind::kVector);
  CHECK(type.element_type().length == 2);
  CHECK(parse_column_type("halfvec[]").element_type().length == 0);
}

TEST_CASE("types of PGVecto.rs are those of its schema") {
  CHECK(parse_column_type("vecf16(3)").sql == "vectors.vecf16(3)");
  CHECK(parse_column_type("vecf16").kind == Kind::kHalfvec);
  CHECK(parse_column_type("vectors.vector(65535)").length == 65535);
  CHECK(parse_column_type("vectors.svector(1048575)").kind == Kind::kSparsevec);
  CHECK(parse_column_type("bvector").length == 0);
  CHECK(parse_column_type("vectors.bvector(9)").kind == Kind::kBit);
  CHECK(parse_column_type("veci8(9)").sql == "vectors.veci8(9)");
  CHECK(parse_column_type("vectors.bvector[]").kind == Kind::kOther);
  CHECK_THAT(refused("vectors.vector(65536)"), ContainsSubstring("1 to 65535"));
  CHECK_THAT(refused("svector(1048576)"), ContainsSubstring("1048575"));
}

TEST_CASE("what is no type is refused with a way out") {
  CHECK_THAT(refused("nummeric"), ContainsSubstring("did you mean numeric?"));
  CHECK_THAT(refused("string"), ContainsSubstring("did you mean text?"));
  CHECK_THAT(refused("datetime"), ContainsSubstring("did you mean timestamptz?"));
  CHECK_THAT(refused("text[][]"), ContainsSubstring("one dimension"));
  CHECK_THAT(refused("numeric(0)"), ContainsSubstring("1 to 1000"));
  CHECK_THAT(refused("varchar(x)"), ContainsSubstring("whole numbers"));
  CHECK_THAT(refused("varchar(99999999)"), ContainsSubstring("10485760"));
  CHECK_THAT(refused("vector(16001)"), ContainsSubstring("16000"));
  CHECK_THAT(refused("text(3)"), ContainsSubstring("no arguments"));
  for (const std::string_view bad :
       {"", "12", "a;drop table x", "numeric(3", "text]", "\"open", "a..b", "a.", "int4[", "x'y"})
    CHECK_THAT(refused(bad), ContainsSubstring("is not a column type"));
}

TEST_CASE("a vector of other dimensions says its own") {
  const std::array<float, 2> two{1, 2};
  const Value vector = Value::of(ValueType::kVector,
                                 Bytes(reinterpret_cast<const uint8_t*>(two.data()), sizeof two));
  CHECK_THAT(describe_failure(Failure::kDimensions, vector, "vector(3)"),
             ContainsSubstring("the dimensions of vector(3): it has 2"));
  CHECK_THAT(
      describe_failure(Failure::kDimensions,
                       Value::of(ValueType::kString, std::string_view("[1,2,3,4]")), "vector(3)"),
      ContainsSubstring("it has 4"));
}

TEST_CASE("failures say what was wrong") {
  CHECK(describe_failure(Failure::kSyntax, Value::of(ValueType::kString, "n/a"), "int4") ==
        "cannot read \"n/a\" as int4");
  CHECK(describe_failure(Failure::kOutOfRange, Value::of(ValueType::kInt64, 70000), "int2") ==
        "int64 70000 is out of range for int2");
  CHECK(describe_failure(Failure::kRequired, {}, "text") ==
        "is required, but the field is missing or null");
  CHECK(failure_code(Failure::kWrongType) == "wrong_type");
}
