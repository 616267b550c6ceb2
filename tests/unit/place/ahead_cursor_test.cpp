#include "place/ahead_cursor.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "place/ddl.hpp"

namespace lugger {
namespace {

using namespace std::chrono_literals;

/// What a cursor gives at one call.
struct Step {
  std::vector<std::string> documents;
  bool more = false;  // at_hand() behind it
  Next got = Next::kBatch;
  std::optional<Error> fault = {};
  std::optional<Ddl> ddl = {};
  std::string notice = {};
};

/// The script of a cursor, and what was asked of it.
class Script {
 public:
  std::vector<Step> steps;
  std::function<void(size_t)> before = [](size_t) {};

  size_t asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  /// True: the cursor was asked so often, within some seconds.
  bool is_asked(size_t times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return asked_ >= times; });
  }
  void ask() {
    const std::lock_guard lock(mutex_);
    ++asked_;
    changed_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  size_t asked_ = 0;
};

class ScriptCursor final : public Cursor {
 public:
  explicit ScriptCursor(Script& script) : script_(script) {}

  Next next(Batch& batch, const StopFlag&) override {
    const size_t at = at_;
    script_.ask();
    script_.before(at);
    if (ddl()) return Next::kIdle;
    if (at == script_.steps.size()) return Next::kIdle;
    const Step& step = script_.steps[at_++];
    if (step.fault) throw Error(*step.fault);
    for (const std::string& document : step.documents) {
      // A document of which the operation is said, beside others of which none is.
      if (document.starts_with("-")) {
        batch.operations.resize(batch.documents.size(), Operation::kUpsert);
        batch.operations.push_back(Operation::kDelete);
      }
      batch.documents.push_back({batch.arena().copy(as_bytes(document)),
                                 static_cast<uint32_t>(document.size()), Format::kBson, nullptr});
      batch.source_bytes += document.size();
    }
    return step.got;
  }
  Position position() const override { return std::to_string(at_); }
  uint64_t bytes() const override { return 100 * at_; }
  bool at_hand() override { return at_ != 0 && script_.steps[at_ - 1].more; }
  const Ddl* ddl() const override {
    return passed_ == at_ || at_ == 0 || !script_.steps[at_ - 1].ddl ? nullptr
                                                                     : &*script_.steps[at_ - 1].ddl;
  }
  void pass_ddl(bool) override { passed_ = at_; }
  std::vector<Notice> take_notices() override {
    if (at_ == 0 || script_.steps[at_ - 1].notice.empty()) return {};
    return {{"", "kind", script_.steps[at_ - 1].notice, ""}};
  }

 private:
  Script& script_;
  size_t at_ = 0, passed_ = 0;
};

/// Reads a cursor batch by batch.
class Reader {
 public:
  explicit Reader(Script& script) : cursor(read_ahead(std::make_unique<ScriptCursor>(script))) {}

  /// The documents of the next batch, with a comma behind each; "idle", "end".
  std::string next(uint32_t most = 1000) {
    batch_.clear();
    batch_.max_documents = most;
    const Next got = cursor->next(batch_, kNeverStopped);
    if (got != Next::kBatch) return got == Next::kEnd ? "end" : "idle";
    std::string out;
    for (size_t i = 0; i < batch_.documents.size(); ++i) {
      out += as_text(batch_.documents[i].bytes());
      out += batch_.operation(i) == Operation::kDelete ? "!," : ",";
    }
    return out;
  }

  Arena arena;
  std::unique_ptr<Cursor> cursor;

 private:
  Batch batch_{arena};
};

TEST_CASE("what is at hand is read ahead, and positions are of what was given") {
  Script script;
  script.steps = {{{"a", "-b"}, true}, {{"c"}, true}, {{"d"}, false}, {{"e"}, false}};
  Reader reader(script);
  CHECK(reader.cursor->position() == "0");
  CHECK(reader.next() == "a,-b!,");
  CHECK(script.is_asked(3));
  CHECK(reader.cursor->position() == "1");
  CHECK(reader.cursor->bytes() == 100);
  CHECK(reader.cursor->at_hand());
  CHECK(reader.next() == "c,");
  CHECK(reader.next() == "d,");
  CHECK(reader.cursor->position() == "3");
  CHECK_FALSE(reader.cursor->at_hand());
  // What is not there yet is not asked for ahead.
  std::this_thread::sleep_for(50ms);
  CHECK(script.asked() == 3);
  CHECK(reader.next() == "e,");
  CHECK(reader.next() == "idle");
  CHECK(reader.cursor->position() == "4");
}

TEST_CASE("so much is read ahead and no more") {
  Script script;
  const std::string large(300 << 10, 'x');
  for (int i = 0; i < 100; ++i) script.steps.push_back({{large}, true});
  SECTION("of large documents, by their bytes") {
    Reader reader(script);
    CHECK(reader.next() == large + ",");
    CHECK(script.is_asked(7));
    std::this_thread::sleep_for(50ms);
    CHECK(script.asked() <= 8);
    for (int i = 1; i < 100; ++i) REQUIRE(reader.next() == large + ",");
  }
  SECTION("of small ones, by their batches") {
    for (size_t i = 0; i < script.steps.size(); ++i)
      script.steps[i].documents = {fmt::format("{}", i)};
    Reader reader(script);
    CHECK(reader.next() == "0,");
    CHECK(script.is_asked(9));
    std::this_thread::sleep_for(50ms);
    CHECK(script.asked() == 9);
    for (size_t i = 1; i < 100; ++i) REQUIRE(reader.next() == fmt::format("{},", i));
  }
}

TEST_CASE("a reader that wants less gets it, and the position stands until all was given") {
  Script script;
  script.steps = {{{"a", "b", "c"}, true}, {{"d"}, false}};
  Reader reader(script);
  CHECK(reader.next(2) == "a,b,");
  CHECK(reader.cursor->position() == "0");
  CHECK(reader.cursor->at_hand());
  CHECK(reader.next(2) == "c,");
  CHECK(reader.cursor->position() == "1");
  CHECK(reader.next(2) == "d,");
}

TEST_CASE("an error comes behind what was read before it, again and again") {
  Script script;
  script.steps = {
      {{"a"}, true}, {{"b"}, true}, {{}, true, Next::kBatch, Error(Code::kRead, "broken")}};
  Reader reader(script);
  CHECK(reader.next() == "a,");
  CHECK(script.is_asked(3));
  CHECK(reader.next() == "b,");
  CHECK(reader.cursor->position() == "2");
  CHECK_THROWS_WITH(reader.next(), ContainsSubstring("broken"));
  CHECK_THROWS_WITH(reader.next(), ContainsSubstring("broken"));
  CHECK(reader.cursor->position() == "2");
}

TEST_CASE("nothing is read behind what is done to the collection, until it is passed") {
  Script script;
  Ddl drop;
  drop.what = "drop";
  script.steps = {{{"a"}, true}, {{"b"}, true, Next::kBatch, {}, drop}, {{"c"}, false}};
  Reader reader(script);
  CHECK(reader.next() == "a,");
  CHECK(reader.cursor->ddl() == nullptr);
  CHECK(script.is_asked(2));
  CHECK(reader.next() == "b,");
  REQUIRE(reader.cursor->ddl() != nullptr);
  CHECK(reader.cursor->ddl()->what == "drop");
  CHECK(reader.next() == "idle");
  CHECK(script.asked() == 2);
  reader.cursor->pass_ddl(false);
  CHECK(reader.cursor->ddl() == nullptr);
  CHECK(reader.next() == "c,");
}

TEST_CASE("an end is the end, and notices come with what they are of") {
  Script script;
  script.steps = {{{"a"}, true, Next::kBatch, {}, {}, "first"},
                  {{"b"}, true, Next::kBatch, {}, {}, "second"},
                  {{}, false, Next::kEnd}};
  Reader reader(script);
  CHECK(reader.next() == "a,");
  CHECK(script.is_asked(3));
  const std::vector<Notice> first = reader.cursor->take_notices();
  REQUIRE(first.size() == 1);
  CHECK(first.front().name == "first");
  CHECK(reader.next() == "b,");
  CHECK(reader.cursor->take_notices().size() == 1);
  CHECK(reader.cursor->take_notices().empty());
  CHECK(reader.next() == "end");
  CHECK(reader.next() == "end");
}

TEST_CASE("whoever leaves waits for an answer that is under way, and ends one that does not come") {
  Script script;
  script.steps = {{{"a"}, true}, {{"b"}, false}};
  std::atomic<bool> came_back{false};
  script.before = [&](size_t at) {
    if (at != 1) return;
    std::this_thread::sleep_for(100ms);
    came_back = true;
  };
  {
    Reader reader(script);
    CHECK(reader.next() == "a,");
    CHECK(script.is_asked(2));
  }
  CHECK(came_back);
  bool was_ended = false;
  script.before = [&](size_t) {
    while (!StopScope::current().due()) std::this_thread::sleep_for(5ms);
    was_ended = true;
    raise(Code::kInterrupted, "ended");
  };
  Script stuck;
  stuck.steps = {{{"a"}, true}};
  stuck.before = [&](size_t at) {
    if (at == 1) script.before(at);
  };
  {
    Reader reader(stuck);
    CHECK(reader.next() == "a,");
    CHECK(stuck.is_asked(2));
  }
  CHECK(was_ended);
}

TEST_CASE("a stop ends the wait for documents") {
  Script script;
  script.before = [&](size_t) {
    while (!StopScope::current().due()) std::this_thread::sleep_for(5ms);
  };
  StopFlag stop;
  const StopScope scope(stop);
  stop.set(StopLevel::kNow);
  Reader reader(script);
  CHECK_THROWS_WITH(reader.next(), ContainsSubstring("stopped"));
}

}  // namespace
}  // namespace lugger
