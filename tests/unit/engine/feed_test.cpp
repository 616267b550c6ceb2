// A source that goes on for ever: idle now and then, read in units that end by age, stopped and
// resumed. The feed is scripted, so that the test decides when something comes.
#include <charconv>
#include <thread>

#include "engine/job_impl.hpp"
#include "engine_fixture.hpp"

namespace lugger::test {
namespace {

/// What the feed holds so far: at each place a document or, where it is empty, something that
/// concerns others. Positions count places.
class Script {
 public:
  void add(std::string document) {
    const std::lock_guard lock(mutex_);
    places_.push_back(std::move(document));
  }
  void end() { ended_ = true; }
  bool ended() const { return ended_; }
  /// Nothing: there is none yet.
  std::optional<std::string> at(size_t place) const {
    const std::lock_guard lock(mutex_);
    if (place >= places_.size()) return std::nullopt;
    return places_[place];
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> places_;
  std::atomic<bool> ended_{false};
};

class FeedCursor final : public Cursor {
 public:
  FeedCursor(const Script& script, size_t place) : script_(script), place_(place) {}

  Next next(Batch& batch, const StopFlag& stop) override {
    for (; batch.documents.size() < batch.max_documents; ++place_) {
      const std::optional<std::string> found = script_.at(place_);
      if (!found) break;
      if (found->empty()) continue;
      const uint8_t* kept = batch.arena().copy(as_bytes(*found));
      batch.documents.push_back(
          {kept, static_cast<uint32_t>(found->size()), Format::kBson, nullptr});
      batch.source_bytes += found->size();
    }
    if (!batch.documents.empty()) return Next::kBatch;
    if (script_.ended()) return Next::kEnd;
    if (!stop.requested()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return Next::kIdle;
  }
  Position position() const override { return fmt::format("place:{}", place_); }
  uint64_t bytes() const override { return 0; }

 private:
  const Script& script_;
  size_t place_;
};

class Feed final : public Source {
 public:
  explicit Feed(const Script& script) : script_(script) {}
  SourceInfo info() const override {
    SourceInfo out;
    out.kind = "feed", out.place = "feed", out.identity = "feed", out.live = true;
    return out;
  }
  std::vector<Partition> split(int) override { return {Partition{"0", "", 0}}; }
  std::unique_ptr<Cursor> open(const Partition&, const Position& after) override {
    size_t place = 0;
    if (!after.empty())
      std::from_chars(after.data() + sizeof "place:" - 1, after.data() + after.size(), place);
    return std::make_unique<FeedCursor>(script_, place);
  }

 private:
  const Script& script_;
};

struct Following {
  Following(const Script& script, const std::string& url)
      : job(spec("-", url, {column("n", "int4")})) {
    job.impl().source = std::make_unique<Feed>(script);
    run = job.start(one_worker());
  }
  Job job;
  std::unique_ptr<Run> run;
};

/// Polls until the query gives it, or the test has failed.
bool comes(Database& database, const std::string& query, const std::string& wanted) {
  for (int i = 0; i < 600; ++i) {
    if (database.rows(query) == wanted) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

constexpr char kPosition[] = "select position from lugger.partitions";

}  // namespace

TEST_CASE("what a feed gave is committed while it idles, and so is how far it was read") {
  Database database;
  Script script;
  const std::vector<std::string> documents = numbered(5);
  script.add(documents[0]);
  Following feed(script, database.url());
  CHECK(comes(database, "select count(*) from docs", "1"));
  CHECK(comes(database, kPosition, "place:1"));
  script.add("");
  script.add("");
  CHECK(comes(database, kPosition, "place:3"));
  script.add(documents[1]);
  script.add(documents[2]);
  CHECK(comes(database, "select count(*) from docs", "3"));
  CHECK_FALSE(feed.run->ended());
  feed.run->stop(StopLevel::kFinish);
  const RunResult stopped = feed.run->result();
  CHECK(stopped.status == "stopped");
  CHECK(counts(stopped.tally) ==
        "read 3: inserted 3, updated 0, unchanged 0, skipped 0, rejected 0");

  script.add(documents[3]);
  script.add(documents[4]);
  script.end();
  Following resumed(script, database.url());
  const RunResult done = resumed.run->result();
  CHECK(done.status == "done");
  CHECK(done.run == stopped.run);
  CHECK(counts(done.tally) == "read 5: inserted 5, updated 0, unchanged 0, skipped 0, rejected 0");
  CHECK(database.rows("select count(*), sum(n) from docs") == "5|10");
}

TEST_CASE("a feed that waits can be stopped at once") {
  Database database;
  Script script;
  Following feed(script, database.url());
  feed.run->stop(StopLevel::kNow);
  CHECK(feed.run->result().status == "stopped");
}

}  // namespace lugger::test
