// What a verification does with every row, without a single allocation once it is warm.
#include "catch.hpp"
#include "counting.hpp"
#include "plan/coercer.hpp"
#include "verify/row_digest.hpp"

namespace lugger::test {
namespace {

constexpr const char* kTypes[] = {"text", "numeric", "jsonb", "timestamptz", "float8"};
constexpr std::string_view kTexts[] = {
    "user@example.com", "12345.6789",
    R"({"plan":"pro","n":17,"score":1.25,"list":[1,"two",null,{"a":true}],"esc":"\u00e9"})",
    "2026-03-07T05:30:00Z", "0.1"};

ComparedTable table() {
  ComparedTable out;
  for (const char* type : kTypes) {
    ComparedColumn column;
    column.type = parse_column_type(type);
    column.as = {column.type.kind, column.type.is_array() ? column.type.element : Kind::kText};
    out.columns.push_back(std::move(column));
  }
  out.key = out.root = {0};
  return out;
}

}  // namespace

TEST_CASE("in steady state digests of rows allocate nothing") {
  const ComparedTable compared = table();
  Arena arena;
  std::vector<Value> row;
  for (size_t i = 0; i < compared.columns.size(); ++i) {
    Coercer coercer(compared.columns[i].type, {});
    REQUIRE(coercer(Value::of(ValueType::kString, kTexts[i]), row.emplace_back(), arena) ==
            Failure::kNone);
  }
  RowDigester digester(7);
  const auto digest = [&] {
    return digester.digest(compared, [&](size_t i) -> const Value& { return row[i]; });
  };
  const RowDigests first = digest();
  for (int i = 0; i < 100; ++i) digest();
  const uint64_t before = allocations();
  for (int i = 0; i < 10000; ++i) digest();
  CHECK(allocations() == before);
  CHECK(digest().row == first.row);
}

}  // namespace lugger::test
