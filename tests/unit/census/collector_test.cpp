#include <fmt/format.h>

#include "catch.hpp"
#include "census/census.hpp"
#include "value/json_reader.hpp"

namespace lugger::test {
namespace {

void add(Collector& collector, const std::string& bson) {
  const Bytes bytes = as_bytes(bson);
  collector.add(Document{bytes.data(), static_cast<uint32_t>(bytes.size()), Format::kBson, nullptr},
                UINT64_MAX);
}

void add_json(Collector& collector, std::string_view json) { add(collector, bson_from_json(json)); }

const CensusPath& at(const CollectionCensus& census, std::string_view path) {
  for (const CensusPath& known : census.paths) {
    if (known.path == path) return known;
  }
  FAIL("no path " << path);
  throw std::logic_error("unreachable");
}

bool has(const CollectionCensus& census, std::string_view path) {
  return std::any_of(census.paths.begin(), census.paths.end(),
                     [&](const CensusPath& known) { return known.path == path; });
}

uint64_t count(const CensusPath& path, ValueType type) {
  for (const CensusType& known : path.types) {
    if (known.type == type) return known.values;
  }
  return 0;
}

}  // namespace

TEST_CASE("presence is counted against the documents that could have the field") {
  Collector collector;
  add_json(collector,
           R"({"_id":1,"a":{"b":1,"c":null},"lines":[{"price":1.5},{"price":2,"x":0}]})");
  add_json(collector, R"({"_id":2,"a":{"b":2}})");
  add_json(collector, R"({"_id":3,"a":null,"lines":[]})");
  add_json(collector, R"({"_id":4})");
  const CollectionCensus census = tell(collector);
  CHECK(census.documents == 4);

  const CensusPath& a = at(census, "a");
  CHECK(a.parents == 4);
  CHECK(a.present == 2);
  CHECK(a.nulls == 1);
  CHECK(a.missing == 1);
  CHECK(a.null_examples == std::vector<std::string>{"$n:3"});

  const CensusPath& c = at(census, "a.c");
  CHECK(c.parents == 2);
  CHECK(c.nulls == 1);
  CHECK(c.missing == 1);

  const CensusPath& element = at(census, "lines[]");
  CHECK(element.kind == PathKind::kElement);
  CHECK(element.present == 2);
  CHECK(at(census, "lines").arrays->greatest == 2);
  CHECK(at(census, "lines").arrays->empty == 1);
  CHECK(at(census, "lines[].price").parents == 2);
  CHECK(at(census, "lines[].x").missing == 1);
  CHECK(at(census, "lines[].price").documents == 1);
}

TEST_CASE("S0-44 S0-45 numbers and strings of one field are both counted") {
  Collector collector;
  for (int i = 0; i < 97; ++i)
    add_json(collector, fmt::format(R"({{"_id":{},"age":{}}})", i, 20 + i % 50));
  add_json(collector, R"({"_id":"s1","age":"31"})");
  add_json(collector, R"({"_id":"s2","age":"12abc"})");
  add_json(collector, R"({"_id":"s3","age":"9.99"})");
  const CollectionCensus census = tell(collector);
  const CensusPath& age = at(census, "age");
  CHECK(count(age, ValueType::kInt32) == 97);
  CHECK(count(age, ValueType::kString) == 3);
  CHECK(age.types[0].type == ValueType::kInt32);
  CHECK(age.types[1].examples == std::vector<std::string>{"s1", "s2", "s3"});
  CHECK(age.integers->least == "20");
  CHECK(age.integers->greatest == "69");
  CHECK(age.texts->looks.number == 2);
  CHECK(age.texts->looks.integer == 1);
  CHECK(age.texts->looks.digits.scale == 2);
  CHECK(age.type == "jsonb");
}

TEST_CASE("N-04 every minority type has example documents, whenever it comes") {
  Collector collector;
  for (int i = 0; i < 5000; ++i) add_json(collector, fmt::format(R"({{"_id":{},"v":{}}})", i, i));
  add_json(collector, R"({"_id":"late","v":{"$numberDecimal":"1.25"}})");
  for (int i = 0; i < 5; ++i)
    add_json(collector, fmt::format(R"({{"_id":"n{}","v":null,"w":[null,null]}})", i));
  const CollectionCensus census = tell(collector);
  const CensusPath& v = at(census, "v");
  CHECK(v.types.back().type == ValueType::kDecimal);
  CHECK(v.types.back().examples == std::vector<std::string>{"late"});
  CHECK(v.null_examples == std::vector<std::string>{"n0", "n1", "n2"});
  CHECK(at(census, "w[]").null_examples == std::vector<std::string>{"n0", "n1", "n2"});
}

TEST_CASE("what texts look like is counted for as long as they are all of one kind") {
  Collector collector;
  for (int i = 0; i < 5000; ++i) {
    add_json(
        collector,
        fmt::format(R"({{"_id":{},"n":"{}.50","zip":"{:05}","d":"2026-03-{:02}","mixed":"{}"}})", i,
                    i, i, i % 28 + 1, i % 2 == 0 ? "1" : "x"));
  }
  const CollectionCensus census = tell(collector);
  const TextLooks& n = at(census, "n").texts->looks;
  CHECK(n.looked_at == 5000);
  CHECK(n.number == 5000);
  CHECK(n.digits.precision() == 6);
  CHECK(n.digits.scale == 2);
  const TextLooks& zip = at(census, "zip").texts->looks;
  CHECK(zip.integer == 5000);
  CHECK(zip.padded == 5000);
  CHECK(at(census, "d").texts->looks.date == 5000);
  const TextLooks& mixed = at(census, "mixed").texts->looks;
  CHECK(mixed.looked_at < 5000);
  CHECK(mixed.looked_at >= 2048);
}

TEST_CASE("a document with too many names folds into one path, and its names are estimated") {
  Collector collector;
  for (int i = 0; i < 100000; i += 10) {
    std::string json = fmt::format(R"({{"_id":{},"by_user":{{)", i);
    for (int k = 0; k < 10; ++k)
      json += fmt::format(R"({}"user{:06}":{{"n":{},"tags":["a"]}})", k == 0 ? "" : ",", i + k, k);
    add_json(collector, json + "}}");
  }
  CHECK(collector.paths() < 20);
  const CollectionCensus census = tell(collector);
  const CensusPath& all = at(census, "by_user.*");
  CHECK(all.kind == PathKind::kFolded);
  CHECK(all.present == 100000);
  CHECK(std::abs(static_cast<double>(all.names) / 100000 - 1) < 4 * DistinctSketch::kError);
  CHECK(at(census, "by_user.*.n").present == 100000);
  CHECK(at(census, "by_user.*.n").integers->greatest == "9");
  CHECK(at(census, "by_user.*.tags[]").present == 100000);
}

TEST_CASE("many names that are each rare are a dictionary, though there is room for them") {
  Collector collector;
  for (int i = 0; i < 300; ++i)
    add_json(collector,
             fmt::format(R"({{"_id":{},"m":{{"k{}":1}},"plain":{{"a":1}}}})", i, i % 60));
  collector.fold_dictionaries();
  const CollectionCensus census = tell(collector);
  CHECK(at(census, "m.*").names == 60);
  CHECK(at(census, "m.*").present == 300);
  CHECK(has(census, "plain.a"));
}

TEST_CASE("documents a thousand levels deep are looked into as far as the bound") {
  std::string bson = bson_from_json(R"({"x":1})");
  for (int i = 0; i < 1000; ++i) {
    const auto inner = static_cast<int32_t>(bson.size());
    std::string outer(4, '\0');
    outer += '\x03';
    outer += std::string("x\0", 2);
    outer += bson;
    outer += '\0';
    const int32_t size = inner + 8;
    std::memcpy(outer.data(), &size, 4);
    bson = outer;
  }
  Collector collector;
  add(collector, bson);
  const CollectionCensus census = tell(collector);
  CHECK(census.documents == 1);
  CHECK(census.paths.size() == Collector::kMostDepth);
  CHECK(census.paths.back().not_walked == 1);
}

TEST_CASE("a broken document is counted up to the fault, which is told") {
  Collector collector;
  add_json(collector, R"({"_id":1,"a":1,"b":2})");
  std::string broken = bson_from_json(R"({"_id":2,"a":1,"b":"text"})");
  broken[broken.find(std::string("\2b\0", 3))] = '\x66';
  add(collector, broken);
  const CollectionCensus census = tell(collector);
  CHECK(census.documents == 2);
  CHECK(census.malformed == 1);
  CHECK(at(census, "a").present == 2);
  CHECK(at(census, "b").present == 1);
  REQUIRE(census.faults.size() == 1);
  CHECK(census.faults[0].document == 2);
  CHECK(census.faults[0].id == "$n:2");
  CHECK(census.faults[0].what == "an unknown element type");
}

TEST_CASE("names that come twice, and names that differ by case alone") {
  Collector collector;
  std::string twice = bson_from_json(R"({"_id":1,"a":1,"b":1})");
  twice[twice.find("b", 5)] = 'a';
  add(collector, twice);
  add_json(collector, R"({"_id":2,"a":1,"A":2,"é":1})");
  const CollectionCensus census = tell(collector);
  CHECK(at(census, "a").repeated == 1);
  CHECK(at(census, "a").repeated_example == "$n:1");
  CHECK(at(census, "a").missing == 0);
  CHECK(at(census, "a").same_but_case == std::vector<std::string>{"A"});
  CHECK(at(census, "A").same_but_case == std::vector<std::string>{"a"});
}

TEST_CASE("counts of two workers are those of one") {
  Collector whole, first, second;
  for (int i = 0; i < 4000; ++i) {
    std::string json = fmt::format(
        R"({{"_id":{},"n":{},"s":"{}","kind":"{}","list":[{{"v":{}}}],"d":{{"$date":{{"$numberLong":"{}"}}}}}})",
        i, i % 3 == 0 ? "null" : std::to_string(i), i, i % 2 == 0 ? "a" : "b", i, i * 1000);
    if (i % 1000 == 7) json = fmt::format(R"({{"_id":{},"only":{{"{}":1}}}})", i, i);
    add_json(whole, json);
    add_json(i < 1500 ? first : second, json);
  }
  first.merge(second);
  const CollectionCensus one = tell(whole), two = tell(first);
  REQUIRE(one.paths.size() == two.paths.size());
  CHECK(one.documents == two.documents);
  CHECK(one.largest == two.largest);
  for (const CensusPath& path : one.paths) {
    INFO(path.path);
    const CensusPath& other = at(two, path.path);
    CHECK(path.present == other.present);
    CHECK(path.nulls == other.nulls);
    CHECK(path.missing == other.missing);
    CHECK(path.documents == other.documents);
    CHECK(path.distinct == other.distinct);
    CHECK(path.null_examples == other.null_examples);
    REQUIRE(path.types.size() == other.types.size());
    for (size_t i = 0; i < path.types.size(); ++i)
      CHECK(path.types[i].examples == other.types[i].examples);
    if (path.integers) CHECK(path.integers->greatest == other.integers->greatest);
  }
}

TEST_CASE("a folded path merges with one that is not folded") {
  Collector many, few;
  for (int i = 0; i < 1500; ++i)
    add_json(many, fmt::format(R"({{"_id":{},"m":{{"k{}":1}}}})", i, i));
  for (int i = 0; i < 10; ++i)
    add_json(few, fmt::format(R"({{"_id":{},"m":{{"k{}":"x"}}}})", i, i));
  SECTION("into the folded one") {
    many.merge(few);
    const CensusPath all = at(tell(many), "m.*");
    CHECK(all.present == 1510);
    CHECK(count(all, ValueType::kString) == 10);
  }
  SECTION("into the other") {
    few.merge(many);
    const CensusPath all = at(tell(few), "m.*");
    CHECK(all.present == 1510);
    CHECK(count(all, ValueType::kString) == 10);
  }
}

TEST_CASE("S0-78 a field that tells kinds of documents apart is found") {
  Collector collector;
  for (int i = 0; i < 300; ++i) {
    const std::string common = fmt::format(R"("_id":{},"at":{},"user":"u{}")", i, i, i % 7);
    if (i % 3 == 0) {
      add_json(collector, "{" + common + R"(,"type":"click","x":1,"y":2})");
    } else if (i % 3 == 1) {
      add_json(collector, "{" + common + R"(,"type":"order","total":5})");
    } else {
      add_json(collector, "{" + common + R"(,"type":"view","x":1})");
    }
  }
  const CollectionCensus census = tell(collector);
  REQUIRE(census.discriminators.size() == 1);
  const CensusDiscriminator& found = census.discriminators[0];
  CHECK(found.path == "type");
  CHECK(found.decides == std::vector<std::string>{"x", "y", "total"});
  REQUIRE(found.kinds.size() == 3);
  for (const CensusDiscriminator::Kind& kind : found.kinds) {
    CHECK(kind.documents == 100);
    if (kind.value == "click") CHECK(kind.always == std::vector<std::string>{"x", "y"});
    if (kind.value == "order") CHECK(kind.always == std::vector<std::string>{"total"});
  }
}

TEST_CASE("fields that are there by chance tell nothing apart") {
  Collector collector;
  for (int i = 0; i < 300; ++i) {
    add_json(collector, fmt::format(R"({{"_id":{},"colour":"{}"{}}})", i,
                                    i % 2 == 0 ? "red" : "blue", i % 5 == 0 ? R"(,"note":1)" : ""));
  }
  CHECK(tell(collector).discriminators.empty());
}

}  // namespace lugger::test
