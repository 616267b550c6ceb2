#include "mongo/watch.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "mongo/command.hpp"
#include "mongo/stream.hpp"

namespace lugger {
namespace {

constexpr uint64_t seconds(uint64_t count) { return count << 32; }

/// Finds the beginning of an oplog that may not be read. What was found is looked at anew each time,
/// since it moves: a few questions each, more of them the first time.
class Probing {
 public:
  /// Are the changes since a time there? nullopt: the server did not say.
  using Ask = std::function<std::optional<bool>(uint64_t time)>;

  /// The oldest time that is known to be there; 0: `position` is not, or it cannot be told.
  uint64_t look(uint64_t head, uint64_t position, const Ask& ask) {
    if (!is_bounded(ask) || !holds(position, ask)) return 0;
    // Backwards by ever longer steps until something is gone, then halfway between both.
    for (int asked = 0; asked < kAtOnce && is_coarse(head); ++asked) {
      const uint64_t back = std::max(head - there_, kFirstStep);
      const uint64_t further = there_ > back ? there_ - back : kEver;
      const uint64_t next = gone_ == kEver && further > kEver ? further : halfway();
      const std::optional<bool> there = ask(next);
      if (!there) return 0;
      (*there ? there_ : gone_) = next;
    }
    return there_;
  }

 private:
  /// Before any set was made.
  static constexpr uint64_t kEver = seconds(1);
  static constexpr uint64_t kFirstStep = seconds(60), kFurthest = seconds(86400 * 64);
  static constexpr int kAtOnce = 12, kSeldom = 10;

  /// An oplog that has let nothing go is said to have any time, even one from before it was begun:
  /// of such answers no beginning is found. They cost the server a look at all of it.
  bool is_bounded(const Ask& ask) {
    if (gone_ == 0 && looks_++ % kSeldom == 0 && ask(kEver) == false) gone_ = kEver;
    return gone_ != 0;
  }
  /// `there_` is what was found before, where that is still there, or `position`.
  bool holds(uint64_t position, const Ask& ask) {
    if (there_ != 0) {
      const std::optional<bool> there = ask(there_);
      if (!there || *there) return there.has_value();
      gone_ = std::max(gone_, std::exchange(there_, 0));
    }
    if (position <= gone_ || ask(position) != true) return false;
    there_ = position;
    return true;
  }
  uint64_t halfway() const { return gone_ + (there_ - gone_) / 2; }
  /// What is between both is more than an eighth of what is there.
  bool is_coarse(uint64_t head) const {
    if (head <= there_) return false;
    return gone_ == kEver ? head - there_ < kFurthest : (there_ - gone_) > (head - there_) / 8;
  }

  uint64_t there_ = 0, gone_ = 0;
  int looks_ = 0;
};

bool is_first_ever(const Value& entry) {
  if (entry.type != ValueType::kDocument) return false;
  const Value said = bson_field(entry.bytes(), "msg");
  return said.type == ValueType::kString && as_text(said.bytes()) == "initiating set";
}

class MongoWatch final : public FeedWatch {
 public:
  explicit MongoWatch(const ScanPlace& place) : place_(place) {}

  FeedView look(uint64_t position) override {
    if (!client_ || client_->given_up()) client_.emplace(AllowedUrl(place_.url), "lugger watch");
    try {
      FeedView out;
      out.head = look_at_deployment(*client_).time;
      if (may_read_) out.oldest = first_of_oplog(out.young);
      if (may_read_) return out;
      out.probed = true;
      out.oldest = probing_.look(out.head, position, [this](uint64_t time) { return has(time); });
      return out;
    } catch (const MongoFault& fault) {
      if (fault.lost()) client_.reset();  // a password may be another one by then
      throw;
    }
  }

 private:
  /// `young`: it is the entry that the set was made with.
  uint64_t first_of_oplog(bool& young) {
    try {
      MongoCommand command("find", "oplog.rs");
      command.begin("sort").add("$natural", 1).end();
      command.begin("projection").add("ts", 1).add("o.msg", 1).end();
      const MongoReply reply =
          client_->run("local", command.add("limit", 1).add("singleBatch", true).done());
      const Value cursor = reply["cursor"];
      const Value batch =
          cursor.type == ValueType::kDocument ? bson_field(cursor.bytes(), "firstBatch") : Value();
      if (batch.type == ValueType::kArray) {
        for (BsonReader reader(batch.bytes()); reader.next();) {
          const Value ts = reader.value().type == ValueType::kDocument
                               ? bson_field(reader.value().bytes(), "ts")
                               : Value();
          if (ts.type != ValueType::kTimestamp) continue;
          young = is_first_ever(bson_field(reader.value().bytes(), "o"));
          return static_cast<uint64_t>(ts.i64);
        }
      }
    } catch (const MongoFault& fault) {
      if (fault.passes()) throw;
    }
    may_read_ = false;  // no right to it, or a mongos
    return 0;
  }

  /// A stream that begins there says so at once. What it would give is not waited for.
  std::optional<bool> has(uint64_t time) {
    constexpr int32_t kMostMs = 500, kMaxTime = 50;
    MongoCommand command("aggregate", 1);
    command.begin_array("pipeline").begin().begin("$changeStream");
    command.add("startAtOperationTime",
                Value::of(ValueType::kTimestamp, static_cast<int64_t>(time)));
    command.end().end().end().begin("cursor").add("batchSize", 1).end();
    try {
      MongoCursor cursor(*client_, place_.collection.database, client_->pick());
      cursor.open(command.add("maxTimeMS", kMostMs).done());
      return true;
    } catch (const MongoFault& fault) {
      if (is_history_lost(fault)) return false;
      if (fault.passes()) throw;
      return fault.number() == kMaxTime ? std::optional(true) : std::nullopt;
    }
  }

  const ScanPlace& place_;
  std::optional<MongoClient> client_;
  bool may_read_ = true;
  Probing probing_;
};

}  // namespace

std::unique_ptr<FeedWatch> make_mongo_watch(const ScanPlace& place) {
  return std::make_unique<MongoWatch>(place);
}

}  // namespace lugger
