#include "store/batches.hpp"

#include "catch.hpp"

namespace lugger::test {
namespace {

/// Refuses a request that holds one of the bad objects, or is larger than the server takes.
class Kept final : public ObjectBatches {
 public:
  using ObjectBatches::ObjectBatches;
  std::vector<std::string> requests, bad;
  size_t most = SIZE_MAX;
  int begun = 0;

 private:
  void begin_unit() override { ++begun; }
  Posted post(const std::string& group, std::span<const size_t> objects) override {
    std::string text = group + ":";
    for (const size_t i : objects) {
      text += object(i);
      for (const std::string& one : bad)
        if (object(i) == one) return {"refused", false};
    }
    if (text.size() > most) return {"too large", true};
    requests.push_back(text);
    return {};
  }
};

void add(ObjectBatches& to, const std::vector<std::string>& objects, std::string_view group = "g") {
  for (const std::string& one : objects) to.add(one, group, one);
}

}  // namespace

TEST_CASE("requests are cut by number and by bytes") {
  Kept by_number({1000, 2});
  add(by_number, {"a", "b", "c"});
  by_number.send(true);
  CHECK(by_number.requests == std::vector<std::string>{"g:ab", "g:c"});
  Kept by_bytes({8, 100});
  add(by_bytes, {"aaa", "bbb", "ccc", "a long one by itself"});
  by_bytes.send(true);
  CHECK(by_bytes.requests ==
        std::vector<std::string>{"g:aaabbb", "g:ccc", "g:a long one by itself"});
}

TEST_CASE("groups do not share a request, nor do objects of one id") {
  Kept kept({1000, 100});
  kept.add("1", "a", "x");
  kept.add("2", "b", "x");
  kept.add("3", "a", "y");
  kept.add("4", "a", "x");
  kept.send(true);
  CHECK(kept.requests == std::vector<std::string>{"a:13", "a:4", "b:2"});
}

TEST_CASE("what a request is refused for is found, by the order in which it came") {
  Kept kept({1000, 100});
  kept.bad = {"c", "f"};
  add(kept, {"a", "b"});
  kept.send(true);
  add(kept, {"c", "d", "e", "f", "g"});
  kept.send(true);
  REQUIRE(kept.refused().size() == 2);
  CHECK(kept.refused()[0].object == 2);
  CHECK(kept.refused()[1].object == 5);
  std::string sent;
  for (const std::string& one : kept.requests) sent += one.substr(2);
  CHECK(sent == "abdeg");
  CHECK(kept.begun == 1);
  kept.forget();
  add(kept, {"c"});
  kept.send(true);
  REQUIRE(kept.refused().size() == 1);
  CHECK(kept.refused()[0].object == 0);
  CHECK(kept.begun == 2);
}

TEST_CASE("nothing is sent before a request is full") {
  Kept kept({1000, 3});
  add(kept, {"a", "b"});
  kept.send(false);
  CHECK(kept.requests.empty());
  add(kept, {"c"});
  kept.send(false);
  CHECK(kept.requests == std::vector<std::string>{"g:abc"});
}

}  // namespace lugger::test
