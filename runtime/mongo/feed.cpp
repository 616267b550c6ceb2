#include "mongo/feed.hpp"

#include "base/text.hpp"
#include "change/changed_keys.hpp"
#include "mongo/ddl.hpp"
#include "mongo/feed_stream.hpp"
#include "mongo/lookup.hpp"
#include "place/ahead_cursor.hpp"
#include "place/spec.hpp"

namespace lugger {
namespace {

constexpr size_t kFoldBytes = 4 << 20;

// Of a position: behind a rename, the name that is followed now; and which collection is followed,
// where that is known.
constexpr std::string_view kRenamed = "as", kUuid = "uuid";

/// The place as it is followed behind a position. Whatever else has its name now is another one.
ScanPlace place_behind(const Position& from, ScanPlace place) {
  const auto name = spec_field(from, kRenamed), uuid = spec_field(from, kUuid);
  if (name) place.collection.name = from_hex(*name).value_or(place.collection.name);
  if (name || uuid) place.collection.uuid = uuid.value_or("");
  return place;
}

std::string position_of(const StreamPosition& at, const MongoCollection& of) {
  std::string out = position_text(at);
  if (!of.uuid.empty()) out += fmt::format(" {}:{}", kUuid, of.uuid);
  return out;
}

/// Which documents are meant says the server alone: it is asked for each that changed.
StreamContent content_of(const ScanPlace& place) {
  return place.where.empty() ? StreamContent::kDocuments : StreamContent::kKeys;
}

/// Shared by both kinds of cursors: events of this collection, and what is done to it as a whole.
class EventReader {
 public:
  EventReader(const ScanPlace& place, std::shared_ptr<MongoHub> hub, const Position& from,
              StreamContent content, std::chrono::milliseconds wait)
      : place_(place_behind(from, place)),
        content_(content),
        wait_(wait),
        renamed_(place_.collection.name != place.collection.name) {
    // A new name is none that jobs share a stream for.
    stream_.emplace(place_, renamed_ ? nullptr : std::move(hub),
                    stream_position(from, place_.shown), content_, wait_);
  }

  /// nullopt: none came, or ddl() has one that is to be passed first.
  std::optional<StreamEvent> next() {
    if (ddl_) return std::nullopt;
    std::optional<StreamEvent> event = stream_->next();
    if (!event) return event;
    ddl_ = ddl_of(*event, place_);
    return ddl_ ? std::nullopt : event;
  }
  const Ddl* ddl() const noexcept { return ddl_ ? &*ddl_ : nullptr; }
  void pass_ddl(bool follow) {
    if (follow) {
      place_.collection.name = ddl_->now.substr(place_.collection.database.size() + 1);
      renamed_ = true;
      stream_.emplace(place_, nullptr, StreamPosition(stream_->position()), content_, wait_);
    } else if (changes_all(ddl_->kind)) {
      place_.collection.uuid.clear();  // whatever has the name now is another one
    }
    ddl_.reset();
  }
  bool at_hand() { return !ddl_ && stream_->at_hand(); }
  bool more() { return ddl_ || stream_->more(); }
  /// Behind the last event, and behind ddl().
  Position position() const {
    Position out = position_of(stream_->position(), place_.collection);
    if (renamed_) out += fmt::format(" {}:{}", kRenamed, to_hex(as_bytes(place_.collection.name)));
    return out;
  }
  double behind() const noexcept { return stream_->behind(); }
  const ScanPlace& place() const noexcept { return place_; }

 private:
  ScanPlace place_;
  const StreamContent content_;
  const std::chrono::milliseconds wait_;
  bool renamed_ = false;
  std::optional<FeedStream> stream_;
  std::optional<Ddl> ddl_;
};

class KeyCursor final : public Cursor {
 public:
  KeyCursor(const ScanPlace& place, std::shared_ptr<MongoHub> hub, const Position& from,
            std::chrono::milliseconds wait)
      : events_(place, std::move(hub), from, StreamContent::kKeys, wait), position_(from) {}

  Next next(Batch& batch, const StopFlag&) override {
    do {
      const std::optional<StreamEvent> event = events_.next();
      if (!event) break;
      if (!changes_document(event->kind)) continue;
      give_change(batch, write_key(event->id, key_), Operation::kUpsert);
    } while (events_.at_hand() && batch.documents.size() < batch.max_documents &&
             batch.source_bytes < batch.max_bytes);
    if (events_.ddl() == nullptr) position_ = events_.position();
    bytes_ += batch.source_bytes;
    return batch.documents.empty() ? Next::kIdle : Next::kBatch;
  }
  Position position() const override { return position_; }
  uint64_t bytes() const override { return bytes_; }
  const Ddl* ddl() const override { return events_.ddl(); }
  void pass_ddl(bool follow) override {
    events_.pass_ddl(follow);
    position_ = events_.position();
  }

 private:
  EventReader events_;
  ByteBuffer key_;
  Position position_;
  uint64_t bytes_ = 0;
};

/// Folds a stretch of events by key, then gives what became of each document.
class FollowCursor final : public Cursor {
 public:
  FollowCursor(const ScanPlace& place, std::shared_ptr<MongoHub> hub, const Position& from,
               bool all_deletes)
      : events_(place, std::move(hub), from, content_of(place), kStreamWait),
        all_deletes_(all_deletes),
        lookup_(events_.place()),
        position_(from),
        reached_(from) {}

  Next next(Batch& batch, const StopFlag&) override {
    if (all_given() && !fill(batch.max_documents)) {
      position_ = reached_;
      return Next::kIdle;
    }
    const size_t before = batch.documents.size();
    give(batch);
    bytes_ += batch.source_bytes;
    if (all_given()) position_ = reached_;
    return batch.documents.size() == before ? Next::kIdle : Next::kBatch;
  }
  Position position() const override { return position_; }
  uint64_t bytes() const override { return bytes_; }
  std::optional<double> behind() const override { return events_.behind(); }
  bool at_hand() override { return !all_given() || events_.more(); }
  /// What came before it is given first.
  const Ddl* ddl() const override { return all_given() ? events_.ddl() : nullptr; }
  void pass_ddl(bool follow) override {
    events_.pass_ddl(follow);
    position_ = reached_ = events_.position();
  }
  std::vector<Notice> take_notices() override {
    if (large_ == 0) return {};
    return {{"", std::string(kLargeNotice), events_.place().name(),
             "it and its neighbours came without documents, which were fetched by their keys",
             std::exchange(large_, 0)}};
  }

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
        if (events_.ddl() != nullptr) break;
        reached_ = events_.position();
        if (!event) break;
        const bool inserted =
            event->kind == EventKind::kInsert || event->kind == EventKind::kReplace;
        if (events_.place().where.empty()) {
          large_ += inserted && event->bare ? 1 : 0;
          fold_.add(*event);
        } else {
          add_key(*event);
        }
      } while (events_.at_hand() && !fold_.full() && fold_.keys().size() < most);
    } catch (const Error&) {
      fault_ = std::current_exception();
      if (fold_.keys().empty()) throw;
    }
    return !fold_.keys().empty();
  }
  /// Which documents are meant says the server: one that an event carries for others is asked for.
  void add_key(StreamEvent event) {
    event.document = {};
    fold_.add(event);
  }
  bool all_given() const noexcept { return given_ == kRounds * fold_.keys().size(); }
  /// To the next key that is to be given: deletes first, then what may turn out to be one, then the
  /// documents. Two ids may make one key of the target, and the one that is there has its row.
  void skip() {
    constexpr KeyState kOrder[kRounds] = {KeyState::kDeleted, KeyState::kLookUp,
                                          KeyState::kDocument};
    const size_t keys = fold_.keys().size();
    for (; !all_given(); ++given_) {
      const ChangedKey& key = fold_.keys()[given_ % keys];
      if (deletes_now() ? is_deleted(key) : key.state == kOrder[given_ / keys]) return;
    }
  }
  bool deletes_now() const noexcept { return given_ < fold_.keys().size(); }
  bool is_deleted(const ChangedKey& key) const noexcept {
    return key.state == KeyState::kDeleted || (all_deletes_ && key.deleted);
  }
  void give(Batch& batch) {
    const size_t keys = fold_.keys().size();
    for (skip(); !all_given() && batch.source_bytes < batch.max_bytes &&
                 batch.documents.size() + wanted_.size() < batch.max_documents &&
                 wanted_.size() < lookup_.at_once();
         ++given_, skip()) {
      const ChangedKey& key = fold_.keys()[given_ % keys];
      if (deletes_now()) {
        give_change(batch, write_key(key.id, scratch_), Operation::kDelete);
      } else if (key.state == KeyState::kDocument) {
        look_up(batch);
        give_change(batch, key.document, Operation::kUpsert);
      } else {
        const Bytes document = write_key(key.id, scratch_);
        wanted_.emplace_back(batch.arena().copy(document), document.size());
      }
    }
    look_up(batch);
  }
  /// Of a collection that was dropped nothing more is known: its rows stand until that event.
  void look_up(Batch& batch) {
    lookup_.run(wanted_, fold_.time(), batch);
    wanted_.clear();
  }

  EventReader events_;
  const bool all_deletes_;
  MongoLookup lookup_;
  ChangedKeys fold_{ChangedKeysLimits{kFoldBytes, 20000}};
  static constexpr size_t kRounds = 3;
  size_t given_ = 0;             // keys of the fold, each of which is looked at in each round
  Position position_, reached_;  // behind what was given; behind the fold
  std::exception_ptr fault_;
  uint64_t large_ = 0;  // documents that the stream could not give
  std::vector<Bytes> wanted_;
  ByteBuffer scratch_;
  uint64_t bytes_ = 0;
};

class MongoFeed final : public Feed {
 public:
  MongoFeed(const ScanPlace& place, std::shared_ptr<MongoHub> hub)
      : place_(place), hub_(std::move(hub)) {}

  Position now(const std::string&) override {
    MongoClient client(AllowedUrl(place_.url), place_.purpose);
    // Behind the last change: whoever reads after this sees that one.
    const uint64_t time = look_at_deployment(client).time + 1;
    // The stream is open when its first reply has come: a role without the right, a standalone and
    // an oplog that is lost are met here.
    FeedStream stream(place_, hub_, StreamPosition::from_time(time), StreamContent::kKeys);
    stream.open();
    narrowed_ = stream.narrowed();
    return position_of(StreamPosition::from_time(time), place_.collection);
  }
  std::unique_ptr<Cursor> keys(const Position& from, std::chrono::milliseconds wait) override {
    return std::make_unique<KeyCursor>(place_, hub_, from, wait);
  }
  std::unique_ptr<Cursor> follow(const Position& from, bool all_deletes) override {
    return read_ahead(std::make_unique<FollowCursor>(place_, hub_, from, all_deletes));
  }
  bool look_up(std::span<const std::string_view> keys, const Position& behind,
               Batch& batch) override {
    if (!lookup_) {
      MongoClient client(AllowedUrl(place_.url), place_.purpose);
      time_ = look_at_deployment(client).time;
    }
    const MongoCollection now = place_behind(behind, place_).collection;
    if (!lookup_ || now.name != looked_at_.collection.name ||
        now.uuid != looked_at_.collection.uuid) {
      looked_at_ = place_;
      looked_at_.collection = now;
      lookup_.emplace(looked_at_);
    }
    std::vector<Bytes> wanted;
    wanted.reserve(keys.size());
    for (const std::string_view key : keys) wanted.push_back(as_bytes(key));
    if (!behind.empty()) {
      const StreamPosition at = stream_position(behind, place_.shown);
      time_ = std::max(time_, at.time - (at.token.empty() ? 1 : 0));
    }
    return lookup_->run(wanted, time_, batch);
  }
  uint64_t time_of(const Position& position) const override {
    return stream_position(position, place_.shown).time;
  }
  uint64_t time() override {
    if (!client_) client_.emplace(AllowedUrl(place_.url), place_.purpose);
    return look_at_deployment(*client_).time;
  }
  std::string time_text(uint64_t time) const override { return cluster_time_text(time); }
  std::vector<std::string> collections() override {
    MongoClient client(AllowedUrl(place_.url), place_.purpose);
    std::vector<std::string> out;
    for (MongoCollection& one : list_collections(client, place_.collection.database))
      if (!one.name.starts_with("system."))
        out.push_back(fmt::format("{}.{}", one.database, one.name));
    return out;
  }
  std::string renamed(const Position& position) const override {
    const ScanPlace now = place_behind(position, place_);
    return now.collection.name == place_.collection.name ? "" : now.name();
  }
  bool goes_on_from(std::string_view identity) const override {
    return lugger::goes_on_from(identity, place_);
  }
  std::string advice() const override { return narrowed_ ? narrowed_text(place_) : ""; }

 private:
  const ScanPlace& place_;
  std::shared_ptr<MongoHub> hub_;
  std::optional<MongoClient> client_;  // of time()
  ScanPlace looked_at_;                // what keys were looked up in last
  std::optional<MongoLookup> lookup_;  // there
  uint64_t time_ = 0;                  // what is looked up is not older
  bool narrowed_ = false;
};

}  // namespace

std::unique_ptr<Feed> make_mongo_feed(const ScanPlace& place, std::shared_ptr<MongoHub> hub) {
  return std::make_unique<MongoFeed>(place, std::move(hub));
}

}  // namespace lugger
