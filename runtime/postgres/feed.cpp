#include "postgres/feed.hpp"

#include <algorithm>
#include <atomic>

#include "place/ahead_cursor.hpp"
#include "postgres/slot_changes.hpp"
#include "value/datetime.hpp"

namespace lugger {
namespace {

constexpr std::chrono::milliseconds kWait{250};
// What a key begins with where nothing but keys is given. One whose row was deleted last, and which
// is not found then, is one without a row. Of another one the changes that follow tell.
constexpr char kDeleted = '-', kChanged = '+';

/// What both kinds of cursors share.
class ChangesCursor : public Cursor {
 public:
  ChangesCursor(const PgFollowed& followed, const Position& from, std::chrono::milliseconds wait)
      : followed_(followed),
        changes_(followed, PgFeedPosition::of(from, followed.shown), wait),
        position_(from) {}

  Position position() const override { return position_; }
  uint64_t bytes() const override { return bytes_; }
  std::optional<double> behind() const override { return changes_.behind(); }
  void committed(const Position& position) override {
    changes_.acknowledge(PgFeedPosition::of(position, followed_.shown).lsn);
  }

 protected:
  const PgFollowed& followed_;
  SlotChanges changes_;
  Position position_;
  uint64_t bytes_ = 0;
};

class KeyCursor final : public ChangesCursor {
 public:
  using ChangesCursor::ChangesCursor;

  Next next(Batch& batch, const StopFlag&) override {
    if (changes_.read(batch.max_documents)) {
      const std::span<const std::string_view> keys = changes_.keys();
      for (size_t i = 0; i < keys.size(); ++i)
        give(keys[i], i < changes_.deletes() ? kDeleted : kChanged, batch);
    }
    position_ = changes_.position().text();
    bytes_ += batch.source_bytes;
    return batch.documents.empty() ? Next::kIdle : Next::kBatch;
  }
  bool at_hand() override { return changes_.at_hand(); }
  const Ddl* ddl() const override { return changes_.ddl(); }
  void pass_ddl(bool) override {
    changes_.pass_ddl();
    position_ = changes_.position().text();
  }

 private:
  static void give(std::string_view key, char how, Batch& batch) {
    const size_t size = key.size() + 1;
    uint8_t* to = batch.arena().allocate(size);
    to[0] = static_cast<uint8_t>(how);
    std::ranges::copy(key, to + 1);
    batch.documents.push_back(Document{to, static_cast<uint32_t>(size), Format::kBson, nullptr});
    batch.source_bytes += size;
  }
};

/// Gives what became of each row.
class FollowCursor final : public ChangesCursor {
 public:
  FollowCursor(const PgFollowed& followed, const Position& from, bool all_deletes)
      : ChangesCursor(followed, from, kWait), all_deletes_(all_deletes) {}

  Next next(Batch& batch, const StopFlag&) override {
    if (all_given()) {
      left_ = {};
      if (changes_.read(kStretch)) left_ = changes_.keys();
    }
    const size_t before = batch.source_bytes;
    while (!all_given() && batch.source_bytes < batch.max_bytes &&
           batch.documents.size() < batch.max_documents) {
      const Part part = next_part();
      const size_t left = batch.max_documents - batch.documents.size();
      const size_t room = part.deletes.found ? (left + 1) / 2 : left;
      const auto some = left_.first(std::min({part.size, room, changes_.lookup().at_once()}));
      changes_.lookup().run(some, changes_.position().table, part.deletes, batch);
      left_ = left_.subspan(some.size());
    }
    bytes_ += batch.source_bytes - before;
    if (all_given()) position_ = changes_.position().text();
    return batch.documents.empty() ? Next::kIdle : Next::kBatch;
  }
  bool at_hand() override { return !all_given() || changes_.at_hand(); }
  std::vector<Notice> take_notices() override {
    if (followed_.reader->told || tells_.exchange(true)) return {};
    const std::string& slot = changes_.position().slot;
    return {{"", "slot", slot,
             fmt::format("the source keeps its log for it until it is dropped; when the move is "
                         "over, run there: {}",
                         drop_slot_sql(followed_, slot))}};
  }
  void committed(const Position& position) override {
    ChangesCursor::committed(position);
    if (tells_) followed_.reader->told = true;
  }
  /// What came before it is given first.
  const Ddl* ddl() const override { return all_given() ? changes_.ddl() : nullptr; }
  void pass_ddl(bool) override {
    changes_.pass_ddl();
    position_ = changes_.position().text();
  }

 private:
  static constexpr size_t kStretch = 20000;
  /// The next keys that are asked for alike.
  struct Part {
    size_t size;
    PgLookup::Deletes deletes;
  };
  Part next_part() const {
    const size_t given = changes_.keys().size() - left_.size();
    const size_t deletes = changes_.deletes(), again = deletes + changes_.made_again();
    if (given < deletes) return {deletes - given, {true, all_deletes_}};
    if (given < again) return {again - given, {false, all_deletes_}};
    return {left_.size(), {}};
  }
  bool all_given() const noexcept { return left_.empty(); }
  const bool all_deletes_;
  std::span<const std::string_view> left_;  // keys of the stretch
  std::atomic<bool> tells_{false};          // of the slot
};

class PgFeed final : public Feed {
 public:
  explicit PgFeed(const PgFollowed& followed) : followed_(followed) {}

  Position now(const std::string& reader) override {
    check(reader);
    // Nothing has begun yet that the first Ctrl-C could let finish.
    const StopScope scope(*StopScope::current().stop, StopLevel::kFinish);
    PgSession session(followed_.url, "feed");
    PgFeedPosition at = make_slot(session, followed_, slot_);
    at.system = system_.identifier;
    return at.text();
  }
  void check(const std::string& reader) override {
    slot_ = slot_name(followed_, reader);
    PgSession session(followed_.url, "feed");
    check_followed(session, followed_, slot_);
    system_ = WalStream(followed_.url).system();
  }
  std::unique_ptr<Cursor> keys(const Position& from, std::chrono::milliseconds wait) override {
    return std::make_unique<KeyCursor>(followed_, from, wait);
  }
  std::unique_ptr<Cursor> follow(const Position& from, bool all_deletes) override {
    return read_ahead(std::make_unique<FollowCursor>(followed_, from, all_deletes));
  }
  bool look_up(std::span<const std::string_view> keys, const Position& behind,
               Batch& batch) override {
    if (!lookup_) lookup_.emplace(followed_);
    std::vector<std::string_view> deleted, changed;
    for (const std::string_view key : keys)
      (key.starts_with(kChanged) ? changed : deleted).push_back(key.substr(1));
    const uint32_t table = PgFeedPosition::of(behind, followed_.shown).table;
    lookup_->run(deleted, table, {true}, batch);
    lookup_->run(changed, table, {false}, batch);
    return true;
  }
  uint64_t time_of(const Position& position) const override {
    return PgFeedPosition::of(position, followed_.shown).time;
  }
  uint64_t time() override {
    if (!lookup_) lookup_.emplace(followed_);
    return feed_time(lookup_->head().micros);
  }
  std::string time_text(uint64_t time) const override {
    return iso_from_unix_ms(static_cast<int64_t>((time >> 32) * 1000 + (time & UINT32_MAX) / 1000));
  }
  std::string advice() const override {
    return fmt::format(
        "a move keeps the replication slot {} in {}, and the server keeps its log for it until the "
        "slot is dropped: when the move is over, or given up, run there: {}",
        slot_, followed_.shown, drop_slot_sql(followed_, slot_));
  }

 private:
  const PgFollowed& followed_;
  std::string slot_;
  WalSystem system_;
  std::optional<PgLookup> lookup_;
};

class PgWatch final : public FeedWatch {
 public:
  explicit PgWatch(const PgFollowed& followed) : followed_(followed) {}
  FeedView look(uint64_t) override {
    try {
      if (!session_) session_.emplace(followed_.url, "watch");
      FeedView out;
      out.head = feed_time(log_head(*session_).micros);
      out.kept = kept_logs(*session_);
      return out;
    } catch (const Error&) {
      session_.reset();
      throw;
    }
  }

 private:
  const PgFollowed& followed_;
  std::optional<PgSession> session_;
};

}  // namespace

std::unique_ptr<Feed> make_pg_feed(const PgFollowed& followed) {
  return std::make_unique<PgFeed>(followed);
}

std::unique_ptr<FeedWatch> make_pg_watch(const PgFollowed& followed) {
  return std::make_unique<PgWatch>(followed);
}

}  // namespace lugger
