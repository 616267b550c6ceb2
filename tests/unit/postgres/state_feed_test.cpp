// The spool in the ledger: keys and position of one transaction, each key once, never back.
#include <algorithm>

#include "base/text.hpp"
#include "catch.hpp"
#include "place/state.hpp"
#include "postgres/lease.hpp"
#include "postgres/state.hpp"
#include "server_fixture.hpp"

using namespace lugger;

namespace {

using Keys = std::vector<std::string_view>;

FeedRecord a_feed(const std::string& job, const std::string& position, uint64_t time) {
  FeedRecord out;
  out.job = job;
  out.source_identity = "set shop.users";
  out.position = position;
  out.time = time;
  out.earlier = "run 1";
  return out;
}

/// All keys of the job, read in pages.
std::vector<std::string> all_keys(State& state, const std::string& job, size_t page) {
  std::vector<std::string> out;
  std::string after;
  for (;;) {
    const SpooledPage found = state.spooled_page(job, after, page);
    for (const SpooledKey& key : found.keys) out.push_back(key.key);
    if (found.keys.size() < page) return out;
    after = found.keys.back().place;
  }
}

/// A unit that has looked up the keys of the page behind `after`.
UnitRecord settling(const SpooledPage& page, const std::string& after = "") {
  UnitRecord out;
  out.run = "r", out.partition = "settle", out.position = "place", out.job = "j";
  out.settled = SettledKeys{page.feed, {}, "changes"};
  if (!page.keys.empty()) out.settled->ranges.push_back({after, page.keys.back().place, page.turn});
  return out;
}

/// Commits it as the sink does.
void commit(const std::string& schema, const UnitRecord& unit) {
  PgSession session(test_server(), "test");
  session.begin();
  write_unit(session, schema, unit);
  session.commit();
}

void start_follow(State& state) {
  RunRecord run;
  run.run = "r", run.job = "j", run.mode = kFollowMode, run.status = RunStatus::kRunning;
  PartitionRecord settle, changes;
  settle.id = "settle", changes.id = "changes", changes.start = "before", changes.phase = 1;
  state.start(run, {settle, changes});
}

/// The record ends as it does when its last key is settled.
void end_feed(State& state, const std::string& schema) {
  start_follow(state);
  UnitRecord unit = settling(state.spooled_page("j", "", 1000));
  unit.done = true;
  commit(schema, unit);
}

constexpr uint64_t kTime = (uint64_t{0xFFFFFFF0} << 32) + 7;  // above what a bigint takes

}  // namespace

TEST_CASE("keys are spooled once, with the position that covers them") {
  for (const bool pooled : {false, true}) {
    const std::unique_ptr<State> state = make_pg_state(test_server(), "spo\"ol", pooled);
    CHECK_FALSE(state->feed("j").has_value());
    state->ensure();
    std::string holder;
    REQUIRE(state->lease("spool of j", holder));
    state->begin_feed(a_feed("j", "p0", kTime));
    state->begin_feed(a_feed("other", "q", 1));
    const std::string odd("\0\xff\"\\,{}\n", 8);
    CHECK(state->spool("j", Keys{"a", odd, "a"}, "p1", kTime + 1) == 2);
    CHECK(state->spool("j", Keys{odd, "b", "c"}, "p2", kTime + 1) == 4);
    CHECK(state->spool("j", {}, "p3", kTime + 5) == 4);
    const std::optional<FeedRecord> kept = state->feed("j");
    REQUIRE(kept.has_value());
    CHECK(kept->position == "p3");
    CHECK(kept->time == kTime + 5);
    CHECK(kept->spooled == 4);
    CHECK(kept->source_identity == "set shop.users");
    CHECK(kept->earlier == "run 1");
    CHECK(kept->started.ends_with("Z"));
    for (const size_t page : {1U, 3U, 100U})
      CHECK(all_keys(*state, "j", page) == std::vector<std::string>{odd, "a", "b", "c"});
    CHECK(all_keys(*state, "other", 10).empty());

    // A feed that begins anew has nothing of the one before.
    state->begin_feed(a_feed("j", "p9", 5));
    CHECK(state->feed("j")->spooled == 0);
    CHECK(state->feed("j")->time == 5);
    CHECK(all_keys(*state, "j", 10).empty());
    CHECK(state->feed("other").has_value());
    PgSession(test_server(), "test").execute("DELETE FROM \"spo\"\"ol\".feeds");
  }
}

TEST_CASE("what was spooled again since it was read is not settled by that") {
  const std::unique_ptr<State> state = make_pg_state(test_server(), "turns", false);
  state->ensure();
  state->begin_feed(a_feed("j", "p0", 1));
  state->begin_feed(a_feed("other", "q0", 1));
  state->spool("other", Keys{"b"}, "q1", 2);
  state->spool("j", Keys{"a", "b", "c", "d"}, "p1", 2);
  const SpooledPage page = state->spooled_page("j", "", 3);
  CHECK(page.keys.size() == 3);
  CHECK(page.position == "p1");
  CHECK(page.spooled == 4);
  CHECK(state->spool("j", Keys{"b", "aa"}, "p2", 3) == 5);  // while they are looked up
  CHECK(state->spool("j", Keys{"b"}, "p3", 3) == 5);
  start_follow(*state);
  commit("turns", settling(page));
  CHECK(all_keys(*state, "j", 10) == std::vector<std::string>{"aa", "b", "d"});
  CHECK(state->feed("j")->spooled == 3);
  CHECK(state->feed("j")->position == "p3");
  // Read again, it goes; so does what lies between, and nothing behind.
  commit("turns", settling(state->spooled_page("j", "", 2)));
  CHECK(all_keys(*state, "j", 10) == std::vector<std::string>{"d"});
  CHECK(state->feed("j")->spooled == 1);
  // A key that was settled comes again as a new one.
  CHECK(state->spool("j", Keys{"b"}, "p4", 4) == 2);
  CHECK(all_keys(*state, "other", 10) == std::vector<std::string>{"b"});
}

TEST_CASE("changes go on behind the last key that was settled, in its transaction") {
  const std::unique_ptr<State> state = make_pg_state(test_server(), "over", false);
  state->ensure();
  state->begin_feed(a_feed("j", "p0", 1));
  start_follow(*state);
  state->spool("j", Keys{"a"}, "p1", 2);
  UnitRecord last = settling(state->spooled_page("j", "", 10));
  last.done = true;
  state->spool("j", Keys{"b"}, "p2", 3);  // by somebody else
  CHECK_THROWS_WITH(commit("over", last), ContainsSubstring("another process has spooled"));
  CHECK(all_keys(*state, "j", 10) == std::vector<std::string>{"a", "b"});
  CHECK(state->partitions("r")[1].start == "before");
  last = settling(state->spooled_page("j", "", 10));
  last.done = true;
  commit("over", last);
  CHECK_FALSE(state->feed("j").has_value());
  for (const PartitionRecord& partition : state->partitions("r")) {
    CHECK(partition.done == (partition.id == "settle"));
    if (partition.id == "changes") CHECK(partition.start == "p2");
  }
  CHECK_THROWS_AS(commit("over", last), SpoolGone);
  CHECK_THROWS_WITH(state->spool("j", Keys{"c"}, "p3", 4), ContainsSubstring("no more"));
  // Nor is anything settled of a spool that was begun anew.
  state->begin_feed(a_feed("j", "p9", 9));
  state->spool("j", Keys{"a"}, "p10", 10);
  CHECK_THROWS_AS(commit("over", last), SpoolGone);
  CHECK(all_keys(*state, "j", 10) == std::vector<std::string>{"a"});
}

TEST_CASE("a position never moves back, and nothing is spooled for a feed that has ended") {
  const std::unique_ptr<State> state = make_pg_state(test_server(), "back", false);
  state->ensure();
  state->begin_feed(a_feed("j", "p5", 5));
  try {
    state->spool("j", Keys{"a"}, "p4", 4);
    FAIL("moved back");
  } catch (const Error& error) {
    CHECK(error.code() == Code::kBug);
    CHECK_THAT(error.message(), ContainsSubstring("would go back from 5 to 4"));
  }
  CHECK(state->feed("j")->position == "p5");
  CHECK(all_keys(*state, "j", 10).empty());
  end_feed(*state, "back");
  CHECK_THROWS_WITH(state->spool("j", Keys{"a"}, "p6", 6), ContainsSubstring("no more"));
  CHECK(all_keys(*state, "j", 10).empty());
}

TEST_CASE("long keys are told apart, and a hundred thousand are spooled") {
  const std::unique_ptr<State> state = make_pg_state(test_server(), "long", false);
  state->ensure();
  state->begin_feed(a_feed("j", "p", 1));
  // As long as, and longer than, what stands for a long key.
  std::vector<std::string> keys;
  for (const size_t size : {255U, 256U, 257U, 10000U}) {
    keys.push_back(std::string(size, 'k'));
    keys.push_back(std::string(size - 1, 'k') + 'l');
  }
  keys.push_back(std::string(100000, '\xff'));
  const Keys views(keys.begin(), keys.end());
  CHECK(state->spool("j", views, "p1", 2) == keys.size());
  CHECK(state->spool("j", views, "p2", 3) == keys.size());
  std::vector<std::string> found = all_keys(*state, "j", 2);
  std::ranges::sort(found);
  std::ranges::sort(keys);
  CHECK(found == keys);
  // What stands for a long key is itself a key that somebody may have.
  const std::string place = *from_hex(state->spooled_page("j", "", 100).keys.back().place);
  CHECK(place.size() == 256);
  CHECK(state->spool("j", Keys{place}, "p3", 4) == keys.size() + 1);

  constexpr int kMany = 100000;
  std::vector<std::string> many;
  for (int i = 0; i < kMany; ++i) many.push_back(fmt::format("{:018}", i * 7919 % kMany));
  state->begin_feed(a_feed("j", "p", 1));
  CHECK(state->spool("j", Keys(many.begin(), many.end()), "p1", 2) == kMany);
  found = all_keys(*state, "j", 9999);
  CHECK(found.size() == kMany);
  CHECK(std::ranges::is_sorted(found));
}

TEST_CASE("whoever lost the lease of a spool writes nothing") {
  const std::unique_ptr<State> state = make_pg_state(test_server(), "lost", true);
  state->ensure();
  std::string holder;
  REQUIRE(state->lease("spool of j", holder));
  state->begin_feed(a_feed("j", "p", 1));
  PgSession session(test_server(), "test");
  session.execute("UPDATE lost.leases SET token = 'another'");
  CHECK_THROWS_AS(state->spool("j", Keys{"a"}, "p1", 2), LeaseLost);
  CHECK_THROWS_AS(state->begin_feed(a_feed("j", "p2", 2)), LeaseLost);
  CHECK(session.query("SELECT position, spooled FROM lost.feeds").text(0, 0) == "p");
  CHECK(session.query("SELECT count(*) FROM lost.spool").text(0, 0) == "0");
}

TEST_CASE("the newest run that follows stands apart from the others, also when runs are pruned") {
  const std::unique_ptr<State> state = make_pg_state(test_server(), "apart", false);
  state->ensure();
  const auto run = [&](const std::string& id, std::string_view mode, const char* status) {
    RunRecord record;
    record.run = id, record.job = "j", record.mode = mode, record.status = RunStatus::kRunning;
    state->start(record, {});
    state->set_status(id, RunStatus::of(status), "");
  };
  CHECK_FALSE(state->latest_follow("j").has_value());
  run("1", "direct", "done");
  run("2", kFollowMode, "abandoned");
  CHECK(state->latest("j")->run == "1");
  run("3", "staged", "done");
  run("4", kFollowMode, "stopped");
  CHECK(state->latest("j")->run == "3");
  CHECK(state->latest_follow("j")->run == "4");
  // The copy whose changes are spooled is still needed.
  state->begin_feed(a_feed("j", "p", 1));
  CHECK(state->prune(0, 0).runs == 0);
  PgSession(test_server(), "test").execute("DELETE FROM apart.feeds");
  CHECK(state->prune(1, 0).runs == 1);
  CHECK_FALSE(state->find("1").has_value());
  CHECK(state->prune(0, 0).runs == 2);
  CHECK(state->find("4").has_value());
}
