#include "mongo/stream.hpp"

#include "mongo/command.hpp"
#include "mongo/retry.hpp"
#include "place/feed.hpp"

namespace lugger {
namespace {

constexpr int32_t kWaitMs = 1000;  // how long the server waits for an event
constexpr int32_t kUnauthorized = 13, kStandalone = 40573;

Error stream_error(const MongoFault& fault, const ScanPlace& place, const StreamPosition& from) {
  if (is_history_lost(fault)) {
    return position_lost(
        fmt::format("the oplog of {} no longer has the changes since {}: what was changed "
                    "from then until now cannot be followed",
                    place.shown, cluster_time_text(from.time)),
        "nothing was passed over in silence, and the position stands. Close the gap by value: "
        "note the time T, lugger repair SCRIPT --apply --delete-extra, then lugger follow "
        "SCRIPT --from-time T --restart; or empty the tables and copy again (lugger move "
        "SCRIPT --restart)");
  }
  if (fault.number() == kStandalone) {
    return Error(Code::kConfig,
                 fmt::format("{} is a standalone server: it keeps no oplog, so its changes cannot "
                             "be followed",
                             place.shown),
                 "make it a replica set of one member (rs.initiate()), or stop the writes, copy "
                 "once more and compare: lugger run, lugger verify");
  }
  if (fault.number() == kUnauthorized) {
    return Error(Code::kAuth, fault.message(),
                 fmt::format("the role needs the actions find and changeStream on {} (the role "
                             "read has both)",
                             place.name()));
  }
  return Error(fault.code(), fault.message(),
               fmt::format("the stream stood at {}; the position is stored and stands",
                           cluster_time_text(from.time)),
               fault.sqlstate());
}

/// Only of our namespace. A filter on anything else could hide the event whose token is stored.
void add_match(MongoCommand& command, const MongoCollection& collection) {
  command.begin().begin("$match").begin_array("$or");
  command.begin().add("ns.coll", collection.name).end();
  command.begin().add("to.coll", collection.name).end();
  command.begin().begin("operationType").begin_array("$in");
  command.push(Value::of(ValueType::kString, "dropDatabase"));
  command.push(Value::of(ValueType::kString, "invalidate"));
  command.end().end().end().end().end().end();
}

MongoCommand stream_command(const ScanPlace& place, const StreamPosition& from,
                            StreamContent content) {
  MongoCommand out("aggregate", 1);
  out.begin_array("pipeline").begin().begin("$changeStream");
  if (from.token.empty()) {
    out.add("startAtOperationTime",
            Value::of(ValueType::kTimestamp, static_cast<int64_t>(from.time)));
  } else {
    out.add("startAfter", as_bytes(from.token));
  }
  out.end().end();
  add_match(out, place.collection);
  // Documents that were updated are looked up: what changed in them is not needed.
  out.begin().begin("$project").add("updateDescription", 0);
  if (content == StreamContent::kKeys) out.add("fullDocument", 0);
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

MongoStream::MongoStream(const ScanPlace& place, StreamPosition from, StreamContent content)
    : place_(place),
      content_(content),
      client_(AllowedUrl(place.url), place.purpose),
      position_(std::move(from)) {}

std::optional<StreamEvent> MongoStream::next() {
  for (;;) {
    try {
      if (!at_hand_ && !read()) return std::nullopt;
      return give();
    } catch (const MongoFault& fault) {
      cursor_.reset();
      at_hand_ = false;
      if (!fault.passes()) throw stream_error(fault, place_, position_);
      if (attempts_ == kMongoAttempts) throw;
      wait_before(attempts_++);
    }
  }
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
  cursor_.emplace(client_, place_.collection.database, client_.pick());
  cursor_->ask_for(0, kWaitMs);
  cursor_->open(stream_command(place_, position_, content_).done());
}

/// False: no event came.
bool MongoStream::read() {
  if (!cursor_) open();
  at_hand_ = cursor_->next(event_);
  if (at_hand_) return true;
  // After an invalidate the server closes the cursor; the stream goes on behind it.
  if (!cursor_->more()) open();
  cursor_->fetch();
  attempts_ = 0;
  at_hand_ = cursor_->next(event_);
  caught_up_ = !at_hand_;
  if (caught_up_) keep_place();
  return at_hand_;
}

std::optional<StreamEvent> MongoStream::give() {
  const StreamEvent event = read_stream_event(event_);
  position_ = StreamPosition::behind(event.token, event.time);
  Bytes following;
  at_hand_ = cursor_->next(following);
  if (at_hand_) {
    event_ = following;
  } else {
    keep_place();
  }
  return event;
}

/// At the end of a reply: the server has looked at everything up to here.
void MongoStream::keep_place() {
  const Value token = bson_field(cursor_->body(), "postBatchResumeToken");
  if (token.type != ValueType::kDocument) return;
  StreamPosition seen = StreamPosition::behind(token.bytes());
  if (seen.time >= position_.time) position_ = std::move(seen);
}

}  // namespace lugger
