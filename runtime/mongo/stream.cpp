#include "mongo/stream.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "mongo/command.hpp"
#include "mongo/retry.hpp"
#include "place/feed.hpp"

namespace lugger {
namespace {

constexpr size_t kReplyBytes = 1 << 20;  // what a reply should hold
constexpr size_t kMostEvents = 10'000;
constexpr int32_t kStandalone = 40573;
const std::string kAdmin = "admin";

/// 10334 BSONObjectTooLarge, or what a stream makes of it.
bool is_too_large(const MongoFault& fault) {
  return fault.number() == 10334 || fault.message().find("BSONObj size") != std::string::npos;
}

std::string name_of(const StreamSpec& spec) {
  if (spec.watched.size() == 1)
    return fmt::format("{}.{}", spec.watched.front().database, spec.watched.front().name);
  return spec.scope == StreamScope::kCluster ? "the cluster" : spec.watched.front().database;
}

Error stream_error(const MongoFault& fault, const StreamSpec& spec, const StreamPosition& from) {
  if (is_history_lost(fault)) {
    return position_lost(
        fmt::format("the oplog of {} no longer has the changes since {}: what was changed "
                    "from then until now cannot be followed",
                    spec.shown, cluster_time_text(from.time)),
        "nothing was passed over in silence, and the position stands. Close the gap by value: "
        "note the time T, lugger repair SCRIPT --apply --delete-extra, then lugger follow "
        "SCRIPT --from-time T --restart; or empty the tables and copy again (lugger move "
        "SCRIPT --restart)");
  }
  if (is_too_large(fault)) {
    return Error(Code::kRead,
                 fmt::format("an event of {} behind {} is larger than the server can send, even "
                             "without its document: its _id is too large",
                             name_of(spec), cluster_time_text(from.time)),
                 "delete that document, or write it under another _id; then follow from a time "
                 "behind it (lugger follow SCRIPT --from-time T --restart) and compare");
  }
  if (fault.number() == kStandalone) {
    return Error(Code::kConfig,
                 fmt::format("{} is a standalone server: it keeps no oplog, so its changes cannot "
                             "be followed",
                             spec.shown),
                 "make it a replica set of one member (rs.initiate()), or stop the writes, copy "
                 "once more and compare: lugger run, lugger verify");
  }
  if (fault.number() == MongoFault::kUnauthorized) {
    return Error(Code::kAuth, fault.message(),
                 fmt::format("the role needs the actions find and changeStream on {} (the role "
                             "read has both)",
                             name_of(spec)));
  }
  return Error(fault.code(), fault.message(),
               fmt::format("the stream stood at {}; the position is stored and stands",
                           cluster_time_text(from.time)),
               fault.sqlstate());
}

/// {FIELD.db: DATABASE, FIELD.coll: {$in: [...]}}, an element of an array.
void add_names(MongoCommand& command, const std::string& field, const std::string& database,
               const std::vector<std::string_view>& names) {
  command.begin().add(field + ".db", database).begin(field + ".coll").begin_array("$in");
  for (const std::string_view name : names) command.push(Value::of(ValueType::kString, name));
  command.end().end().end();
}

/// Only of our namespaces. A filter on anything else could hide the event whose token is stored.
void add_match(MongoCommand& command, const std::vector<WatchedCollection>& watched) {
  std::map<std::string, std::vector<std::string_view>> databases;
  for (const WatchedCollection& one : watched) databases[one.database].push_back(one.name);
  command.begin().begin("$match").begin_array("$or");
  for (const auto& [database, names] : databases) {
    add_names(command, "ns", database, names);
    add_names(command, "to", database, names);
    command.begin().add("operationType", "dropDatabase").add("ns.db", database).end();
  }
  command.begin().add("operationType", "invalidate").end();
  command.end().end().end();
}

MongoCommand stream_command(const StreamSpec& spec, const StreamPosition& from, bool expanded) {
  const bool alone = spec.scope == StreamScope::kCollection;
  const std::string& name = spec.watched.front().name;
  MongoCommand out("aggregate", alone ? Value::of(ValueType::kString, std::string_view(name))
                                      : Value::of(ValueType::kInt32, int64_t{1}));
  out.begin_array("pipeline").begin().begin("$changeStream");
  if (from.token.empty()) {
    out.add("startAtOperationTime",
            Value::of(ValueType::kTimestamp, static_cast<int64_t>(from.time)));
  } else {
    out.add("startAfter", as_bytes(from.token));
  }
  if (expanded) out.add("showExpandedEvents", true);
  if (spec.scope == StreamScope::kCluster) out.add("allChangesForCluster", true);
  out.end().end();
  if (!alone) add_match(out, spec.watched);
  // Documents that were updated are looked up: what changed in them is not needed.
  out.begin().begin("$project").add("updateDescription", 0);
  if (spec.content == StreamContent::kKeys) out.add("fullDocument", 0);
  out.end().end().end();
  // With an empty first reply the server answers at once, however far back the position lies.
  out.begin("cursor").add("batchSize", 0).end();
  return out;
}

}  // namespace

/// 286 from 4.4 on, the others before.
bool is_history_lost(const MongoFault& fault) {
  return fault.number() == 286 || fault.number() == 136 || fault.number() == 40576;
}

StreamSpec stream_spec(const ScanPlace& place, StreamContent content) {
  const MongoCollection& collection = place.collection;
  return {place.url,
          place.shown,
          place.purpose,
          {{collection.database, collection.name}},
          StreamScope::kDatabase,
          content,
          kStreamWait};
}

MongoStream::MongoStream(StreamSpec spec, StreamPosition from)
    : spec_(std::move(spec)),
      client_(AllowedUrl(spec_.url), spec_.purpose),
      position_(std::move(from)) {}

std::optional<StreamEvent> MongoStream::next() {
  for (;;) {
    try {
      if (!at_hand_ && !read()) return std::nullopt;
      return give();
    } catch (const MongoFault& fault) {
      cursor_.reset();
      at_hand_ = false;
      if (narrow(fault) || can_go_on(fault)) continue;
      if (!fault.passes()) throw stream_error(fault, spec_, position_);
      if (attempts_ == kMongoAttempts) throw;
      wait_before(attempts_++);
    }
  }
}

/// By asking for less: of a server that does not know an option, and for an event that is too large.
bool MongoStream::can_go_on(const MongoFault& fault) {
  if (expanded_ && fault.message().find("showExpandedEvents") != std::string::npos) {
    expanded_ = false;
    return true;
  }
  if (bare_ || spec_.content == StreamContent::kKeys || !is_too_large(fault)) return false;
  return bare_ = true;
}

double MongoStream::behind() const noexcept {
  if (caught_up_ || !cursor_) return 0;
  const Value now = cursor_->reply()["operationTime"];
  const uint64_t seconds =
      now.type == ValueType::kTimestamp ? static_cast<uint64_t>(now.i64) >> 32 : 0;
  const uint64_t ours = position_.time >> 32;
  return seconds > ours ? static_cast<double>(seconds - ours) : 0;
}

void MongoStream::open() {
  const std::string& database =
      spec_.scope == StreamScope::kCluster ? kAdmin : spec_.watched.front().database;
  cursor_.emplace(client_, database, client_.pick());
  full_ = false;
  cursor_->ask_for(static_cast<int32_t>(asked_), static_cast<int32_t>(spec_.wait.count()));
  StreamSpec spec = spec_;
  if (bare_) spec.content = StreamContent::kKeys;
  cursor_->open(stream_command(spec, position_, expanded_).done());
}

/// True: the role may not watch the whole database, and the collection alone is tried next.
bool MongoStream::narrow(const MongoFault& fault) {
  const bool wide = spec_.scope != StreamScope::kCollection && spec_.watched.size() == 1;
  if (fault.number() != MongoFault::kUnauthorized || !wide) return false;
  spec_.scope = StreamScope::kCollection;
  return true;
}

/// False: no event came.
bool MongoStream::read() {
  if (std::exchange(bare_given_, false)) {
    bare_ = false;
    cursor_.reset();
  }
  if (!cursor_) open();
  at_hand_ = cursor_->next(event_);
  if (at_hand_) return true;
  // After an invalidate the server closes the cursor; the stream goes on behind it.
  if (!cursor_->more()) open();
  full_ = false;
  cursor_->fetch();
  attempts_ = 0;
  at_hand_ = cursor_->next(event_);
  caught_up_ = !at_hand_;
  if (caught_up_) keep_place();
  return at_hand_;
}

std::optional<StreamEvent> MongoStream::give() {
  StreamEvent event = read_stream_event(event_);
  event.bare = bare_;
  given_ = event_;
  position_ = StreamPosition::behind(event.token, event.time);
  bare_given_ = bare_;
  Bytes following;
  at_hand_ = cursor_->next(following);
  if (at_hand_) {
    event_ = following;
  } else {
    end_reply();
  }
  return event;
}

/// By the size of its events, the next reply is asked for as many as it should hold. Behind a full
/// one it is under way while these are used: the server has it at hand.
void MongoStream::end_reply() {
  keep_place();
  full_ = cursor_->given() >= asked_;
  asked_ =
      std::clamp<size_t>(kReplyBytes * cursor_->given() / cursor_->body().size(), 1, kMostEvents);
  cursor_->ask_for(static_cast<int32_t>(asked_), static_cast<int32_t>(spec_.wait.count()));
  if (full_) cursor_->send_ahead();
}

/// At the end of a reply: the server has looked at everything up to here.
void MongoStream::keep_place() {
  const Value token = bson_field(cursor_->body(), "postBatchResumeToken");
  if (token.type != ValueType::kDocument) return;
  StreamPosition seen = StreamPosition::behind(token.bytes());
  if (seen.time >= position_.time) position_ = std::move(seen);
}

}  // namespace lugger
