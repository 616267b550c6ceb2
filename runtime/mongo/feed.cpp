#include "mongo/feed.hpp"

#include "change/changed_keys.hpp"
#include "mongo/lookup.hpp"
#include "mongo/stream.hpp"

namespace lugger {
namespace {

constexpr size_t kFoldBytes = 4 << 20;

[[noreturn]] void refuse(const StreamEvent& event, const ScanPlace& place) {
  const std::string name = place.name();
  std::string what = fmt::format("{} {}", event.operation, event.ns.text());
  if (!event.to.empty()) what += fmt::format(" to {}", event.to.text());
  throw Error(
      Code::kRead,
      fmt::format("{} was changed as a whole at {}: {}", name, cluster_time_text(event.time), what),
      "the rows stand as they were before it. Look at the collection, then empty the tables and "
      "copy it anew (lugger move SCRIPT --restart), or go on behind that time with lugger follow "
      "SCRIPT --from-time T --restart");
}

/// Shared by both kinds of cursors: events of this collection, whole changes refused.
class EventReader {
 public:
  EventReader(const ScanPlace& place, const Position& from, StreamContent content)
      : place_(place), stream_(place, stream_position(from, place.shown), content) {}

  std::optional<StreamEvent> next() {
    std::optional<StreamEvent> event = stream_.next();
    if (event && changes_namespace(event->kind) && is_ours(*event)) refuse(*event, place_);
    return event;
  }
  bool at_hand() const noexcept { return stream_.at_hand(); }
  bool more() const noexcept { return stream_.more(); }
  Position position() const { return position_text(stream_.position()); }
  double behind() const noexcept { return stream_.behind(); }

 private:
  bool is_ours(const StreamEvent& event) const {
    const auto same = [&](const EventNamespace& ns) {
      return ns.database == place_.collection.database &&
             (ns.collection.empty() || ns.collection == place_.collection.name);
    };
    return event.kind == EventKind::kInvalidate || same(event.ns) || same(event.to);
  }

  const ScanPlace& place_;
  MongoStream stream_;
};

class KeyCursor final : public Cursor {
 public:
  KeyCursor(const ScanPlace& place, const Position& from)
      : events_(place, from, StreamContent::kKeys), position_(from) {}

  Next next(Batch& batch, const StopFlag&) override {
    do {
      const std::optional<StreamEvent> event = events_.next();
      if (!event) break;
      if (!changes_document(event->kind)) continue;
      give_change(batch, write_key(event->id, key_), Operation::kUpsert);
    } while (events_.at_hand() && batch.documents.size() < batch.max_documents &&
             batch.source_bytes < batch.max_bytes);
    position_ = events_.position();
    bytes_ += batch.source_bytes;
    return batch.documents.empty() ? Next::kIdle : Next::kBatch;
  }
  Position position() const override { return position_; }
  uint64_t bytes() const override { return bytes_; }

 private:
  EventReader events_;
  ByteBuffer key_;
  Position position_;
  uint64_t bytes_ = 0;
};

/// Folds a stretch of events by key, then gives what became of each document.
class FollowCursor final : public Cursor {
 public:
  FollowCursor(const ScanPlace& place, const Position& from)
      : events_(place, from, StreamContent::kDocuments), lookup_(place), position_(from) {}

  Next next(Batch& batch, const StopFlag&) override {
    if (given_ == fold_.keys().size() && !fill(batch.max_documents)) {
      position_ = reached_;
      return Next::kIdle;
    }
    const size_t before = batch.documents.size();
    give(batch);
    bytes_ += batch.source_bytes;
    if (given_ == fold_.keys().size()) position_ = reached_;
    return batch.documents.size() == before ? Next::kIdle : Next::kBatch;
  }
  Position position() const override { return position_; }
  uint64_t bytes() const override { return bytes_; }
  std::optional<double> behind() const override { return events_.behind(); }
  bool at_hand() const override { return given_ < fold_.keys().size() || events_.more(); }

 private:
  /// False: nothing of a document came. An error is held back until what came before it has been
  /// given: its event stands behind the position.
  bool fill(uint32_t most) {
    if (fault_) std::rethrow_exception(fault_);
    fold_.clear();
    given_ = 0;
    try {
      do {
        const std::optional<StreamEvent> event = events_.next();
        reached_ = events_.position();
        if (!event) break;
        fold_.add(*event);
      } while (events_.at_hand() && !fold_.full() && fold_.keys().size() < most);
    } catch (const Error&) {
      fault_ = std::current_exception();
      if (fold_.keys().empty()) throw;
    }
    return !fold_.keys().empty();
  }
  void give(Batch& batch) {
    wanted_.clear();
    for (; given_ < fold_.keys().size() && batch.source_bytes < batch.max_bytes &&
           batch.documents.size() + wanted_.size() < batch.max_documents &&
           wanted_.size() < lookup_.at_once();
         ++given_) {
      const ChangedKey& key = fold_.keys()[given_];
      if (key.state == KeyState::kDocument) {
        give_change(batch, key.document, Operation::kUpsert);
      } else if (key.state == KeyState::kDeleted) {
        give_change(batch, write_key(key.id, scratch_), Operation::kDelete);
      } else {
        const Bytes document = write_key(key.id, scratch_);
        wanted_.emplace_back(batch.arena().copy(document), document.size());
      }
    }
    lookup_.run(wanted_, fold_.time(), batch);
  }

  EventReader events_;
  MongoLookup lookup_;
  ChangedKeys fold_{ChangedKeysLimits{kFoldBytes, 20000}};
  size_t given_ = 0;             // keys of the fold
  Position position_, reached_;  // behind what was given; behind the fold
  std::exception_ptr fault_;
  std::vector<Bytes> wanted_;
  ByteBuffer scratch_;
  uint64_t bytes_ = 0;
};

class MongoFeed final : public Feed {
 public:
  explicit MongoFeed(const ScanPlace& place) : place_(place) {}

  Position now() override {
    MongoClient client(AllowedUrl(place_.url), place_.purpose);
    const uint64_t time = look_at_deployment(client).time;
    // The stream is open when its first reply has come: a role without the right, a standalone and
    // an oplog that is lost are met here.
    MongoStream stream(place_, StreamPosition::from_time(time), StreamContent::kKeys);
    stream.next();
    return position_text(StreamPosition::from_time(time));
  }
  std::unique_ptr<Cursor> keys(const Position& from) override {
    return std::make_unique<KeyCursor>(place_, from);
  }
  std::unique_ptr<Cursor> follow(const Position& from) override {
    return std::make_unique<FollowCursor>(place_, from);
  }
  void look_up(std::span<const std::string_view> keys, Batch& batch) override {
    if (!lookup_) {
      // All of the keys were changed before this.
      MongoClient client(AllowedUrl(place_.url), place_.purpose);
      time_ = look_at_deployment(client).time;
      lookup_.emplace(place_);
    }
    std::vector<Bytes> wanted;
    wanted.reserve(keys.size());
    for (const std::string_view key : keys) wanted.push_back(as_bytes(key));
    lookup_->run(wanted, time_, batch);
  }
  uint64_t time_of(const Position& position) const override {
    return stream_position(position, place_.shown).time;
  }

 private:
  const ScanPlace& place_;
  std::optional<MongoLookup> lookup_;
  uint64_t time_ = 0;  // when the first key was looked up
};

}  // namespace

std::unique_ptr<Feed> make_mongo_feed(const ScanPlace& place) {
  return std::make_unique<MongoFeed>(place);
}

}  // namespace lugger
