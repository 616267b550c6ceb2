// A change stream of any length: once the memory of a fold is there, reading and folding events
// allocates nothing.
#include "change/changed_keys.hpp"

#include <fmt/format.h>

#include "catch.hpp"
#include "counting.hpp"
#include "value/json_reader.hpp"

namespace lugger::test {
namespace {

constexpr int kEvents = 40000, kWarm = 20000;

std::vector<std::string> events() {
  static const char* const kOperations[] = {"insert", "update", "replace", "delete"};
  std::vector<std::string> out;
  for (int i = 0; i < kEvents; ++i) {
    const int id = i * 7919 % 30011;
    out.push_back(bson_from_json(fmt::format(
        R"({{"_id":{{"_data":"82{0:08X}{0:08X}04"}},"operationType":"{1}","clusterTime":{{"$timestamp":{{"t":{0},"i":1}}}},)"
        R"("ns":{{"db":"shop","coll":"c{2}"}},"documentKey":{{"_id":{3}}},"fullDocument":{{"s":"{4:0{5}}"}}}})",
        1 + i, kOperations[i % 4], i % 5,
        i % 3 == 0 ? fmt::format("{{\"$oid\":\"64f1c0a2b3c4d5e6{:08x}\"}}", id)
                   : std::to_string(id),
        i, 1 + i % 200)));
  }
  return out;
}

}  // namespace

TEST_CASE("in steady state folding a change stream allocates nothing") {
  const std::vector<std::string> all = events();
  ChangedKeys keys({400000, 1000});
  uint64_t before = 0, folds = 0;
  for (int i = 0; i < kEvents; ++i) {
    if (i == kWarm) before = allocations();
    keys.add(read_stream_event(as_bytes(all[static_cast<size_t>(i)])));
    if (!keys.full()) continue;
    keys.clear();
    ++folds;
  }
  const uint64_t after = allocations();
  CHECK(after - before == 0);
  CHECK(folds > 20);
}

}  // namespace lugger::test
