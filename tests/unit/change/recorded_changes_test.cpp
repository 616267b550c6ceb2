// What a real server sent while it was written to, folded and applied by state: it must end where
// the server ended.
#include <set>

#include "change/changed_keys.hpp"
#include "change/id_key.hpp"
#include "change/resume_token.hpp"
#include "stream_events.hpp"

namespace lugger::test {
namespace {

std::string key_of(const Value& id) {
  ByteBuffer key;
  REQUIRE(make_id_key(id, key));
  return std::string(key.text());
}
std::string key_of(const std::string& document) {
  return key_of(bson_field(as_bytes(document), "_id"));
}

/// Documents of one collection by key.
using Collection = std::map<std::string, std::string>;
/// By "database.collection"; an empty one is not there.
using Server = std::map<std::string, Collection>;

Collection collection_of(const std::vector<std::string>& documents) {
  Collection out;
  for (const std::string& document : documents) out[key_of(document)] = document;
  return out;
}

/// Text to compare: names that are whole numbers come first and ascend, as in the recorded states.
std::string settled(const Value& value) {
  if (value.type != ValueType::kDocument && value.type != ValueType::kArray)
    return value_json(value, JsonStyle::kCanonical);
  std::vector<std::pair<uint64_t, std::string>> fields;
  for (BsonReader reader(value.bytes()); reader.next();) {
    const std::string name(reader.name());
    const bool number = !name.empty() && name.size() < 10 && (name[0] != '0' || name == "0") &&
                        name.find_first_not_of("0123456789") == std::string::npos;
    fields.emplace_back(number ? std::stoull(name) : UINT64_MAX,
                        name + ":" + settled(reader.value()));
  }
  std::stable_sort(fields.begin(), fields.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out = value.type == ValueType::kArray ? "[" : "{";
  for (const auto& field : fields) out += field.second + ",";
  return out + (value.type == ValueType::kArray ? "]" : "}");
}
std::string settled(const std::string& document) {
  return settled(Value::of(ValueType::kDocument, as_bytes(document)));
}

/// A reader of the stream: applies folds to what the dump held, and looks documents up.
class Follower {
 public:
  Follower(Server begin, const Server& end, const std::vector<std::string>& events)
      : state_(std::move(begin)), end_(end), events_(events) {}

  void follow(ChangedKeysLimits limits) {
    ChangedKeys keys(limits);
    for (; at_ < events_.size(); ++at_) {
      const StreamEvent event = read_stream_event(as_bytes(events_[at_]));
      if (keys.full()) flush(keys);
      if (keys.add(event) != ChangedKeys::Taken::kEnds) continue;
      flush(keys);
      apply_whole(event);
    }
    flush(keys);
  }
  const Server& state() const { return state_; }
  /// ns and key of every document that an event named.
  const std::set<std::pair<std::string, std::string>>& touched() const { return touched_; }

 private:
  void flush(ChangedKeys& keys) {
    for (const ChangedKey& key : keys.keys()) {
      const std::string ns(key.ns), id = key_of(key.id);
      touched_.emplace(ns, id);
      state_[ns].erase(id);
      if (key.state == KeyState::kDocument) state_[ns][id] = as_text(key.document);
      if (key.state == KeyState::kLookUp) look_up(ns, id);
    }
    keys.clear();
  }

  /// The server's last state, under the name that the collection will have then.
  void look_up(const std::string& ns, const std::string& id) {
    std::string name = ns;
    for (size_t i = at_; i < events_.size(); ++i) {
      const StreamEvent event = read_stream_event(as_bytes(events_[i]));
      if (event.kind == EventKind::kRename && event.ns.text() == name) name = event.to.text();
      if (event.kind == EventKind::kDrop && event.ns.text() == name) return;
    }
    const auto collection = end_.find(name);
    if (collection == end_.end()) return;
    const auto found = collection->second.find(id);
    if (found != collection->second.end()) state_[ns][id] = found->second;
  }

  void apply_whole(const StreamEvent& event) {
    if (event.kind == EventKind::kDrop) state_.erase(event.ns.text());
    if (event.kind == EventKind::kRename) {
      state_[event.to.text()] = std::move(state_[event.ns.text()]);
      state_.erase(event.ns.text());
    }
  }

  Server state_;
  const Server& end_;
  const std::vector<std::string>& events_;
  std::set<std::pair<std::string, std::string>> touched_;
  size_t at_ = 0;
};

/// ns and key of every document that the oplog changed, of one database.
std::set<std::pair<std::string, std::string>> touched_in_oplog(const std::string& name,
                                                               const std::string& database) {
  const std::vector<std::string> entries = documents_of(name);
  const OpenOplog open = [&] { return std::make_unique<MemoryFeed>(entries); };
  std::set<std::pair<std::string, std::string>> out;
  walk_changes(open, name, summarise_oplog(open, name), [&](const Change& change) {
    if (database_of(change.ns) == database) out.emplace(std::string(change.ns), key_of(change.id));
  });
  return out;
}

/// A capped collection drops its oldest documents without an event: there may be more here.
void check_collection(const Server& state, const Server& end, const std::string& ns,
                      bool capped = false) {
  INFO(ns);
  const auto found = state.find(ns);
  const Collection none, &here = found == state.end() ? none : found->second;
  const Collection& there = end.at(ns);
  if (!capped) CHECK(here.size() == there.size());
  for (const auto& [id, document] : there) {
    REQUIRE(here.count(id) == 1);
    CHECK(settled(here.at(id)) == settled(document));
  }
}

const std::vector<ChangedKeysLimits> kLimits = {{8 << 20, 20000}, {3000, 20000}, {8 << 20, 1}};

}  // namespace

TEST_CASE("the named steps of a real server, followed") {
  Server begin, end;
  for (const char* name : {"empty", "ids", "log", "orders", "types", "users"})
    begin[fmt::format("shop.{}", name)] =
        collection_of(documents_of(fmt::format("named/dump/shop/{}.bson", name)));
  for (const char* name :
       {"empty", "ids", "implicit", "later", "log", "orders", "steps", "types", "users"})
    end[fmt::format("shop.{}", name)] =
        collection_of(lines_of(fmt::format("named/final/{}.json", name)));
  const auto in_oplog = touched_in_oplog("named/oplog.bson", "shop");
  for (const char* stream : {"plain", "update-lookup"}) {
    const std::vector<std::string> events =
        documents_of(fmt::format("named/changes/{}.bson.gz", stream));
    REQUIRE(events.size() == 402);
    for (const ChangedKeysLimits& limits : kLimits) {
      Follower follower(begin, end, events);
      follower.follow(limits);
      for (const auto& [ns, documents] : end)
        check_collection(follower.state(), end, ns, ns == "shop.log");
      auto touched = follower.touched();
      // It was written before the steps began: the oplog of the steps does not have it.
      touched.erase({"shop.raw",
                     "\x08"
                     "bool 2"});
      CHECK(touched == in_oplog);
    }
  }
}

TEST_CASE("thousands of random operations and transactions of a real server, followed") {
  for (const std::string recording : {"random", "random-v1"}) {
    Server begin, end;
    for (const char* name : {"alpha", "beta"}) {
      const std::string ns = fmt::format("rnd.{}", name);
      begin[ns] = collection_of(documents_of(fmt::format("{}/dump/rnd/{}.bson", recording, name)));
      end[ns] = collection_of(lines_of(fmt::format("{}/final/{}.json.gz", recording, name)));
    }
    const std::vector<std::string> events = documents_of(recording + "/changes.bson.gz");
    const auto in_oplog = touched_in_oplog(recording + "/oplog.bson", "rnd");
    for (const ChangedKeysLimits& limits : kLimits) {
      Follower follower(begin, end, events);
      follower.follow(limits);
      for (const char* ns : {"rnd.alpha", "rnd.beta"}) check_collection(follower.state(), end, ns);
      CHECK(follower.touched() == in_oplog);
    }
  }
}

TEST_CASE("every recorded event has a time, that of its token, and times never go back") {
  for (const char* name : {"named/changes/plain.bson.gz", "named/changes/update-lookup.bson.gz",
                           "named/changes/collection-late.bson.gz", "random/changes.bson.gz",
                           "random-v1/changes.bson.gz"}) {
    StreamPosition last;
    uint64_t in_transactions = 0;
    for (const std::string& bytes : documents_of(name)) {
      const StreamEvent event = read_stream_event(as_bytes(bytes));
      REQUIRE(event.kind != EventKind::kOther);
      REQUIRE(token_time(event.token) == event.time);
      REQUIRE(event.session.empty() == (event.transaction.type == ValueType::kMissing));
      in_transactions += event.session.empty() ? 0 : 1;
      const StreamPosition position = StreamPosition::behind(event.token);
      REQUIRE_FALSE(position.is_before(last));
      REQUIRE(stream_position(position_text(position), name) == position);
      last = position;
    }
    CHECK((in_transactions > 0) == !std::string_view(name).starts_with("named/changes/coll"));
  }
}

TEST_CASE("events and tokens inside of a server's replies") {
  std::string kinds;
  for (const char* name :
       {"open", "resumed", "invalidate", "start-after-invalidate", "drop-database"}) {
    for (const std::string& line :
         lines_of(fmt::format("replies/change-stream-{}.json", name))) {
      const Value cursor = bson_field(as_bytes(line), "cursor");
      if (cursor.type == ValueType::kMissing) {
        kinds += fmt::format("{} ", read_stream_event(as_bytes(line)).operation);
        continue;
      }
      const Value first = bson_field(cursor.bytes(), "firstBatch"),
                  next = bson_field(cursor.bytes(), "nextBatch");
      const Value& batch = first.type == ValueType::kArray ? first : next;
      for (BsonReader reader(batch.bytes()); reader.next();)
        kinds += fmt::format("{} ", read_stream_event(reader.value().bytes()).operation);
      CHECK(token_time(bson_field(cursor.bytes(), "postBatchResumeToken").bytes()));
    }
  }
  std::string drops;
  for (int i = 0; i < 10; ++i) drops += "drop ";
  CHECK(kinds ==
        "insert insert insert insert rename invalidate " + drops + "dropDatabase invalidate ");
}

}  // namespace lugger::test
