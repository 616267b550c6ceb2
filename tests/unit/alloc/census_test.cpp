// A census of any length: once every path and type was seen, counting allocates nothing.
#include <fmt/format.h>

#include "catch.hpp"
#include "census/collector.hpp"
#include "counting.hpp"
#include "value/json_reader.hpp"

namespace lugger::test {
namespace {

constexpr int kDocuments = 40000, kWarm = 10000;

std::vector<std::string> documents() {
  std::vector<std::string> out;
  // Five digits throughout: a document larger than all before it is remembered by its _id.
  for (int i = 10000; i < 10000 + kDocuments; ++i) {
    out.push_back(bson_from_json(fmt::format(
        R"({{"_id":{{"$oid":"64f1c0a2b3c4d5e6{:08x}"}},"email":"user{}@example.com","kind":"{}","createdAt":{{"$date":{{"$numberLong":"{}"}}}},)"
        R"("updatedAt":"2026-03-07T05:30:00.{:03}Z","metadata":{{"plan":"pro","n":{},"score":{}.25,"list":[1,"two",null,{{"a":true}}]}},)"
        R"("balance":{{"$numberDecimal":"{}.{:02}"}},"price":"{}.50","map":{{"k{}":1}},"visits":{}}})",
        i, i, i % 3, 1700000000000 + i, i % 1000, i, i, i % 1000, i % 100, i % 100, i % 30, i)));
  }
  return out;
}

}  // namespace

TEST_CASE("in steady state a census allocates nothing") {
  const std::vector<std::string> all = documents();
  Collector collector;
  uint64_t before = 0;
  for (int i = 0; i < kDocuments; ++i) {
    if (i == kWarm) before = allocations();
    const Bytes bytes = as_bytes(all[static_cast<size_t>(i)]);
    collector.add({bytes.data(), static_cast<uint32_t>(bytes.size()), Format::kBson, nullptr}, 0);
  }
  const uint64_t after = allocations();
  CHECK(after - before == 0);
  CHECK(collector.documents() == kDocuments);
}

}  // namespace lugger::test
