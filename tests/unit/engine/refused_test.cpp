// Rejects that are tried again: what that costs, and what is said of it.
#include "engine/refused.hpp"

#include <deque>
#include <thread>

#include "base/arena.hpp"
#include "catch.hpp"
#include "live.hpp"

namespace lugger {
namespace {

using test::Writes;

RefusedKey refused(int id, uint32_t tries = 0) {
  return {std::to_string(id), Writes::document(id, std::nullopt), tries};
}

RejectRecord reject(const RefusedKey& of, bool for_others = true) {
  RejectRecord out;
  if (for_others) out.key = of.key;
  return out;
}

/// A ledger that answers what it is told to, and counts how often it was asked.
struct Tries {
  Writes writes;
  test::LiveFeed feed{writes};
  std::deque<RefusedPage> pages;
  int asked = 0;
  size_t limit = 0;
  Arena arena;
  Batch batch{arena};
  RefusedDocuments refused{[this](size_t most) {
    ++asked, limit = most;
    if (pages.empty()) return RefusedPage();
    RefusedPage page = pages.front();
    pages.pop_front();
    return page;
  }};

  bool give(bool idle = true) {
    batch.clear();
    return refused.give(feed, test::place(0), idle, batch);
  }
  std::optional<Notice> end_unit(std::vector<RejectRecord> rejects = {}) {
    UnitRecord unit;
    unit.tried = refused.take_tried();
    unit.rejects = std::move(rejects);
    return refused.committed(unit);
  }
};

TEST_CASE("without rejects the ledger is asked once") {
  Tries tries;
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(tries.give());
    CHECK_FALSE(tries.end_unit());
    CHECK_FALSE(tries.end_unit({reject(refused(1), false)}));
  }
  CHECK(tries.asked == 1);
}

TEST_CASE("what is refused is tried in a unit of its own") {
  Tries tries;
  tries.writes.put(1, 10);
  CHECK_FALSE(tries.give());
  tries.end_unit({reject(refused(1))});
  tries.refused.give_way();
  CHECK_FALSE(tries.give());
  tries.end_unit();
  tries.pages.push_back({{refused(1), refused(2)}, {}});
  REQUIRE(tries.give());
  CHECK(tries.refused.under_way());
  CHECK(tries.batch.documents.size() == 2);
  CHECK(tries.batch.operation(0) == Operation::kUpsert);
  CHECK(tries.batch.operation(1) == Operation::kDelete);
  CHECK_FALSE(tries.give());
  tries.end_unit();
  CHECK_FALSE(tries.refused.under_way());
}

TEST_CASE("nobody asks before something is due") {
  Tries tries;
  tries.pages.push_back({{}, 0.2});
  CHECK_FALSE(tries.give());
  tries.pages.push_back({{refused(1)}, {}});
  CHECK_FALSE(tries.give());
  CHECK(tries.asked == 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  CHECK(tries.give());
}

TEST_CASE("while changes come tries rest for a second") {
  Tries tries;
  for (int i = 0; i < 2; ++i) tries.pages.push_back({{refused(1)}, {}});
  REQUIRE(tries.give(false));
  tries.end_unit({reject(refused(1))});
  CHECK_FALSE(tries.give(false));
  CHECK(tries.asked == 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(tries.give(true));
}

TEST_CASE("large documents are tried a few at a time, quick ones more and more") {
  Tries tries;
  tries.pages.push_back({{refused(1)}, 0});
  REQUIRE(tries.give());
  const size_t first = tries.limit;
  tries.end_unit();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  tries.pages.push_back({{refused(1)}, 0});
  REQUIRE(tries.give());
  CHECK(tries.limit == 2 * first);
  tries.batch.max_bytes = 100;
  tries.end_unit();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  tries.pages.push_back({{refused(1)}, 0});
  REQUIRE(tries.give());
  tries.end_unit();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(tries.give());
  CHECK(tries.limit < 20);
}

TEST_CASE("when the last is accepted that is said once, if it has stood for long") {
  Tries tries;
  const auto round = [&](std::vector<RefusedKey> due, std::optional<double> next,
                         std::vector<RejectRecord> rejects) {
    tries.pages.push_back({std::move(due), next});
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    REQUIRE(tries.give());
    return tries.end_unit(std::move(rejects));
  };
  CHECK_FALSE(round({refused(1)}, {}, {}));
  CHECK_FALSE(round({refused(1, 5), refused(2)}, 0, {reject(refused(1))}));
  CHECK_FALSE(round({refused(1, 6)}, 0, {}));
  const std::optional<Notice> said = round({refused(3)}, {}, {});
  REQUIRE(said);
  CHECK(said->kind == kAcceptedNotice);
  CHECK(said->count == 3);
  CHECK_FALSE(round({refused(3)}, {}, {}));
}

}  // namespace
}  // namespace lugger
