#include "change/changed_keys.hpp"

#include <random>

#include "stream_events.hpp"

namespace lugger::test {
namespace {

using Taken = ChangedKeys::Taken;

/// `id` as Extended JSON; `full`: fullDocument, "": not sent.
std::string change(const std::string& operation, const std::string& id,
                   const std::string& full = {}, const std::string& collection = "a",
                   uint32_t increment = 1) {
  return event_bson(
      fmt::format("'operationType':'{}','ns':{{'db':'shop','coll':'{}'}},"
                  "'documentKey':{{'_id':{}}}{}",
                  operation, collection, id, full.empty() ? "" : ",'fullDocument':" + full),
      100, increment);
}

Taken add(ChangedKeys& keys, const std::string& bytes) {
  return keys.add(read_stream_event(as_bytes(bytes)));
}

/// The document, "deleted" or "?".
std::string state_of(const ChangedKey& key) {
  if (key.state == KeyState::kDocument) return text(key.document);
  return key.state == KeyState::kDeleted ? "deleted" : "?";
}

/// "shop.a 1 deleted" and the like, in the order of keys().
std::vector<std::string> told(const ChangedKeys& keys) {
  std::vector<std::string> out;
  for (const ChangedKey& key : keys.keys())
    out.push_back(fmt::format("{} {} {}", key.ns, value_json(key.id), state_of(key)));
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("the last event of a key decides, and keys come in the order of their first") {
  ChangedKeys keys;
  for (const std::string& bytes :
       {change("update", "2"), change("insert", "1", "{'_id':1,'n':1}"), change("delete", "3"),
        change("insert", "2", "{'_id':2}", "b"), change("update", "1", "", "a", 9),
        change("replace", "2", "{'_id':2,'long':'document'}"), change("delete", "4"),
        change("insert", "4", "{'_id':4}"), change("insert", "5", "{'_id':5}"),
        change("delete", "5"), change("update", "6", "{'_id':6}"), change("update", "7", "null"),
        change("insert", "8"), change("replace", "2", "{'_id':2}")}) {
    CHECK(add(keys, bytes) == Taken::kTaken);
  }
  CHECK(told(keys) == Texts{"shop.a 2 {\"_id\":2}", "shop.a 1 ?", "shop.a 3 deleted",
                            "shop.b 2 {\"_id\":2}", "shop.a 4 {\"_id\":4}", "shop.a 5 deleted",
                            "shop.a 6 {\"_id\":6}", "shop.a 7 ?", "shop.a 8 ?"});
  CHECK(keys.keys()[0].events == 3);
  CHECK(keys.keys()[1].time == (uint64_t{100} << 32 | 9));
  CHECK(keys.keys()[2].time == (uint64_t{100} << 32 | 1));
  CHECK(keys.events() == 14);
  CHECK(keys.time() == (uint64_t{100} << 32 | 9));
  keys.clear();
  CHECK(keys.keys().empty());
  CHECK(keys.events() == 0);
  CHECK(keys.time() == 0);
  CHECK(keys.bytes() == 0);
}

TEST_CASE("keys are equal as MongoDB compares an _id, inside of one collection") {
  ChangedKeys keys;
  for (const char* id : {"1", "1.0", R"({'$numberLong':'1'})", R"({'$numberDecimal':'1.00'})",
                         "'1'", "''", "null", "{'a':1,'b':2}", "{'b':2,'a':1}", "{'a':1.0,'b':2}"})
    add(keys, change("delete", id));
  add(keys, change("delete", "1", "", "b"));
  add(keys, change("delete", "'1'", "", "a.1"));
  CHECK(told(keys) == Texts{"shop.a 1 deleted", "shop.a \"1\" deleted", "shop.a \"\" deleted",
                            "shop.a null deleted", "shop.a {\"a\":1,\"b\":2} deleted",
                            "shop.a {\"b\":2,\"a\":1} deleted", "shop.b 1 deleted",
                            "shop.a.1 \"1\" deleted"});
}

TEST_CASE("an _id that has no text is a key of its own") {
  ChangedKeys keys;
  const std::string good = change("delete", "{'k':'xx'}");
  for (const char* pair : {"\xff\x01", "\xff\x02", "\xff\x01"}) {
    std::string bytes = good;
    bytes.replace(bytes.find("xx"), 2, pair);
    add(keys, bytes);
  }
  REQUIRE(keys.keys().size() == 2);
  CHECK(keys.keys()[0].events == 2);
}

TEST_CASE("an event of a whole collection ends a fold, and others pass") {
  ChangedKeys keys;
  add(keys, change("delete", "1"));
  const std::string ns = "'ns':{'db':'shop','coll':'a'}";
  for (const std::string& ends :
       {"'operationType':'drop'," + ns, "'operationType':'invalidate'," + ns,
        "'operationType':'rename','to':{'db':'shop','coll':'b'}," + ns,
        "'operationType':'dropDatabase'," + ns})
    CHECK(add(keys, event_bson(ends, 200)) == Taken::kEnds);
  CHECK(keys.events() == 1);
  CHECK(keys.time() >> 32 == 100);
  for (const char* passed : {"create", "modify", "endOfTransaction"})
    CHECK(add(keys, event_bson(fmt::format("'operationType':'{}',{}", passed, ns), 300)) ==
          Taken::kPassed);
  CHECK(keys.events() == 4);
  CHECK(keys.time() >> 32 == 300);
  CHECK(told(keys) == Texts{"shop.a 1 deleted"});
}

TEST_CASE("a split event is one change, and its rest is never taken alone") {
  const auto fragment = [](int number, int of, const std::string& more) {
    return event_bson(fmt::format("'splitEvent':{{'fragment':{},'of':{}}}{}", number, of, more));
  };
  const std::string change =
      ",'operationType':'replace','ns':{'db':'shop','coll':'a'},'documentKey':{'_id':1}";
  ChangedKeys keys;
  CHECK(add(keys, fragment(1, 3, change)) == Taken::kTaken);
  keys.clear();
  CHECK(add(keys, fragment(2, 3, ",'fullDocument':{'_id':1}")) == Taken::kPassed);
  CHECK(add(keys, fragment(3, 3, "")) == Taken::kPassed);
  CHECK(keys.keys().empty());
  for (const auto& [before, number, of] : {std::tuple{0, 2, 2}, {1, 3, 3}, {1, 2, 2}}) {
    if (before != 0) add(keys, fragment(before, 3, change));
    const Error error =
        error_of([&, number = number, of = of] { add(keys, fragment(number, of, "")); });
    CHECK(error.code() == Code::kRead);
    CHECK_THAT(error.what(), ContainsSubstring("does not follow"));
  }
  // A stream that was opened again begins anew.
  CHECK(add(keys, fragment(1, 2, change)) == Taken::kTaken);
  CHECK(add(keys, fragment(2, 2, "")) == Taken::kPassed);
}

TEST_CASE("a fold is full by keys or by bytes, and keeps to its memory") {
  ChangedKeys few({1 << 20, 3});
  for (int id = 0; id < 3; ++id) {
    CHECK_FALSE(few.full());
    add(few, change("delete", std::to_string(id)));
  }
  CHECK(few.full());
  few.clear();
  CHECK_FALSE(few.full());
  ChangedKeys small({100000, 1000});
  const std::string document = "{'s':'" + std::string(1000, 'x') + "'}";
  for (int i = 0; i < 1000; ++i) add(small, change("replace", "1", document));
  CHECK(small.bytes() < 2000);
  for (int i = 0; i < 1000 && !small.full(); ++i)
    add(small, change("replace", std::to_string(i), document));
  CHECK(small.keys().size() < 100);
  CHECK(small.keys().size() > 70);
  CHECK(small.bytes() < 102000);
}

namespace {

/// What must be known of one key, kept without hashing or folding anything.
struct Known {
  std::string collection, state;
  uint32_t id = 0;
  uint64_t events = 0, time = 0;
};

/// Random events until the fold is full, each told to both sides.
std::vector<Known> fold_random(ChangedKeys& keys, std::mt19937& random, uint32_t ids) {
  static const std::vector<std::string> kOperations = {"insert", "update", "replace", "delete"};
  const auto below = [&](size_t n) { return static_cast<uint32_t>(random() % n); };
  std::vector<Known> model;
  for (int i = 0; i < 2000 && !keys.full(); ++i) {
    const std::string collection(1, static_cast<char>('a' + below(3)));
    const std::string& operation = kOperations[below(4)];
    const uint32_t id = below(ids), time = below(1000);
    const std::string document = fmt::format("{{'s':'{}'}}", std::string(below(60), 'x'));
    const bool whole = operation == "insert" || operation == "replace";
    add(keys, change(operation, std::to_string(id) + (below(2) == 0 ? "" : ".0"),
                     whole ? document : "", collection, time));
    auto known = std::find_if(model.begin(), model.end(), [&](const Known& one) {
      return one.collection == "shop." + collection && one.id == id;
    });
    if (known == model.end()) known = model.insert(known, {"shop." + collection, "", id});
    known->state = operation == "delete" ? "deleted" : whole ? document : "?";
    std::replace(known->state.begin(), known->state.end(), '\'', '"');
    known->time = std::max(known->time, uint64_t{100} << 32 | time);
    ++known->events;
  }
  return model;
}

}  // namespace

TEST_CASE("random events fold as in a simple model") {
  std::mt19937 random(11);
  ChangedKeys keys({20000, 400});
  for (uint32_t step = 0; step < 200; ++step) {
    const std::vector<Known> model = fold_random(keys, random, step % 2 == 0 ? 20 : 2000);
    REQUIRE(keys.keys().size() == model.size());
    for (size_t i = 0; i < model.size(); ++i) {
      const ChangedKey& key = keys.keys()[i];
      REQUIRE(key.ns == model[i].collection);
      REQUIRE((key.id.type == ValueType::kDouble ? key.id.f64 : static_cast<double>(key.id.i64)) ==
              model[i].id);
      REQUIRE(state_of(key) == model[i].state);
      REQUIRE(key.events == model[i].events);
      REQUIRE(key.time == model[i].time);
    }
    keys.clear();
  }
}

}  // namespace lugger::test
