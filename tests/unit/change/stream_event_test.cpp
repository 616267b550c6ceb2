#include "change/resume_token.hpp"
#include "random_bson.hpp"
#include "stream_events.hpp"

namespace lugger::test {
namespace {

const std::string kNs = "'ns':{'db':'shop','coll':'a'}", kKey = "'documentKey':{'_id':1}";

Error error_reading(const std::string& bytes) {
  return error_of([&] { read_stream_event(as_bytes(bytes)); });
}

std::string operation(const std::string& name, const std::string& more = {}) {
  return "'operationType':'" + name + "'" + (more.empty() ? "" : "," + more);
}

}  // namespace

TEST_CASE("an event of a change stream is read by name, whatever the order of its fields") {
  const std::string bytes = event_bson(
      "'documentKey':{'region':'eu','_id':{'$oid':'64f1c0a1b2c3d4e5f6071829'}},"
      "'lsid':{'id':1},'txnNumber':{'$numberLong':'7'},'fullDocument':{'_id':1,'n':2},"
      "'later':{'added':[1]}," +
          kNs + ",'wallTime':{'$date':{'$numberLong':'1795255579123'}}," + operation("replace"),
      1795255579, 282);
  const StreamEvent event = read_stream_event(as_bytes(bytes));
  CHECK(event.kind == EventKind::kReplace);
  CHECK(event.operation == "replace");
  CHECK(event.ns.text() == "shop.a");
  CHECK(event.to.empty());
  CHECK(value_json(event.id) == R"({"$oid":"64f1c0a1b2c3d4e5f6071829"})");
  CHECK(text(event.document.bytes()) == R"({"_id":1,"n":2})");
  CHECK(event.time == (uint64_t{1795255579} << 32 | 282));
  CHECK(text(event.token) == R"({"_data":"826B016D1B0000011A04"})");
  CHECK(text(event.session) == R"({"id":1})");
  CHECK(event.transaction.i64 == 7);
  CHECK(event.wall_ms == 1795255579123);
  CHECK(event.is_last_fragment());
}

TEST_CASE("a document that was not sent, one that was not found, and one that was") {
  const auto full = [](const std::string& more) {
    const std::string bytes = event_bson(operation("update", kNs + "," + kKey + more));
    return read_stream_event(as_bytes(bytes)).document.type;
  };
  CHECK(full("") == ValueType::kMissing);
  CHECK(full(",'fullDocument':null") == ValueType::kNull);
  CHECK(full(",'fullDocument':{}") == ValueType::kDocument);
  CHECK_THAT(error_reading(event_bson(operation("update", kNs + "," + kKey + ",'fullDocument':[]")))
                 .what(),
             ContainsSubstring("fullDocument is of type array"));
}

TEST_CASE("events of whole collections, and kinds of newer servers") {
  const auto read = [](const std::string& fields, const auto& look) {
    const std::string bytes = event_bson(fields);
    look(read_stream_event(as_bytes(bytes)));
  };
  read(operation("rename", kNs + ",'to':{'db':'shop','coll':'b.c'}"), [](const StreamEvent& event) {
    CHECK(event.kind == EventKind::kRename);
    CHECK(event.ns.text() == "shop.a");
    CHECK(event.to.text() == "shop.b.c");
    CHECK(changes_namespace(event.kind));
  });
  read(operation("drop", kNs),
       [](const StreamEvent& event) { CHECK(event.kind == EventKind::kDrop); });
  read(operation("dropDatabase", "'ns':{'db':'shop'}"), [](const StreamEvent& event) {
    CHECK(event.kind == EventKind::kDropDatabase);
    CHECK(event.ns.text() == "shop");
  });
  read(operation("invalidate"), [](const StreamEvent& event) {
    CHECK(event.kind == EventKind::kInvalidate);
    CHECK(event.ns.empty());
    CHECK(changes_namespace(event.kind));
  });
  const std::pair<const char*, EventKind> expanded[] = {
      {"create", EventKind::kCreate},
      {"createIndexes", EventKind::kCreateIndexes},
      {"dropIndexes", EventKind::kDropIndexes},
      {"modify", EventKind::kModify},
      {"shardCollection", EventKind::kShardCollection},
      {"reshardCollection", EventKind::kReshardCollection},
      {"refineCollectionShardKey", EventKind::kRefineCollectionShardKey},
      {"startIndexBuild", EventKind::kStartIndexBuild},
      {"abortIndexBuild", EventKind::kAbortIndexBuild},
      {"endOfTransaction", EventKind::kOther},
      {"Insert", EventKind::kOther},
  };
  for (const auto& [name, kind] : expanded) {
    read(operation(name, "'operationDescription':{'indexes':[]},'nsType':'view'"),
         [&, kind = kind, name = name](const StreamEvent& event) {
           CHECK(event.kind == kind);
           CHECK(event.operation == name);
           CHECK_FALSE(changes_document(event.kind));
           CHECK_FALSE(changes_namespace(event.kind));
         });
  }
}

TEST_CASE("what an event lacks is named, and where it stands") {
  const std::string key = kNs + "," + kKey;
  const std::pair<std::string, const char*> broken[] = {
      {event_bson(key), "no operationType"},
      {event_bson("'operationType':1," + key), "no operationType"},
      {event_bson(operation("insert", kKey)), "no ns.db"},
      {event_bson(operation("delete", kKey + ",'ns':{'db':'shop'}")), "no ns.coll"},
      {event_bson(operation("update", kNs)), "no documentKey._id"},
      {event_bson(operation("update", kNs + ",'documentKey':{'region':1}")), "no documentKey._id"},
      {event_bson(operation("drop", "'ns':{'db':'shop'}")), "no ns.coll"},
      {event_bson(operation("dropDatabase")), "no ns.db"},
      {event_bson(operation("rename", kNs)), "no to, the new name"},
      {event_bson(operation("rename", kNs + ",'to':{'db':'shop'}")), "no to, the new name"},
      {bson(R"({"operationType":"invalidate"})"), "no _id"},
      {bson(R"({"_id":{"_data":"0163"},"operationType":"invalidate"})"), "no clusterTime"},
      {event_bson(operation("insert", key + ",'splitEvent':{'fragment':3,'of':2}")), "splitEvent"},
      {event_bson(operation("insert", key + ",'splitEvent':{'fragment':0,'of':2}")), "splitEvent"},
      {event_bson(operation("insert", key + ",'splitEvent':{'fragment':1}")), "splitEvent"},
      {event_bson(operation("insert", key + ",'splitEvent':2")), "splitEvent"},
  };
  for (const auto& [bytes, lack] : broken) {
    const Error error = error_reading(bytes);
    CHECK(error.code() == Code::kRead);
    CHECK_THAT(error.what(), ContainsSubstring(lack));
  }
  const Error told = error_reading(event_bson(operation("update", kNs)));
  CHECK(told.notes().size() == 3);
  CHECK_THAT(told.what(), ContainsSubstring("operation update") &&
                              ContainsSubstring("collection shop.a") && ContainsSubstring("token"));
}

TEST_CASE("the time of an event without a clusterTime is its token's") {
  const std::string bytes =
      bson(R"({"_id":{"_data":"826B016D1B0000011A04"},"operationType":"invalidate"})");
  CHECK(read_stream_event(as_bytes(bytes)).time == (uint64_t{1795255579} << 32 | 282));
}

TEST_CASE("an event in fragments: the first names the document, the others only go on") {
  const std::string first =
      event_bson(operation("update", kNs + "," + kKey + ",'splitEvent':{'fragment':1,'of':2}"));
  const StreamEvent begun = read_stream_event(as_bytes(first));
  CHECK(begun.kind == EventKind::kUpdate);
  CHECK(begun.fragments == 2);
  CHECK_FALSE(begun.is_last_fragment());
  const std::string second = bson(
      R"({"_id":{"_data":"826B016D1B0000011A04"},"splitEvent":{"fragment":2,"of":2},"fullDocument":{}})");
  const StreamEvent rest = read_stream_event(as_bytes(second));
  CHECK(rest.kind == EventKind::kRest);
  CHECK(rest.fragment == 2);
  CHECK(rest.is_last_fragment());
}

TEST_CASE("an event that was cut at any byte is refused, and changed bytes do no harm") {
  const std::string whole =
      event_bson("'lsid':{'id':1},'txnNumber':{'$numberLong':'7'}," +
                 operation("rename", kNs + "," + kKey + ",'to':{'db':'shop','coll':'b'}," +
                                         "'splitEvent':{'fragment':1,'of':2}," +
                                         "'fullDocument':{'_id':1,'list':[1,{'deep':'text'}]}"));
  for (size_t size = 0; size < whole.size(); ++size) {
    // Of its own size, so that a read beyond it is seen by a sanitizer.
    std::vector<uint8_t> cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    CHECK(error_of([&] { read_stream_event(cut); }).code() == Code::kRead);
    if (size < 4) continue;
    store_le(cut.data(), static_cast<uint32_t>(size));
    CHECK(error_of([&] { read_stream_event(cut); }).code() == Code::kRead);
  }
  RandomBson random(1);
  for (int i = 0; i < 20000; ++i) {
    std::vector<uint8_t> changed(whole.begin(), whole.end());
    for (size_t n = 1 + random.below(3); n > 0; --n)
      changed[random.below(changed.size())] = static_cast<uint8_t>(random.below(256));
    try {
      const StreamEvent event = read_stream_event(changed);
      position_text(StreamPosition::behind(event.token, event.time));
      event.ns.text();
    } catch (const Error& error) {
      REQUIRE(error.code() == Code::kRead);
    }
  }
}

}  // namespace lugger::test
