// Documents that come, change and go, their child rows with them: each does what it would do if it
// came alone when its turn comes, however a unit cuts them, and whoever is killed meanwhile.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <random>

#include "engine/job_impl.hpp"
#include "engine_fixture.hpp"
#include "feed.hpp"
#include "value/bson_writer.hpp"

namespace lugger::test {
namespace {

struct State {
  int n = 0;
  std::vector<int> tags;
  bool operator==(const State&) const = default;
};
using States = std::map<int, State>;

void put_id(BsonWriter& writer, int id, bool text) {
  if (text)
    writer.append("_id", Value::of(ValueType::kString, std::string_view(id % 2 == 0 ? "A" : "a")));
  else
    writer.append("_id", Value::of(ValueType::kInt32, id));
}

std::string document(int id, const State& state, bool text = false) {
  ByteBuffer bytes;
  BsonWriter writer(bytes);
  writer.begin_document();
  put_id(writer, id, text);
  writer.append("n", Value::of(ValueType::kInt32, state.n));
  writer.begin_array("tags");
  for (size_t i = 0; i < state.tags.size(); ++i) {
    writer.begin_document(std::to_string(i));
    writer.append("t", Value::of(ValueType::kInt32, state.tags[i]));
    writer.end();
  }
  writer.end();
  writer.end();
  return std::string(bytes.text());
}

std::string only_id(int id, bool text = false) {
  ByteBuffer bytes;
  BsonWriter writer(bytes);
  writer.begin_document();
  put_id(writer, id, text);
  writer.end();
  return std::string(bytes.text());
}

JobSpec changes_spec(const std::string& url) {
  JobSpec out = spec("-", url, {column("n", "int4")});
  out.mapping.on_conflict = OnConflict::kUpdate;
  ChildMapping tags;
  tags.table = "docs_tags";
  tags.from = "tags[]";
  tags.columns = {column("t", "int4")};
  tags.parent = {"doc"};
  out.mapping.children = {tags};
  return out;
}

struct Following {
  Following(const Script& script, JobSpec spec) : job(std::move(spec)) {
    job.impl().source = std::make_unique<Feed>(script, true);
    run = job.start(one_worker());
  }
  RunResult result() { return run->result(); }
  Job job;
  std::unique_ptr<Run> run;
};

RunResult follow(const Script& script, JobSpec spec) {
  return Following(script, std::move(spec)).result();
}

std::string told(const Tally& t) {
  return fmt::format("read {}: inserted {}, updated {}, unchanged {}, deleted {}, rejected {}",
                     t.read, t.inserted, t.updated, t.unchanged, t.deleted, t.rejected);
}

/// What rows() says of the two tables.
std::string rows_of(const States& states) {
  std::string out;
  for (const auto& [id, state] : states) {
    out += fmt::format("{}{}|{}|", out.empty() ? "" : "\n", id, state.n);
    if (state.tags.empty()) out += "NULL";
    out += fmt::format("{}", fmt::join(state.tags, ","));
  }
  return out;
}

constexpr char kRows[] =
    "select d.mongo_id, d.n, string_agg(t.t::text, ',' order by t.ordinal) from docs d left join "
    "docs_tags t on t.doc = d.mongo_id group by 1, 2 order by substr(d.mongo_id, 4)::int";
constexpr char kStray[] =
    "select count(*) from docs_tags where doc not in (select mongo_id from docs)";

std::string prefixed(const States& states) {
  std::string out = rows_of(states);
  if (out.empty()) return out;
  out.insert(0, "$n:");
  for (size_t at = out.find('\n'); at != std::string::npos; at = out.find('\n', at + 1))
    out.insert(at + 1, "$n:");
  return out;
}

/// Random changes of a few documents: what they are, what is left, and how each counts.
class RandomChanges {
 public:
  RandomChanges(uint32_t seed, int ids) : random_(seed), ids_(ids) {}

  void add_to(Script& script, int count, States& states, Tally& tally) {
    for (int i = 0; i < count; ++i) {
      const int id = below(ids_);
      ++tally.read;
      const auto found = states.find(id);
      if (below(10) < 4) {
        script.add(only_id(id), Operation::kDelete);
        ++(found == states.end() ? tally.unchanged : tally.deleted);
        states.erase(id);
        continue;
      }
      State state{below(3), {}};
      for (int tags = below(3); tags != 0; --tags) state.tags.push_back(below(3));
      script.add(document(id, state));
      if (found == states.end()) {
        ++tally.inserted;
      } else {
        ++(found->second == state ? tally.unchanged : tally.updated);
      }
      states[id] = state;
    }
  }

 private:
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  std::mt19937 random_;
  int ids_;
};

/// Polls until the ledger has the position, or the test has failed.
bool is_read_to(Database& database, int place) {
  for (int i = 0; i < 600; ++i) {
    try {
      if (database.rows("select position from lugger.partitions") == fmt::format("place:{}", place))
        return true;
    } catch (const Error&) {
      // There is no ledger yet.
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

}  // namespace

TEST_CASE("random inserts, updates and deletes of one unit do what each would do alone") {
  for (uint32_t seed = 1; seed <= 24; ++seed) {
    CAPTURE(seed);
    Database database;
    Script script;
    States states;
    Tally tally;
    RandomChanges changes(seed, seed % 3 == 0 ? 2 : 12);
    changes.add_to(script, 80, states, tally);
    script.end();
    JobSpec job = changes_spec(database.url());
    if (seed % 2 == 0) job.target_options.set("writer", std::string("statement"));
    const RunResult result = follow(script, job);
    CHECK(result.status == RunStatus::kDone);
    CHECK(told(result.tally) == told(tally));
    CHECK(result.tally.balanced());
    CHECK(database.rows(kRows) == prefixed(states));
    CHECK(database.rows(kStray) == "0");
    // A feed that begins anew from an earlier place ends in the same rows.
    CHECK(follow(script, job).status == RunStatus::kDone);
    CHECK(database.rows(kRows) == prefixed(states));
  }
}

TEST_CASE(
    "a process that is killed, and sessions that are, leave no change out and take none twice") {
  Database database;
  States states;
  Tally tally;
  RandomChanges changes(7, 30);
  constexpr int kEach = 120;
  Script script;
  for (int round = 1; round <= 3; ++round) {
    changes.add_to(script, kEach, states, tally);
    const pid_t child = fork();
    if (child == 0) {
      static_cast<void>(follow(script, changes_spec(database.url())));
      _exit(0);
    }
    if (round == 2) {
      std::this_thread::sleep_for(std::chrono::milliseconds(900));  // somewhere within a unit
    } else {
      CHECK(is_read_to(database, round * kEach));
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  changes.add_to(script, kEach, states, tally);
  Following last(script, changes_spec(database.url()));
  static_cast<void>(
      database.rows("select pg_terminate_backend(pid) from pg_stat_activity where application_name "
                    "= 'lugger load' "
                    "and datname = current_database()"));
  script.end();
  const RunResult result = last.result();
  CHECK(result.status == RunStatus::kDone);
  CHECK(told(result.tally) == told(tally));
  CHECK(database.rows(kRows) == prefixed(states));
  CHECK(database.rows(kStray) == "0");
}

TEST_CASE("where the order of two keys matters to a constraint, the unit comes in order") {
  Database database;
  Script script;
  // n is unique: each number moves from one document to the next.
  script.add(document(1, {7, {}}));
  script.add(only_id(1), Operation::kDelete);
  script.add(document(2, {7, {}}));
  script.add(only_id(2), Operation::kDelete);
  script.add(document(3, {7, {}}));
  script.end();
  JobSpec job = changes_spec(database.url());
  static_cast<void>(
      database.rows("create table docs (mongo_id text primary key, n int4 unique); select 1"));
  const RunResult result = follow(script, job);
  CHECK(result.status == RunStatus::kDone);
  CHECK(told(result.tally) == "read 5: inserted 3, updated 0, unchanged 0, deleted 2, rejected 0");
  CHECK(database.rows("select mongo_id, n from docs") == "$n:3|7");
}

TEST_CASE(
    "keys that the server finds equal though their texts differ keep the order they came in") {
  Database database;
  static_cast<void>(database.rows(
      "create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
      "create table docs (mongo_id text collate nocase primary key, n int4); select 1"));
  Script script;
  script.add(document(0, {1, {}}, true));
  script.add(only_id(1, true), Operation::kDelete);  // "a": finds "A"
  script.add(document(1, {2, {}}, true));
  script.add(only_id(0, true), Operation::kDelete);
  script.add(document(0, {3, {}}, true));
  script.end();
  const RunResult result = follow(script, changes_spec(database.url()));
  CHECK(told(result.tally) == "read 5: inserted 3, updated 0, unchanged 0, deleted 2, rejected 0");
  CHECK(database.rows("select mongo_id, n from docs") == "A|3");
}

TEST_CASE("a delete that the server refuses is a reject, and retried as a delete") {
  Database database;
  Script script;
  script.add(document(1, {1, {}}));
  script.add(document(2, {2, {}}));
  script.end();
  JobSpec job = changes_spec(database.url());
  CHECK(follow(script, job).status == RunStatus::kDone);
  static_cast<void>(database.rows(
      "create table orders (doc text references docs (mongo_id)); insert into orders values "
      "('$n:1'); select 1"));
  Script later;
  later.add(only_id(1), Operation::kDelete);
  later.add(only_id(2), Operation::kDelete);
  later.end();
  CHECK(told(follow(later, job).tally) ==
        "read 2: inserted 0, updated 0, unchanged 0, deleted 1, rejected 1");
  CHECK(database.rows("select document_id, code, operation from lugger.rejects") ==
        "$n:1|server|delete");
  static_cast<void>(database.rows("delete from orders; select 1"));
  Job again(job);
  again.impl().source = std::make_unique<Feed>(later, true);
  RunSettings settings = one_worker();
  settings.retry_rejects = true;
  CHECK(told(again.start(settings)->result().tally) ==
        "read 1: inserted 0, updated 0, unchanged 0, deleted 1, rejected 0");
  CHECK(database.rows("select count(*) from docs") == "0");
  CHECK(database.rows("select count(*) from lugger.rejects") == "0");
}

TEST_CASE("of a document that changes, only what became of it last is kept as a reject") {
  constexpr char kTable[] =
      "create table docs (mongo_id text primary key, n int2 check (n <> 13)); select 1";
  constexpr char kRejects[] = "select document_id, code from lugger.rejects order by 1, 2";
  const auto small = [](const std::string& url) {
    JobSpec out = spec("-", url, {column("n", "int2")});
    out.mapping.on_conflict = OnConflict::kUpdate;
    return out;
  };
  Database database;
  static_cast<void>(database.rows(kTable));
  Script script;
  for (int id = 1; id <= 6; ++id) script.add(document(id, {id == 6 ? 1 : 100000, {}}));
  Following running(script, small(database.url()));
  CHECK(is_read_to(database, 6));
  CHECK(database.rows("select count(*) from lugger.rejects") == "5");
  script.add(document(1, {5, {}}));
  script.add(document(2, {13, {}}));  // the server refuses it now
  script.add(document(3, {13, {}}));
  script.add(document(3, {6, {}}));
  script.add(only_id(4), Operation::kDelete);
  script.add(document(6, {7, {}}));
  script.add(document(6, {100000, {}}));
  CHECK(is_read_to(database, 13));
  CHECK(database.rows(kRejects) == "$n:2|server\n$n:5|out_of_range\n$n:6|out_of_range");
  CHECK(database.rows("select mongo_id, n from docs order by 1") == "$n:1|5\n$n:3|6\n$n:6|7");
  running.run->stop(StopLevel::kFinish);
  CHECK(told(running.result().tally) ==
        "read 13: inserted 3, updated 1, unchanged 1, deleted 0, rejected 7");

  // Also when nothing was refused before.
  Database other;
  static_cast<void>(other.rows(kTable));
  Script last;
  last.add(document(7, {100000, {}}));
  last.add(document(8, {13, {}}));
  last.add(document(7, {1, {}}));
  last.add(document(8, {1, {}}));
  last.add(document(8, {13, {}}));
  last.end();
  CHECK(follow(last, small(other.url())).tally.rejected == 2);
  CHECK(other.rows(kRejects) == "$n:8|server");
}

TEST_CASE("a trigger that keeps a row keeps its child rows, and that is told") {
  Database database;
  Script script;
  script.add(document(1, {1, {5}}));
  script.add(document(2, {2, {6}}));
  script.end();
  JobSpec job = changes_spec(database.url());
  CHECK(follow(script, job).status == RunStatus::kDone);
  static_cast<void>(database.rows(
      "create function keep() returns trigger language plpgsql as 'begin if old.n = 1 then return "
      "null; end if; return old; end'; create trigger keep before delete on docs for each row "
      "execute function keep(); select 1"));
  Script later;
  later.add(only_id(1), Operation::kDelete);
  later.add(only_id(2), Operation::kDelete);
  later.end();
  const Tally tally = follow(later, job).tally;
  CHECK(tally.suppressed == 1);
  CHECK(tally.deleted == 1);
  CHECK(database.rows(kRows) == "$n:1|1|5");
}

TEST_CASE("jobs that could not delete are refused before anything is read") {
  Database database;
  Script script;
  script.end();
  const auto refusal = [&](const JobSpec& job) {
    return error_of([&] { static_cast<void>(follow(script, job)); }).message();
  };
  JobSpec skips = changes_spec(database.url());
  skips.mapping.on_conflict = OnConflict::kSkip;
  CHECK_THAT(refusal(skips), ContainsSubstring("set on_conflict = \"update\""));
  JobSpec by_n = changes_spec(database.url());
  by_n.mapping.key = {"n"};
  by_n.mapping.children.clear();
  CHECK_THAT(refusal(by_n), ContainsSubstring("docs.n is in the key and not made of _id"));
  const Scratch scratch;
  JobSpec lines = changes_spec(scratch.path("out.jsonl"));
  CHECK_THAT(refusal(lines), ContainsSubstring("takes no deletes"));
}

}  // namespace lugger::test
