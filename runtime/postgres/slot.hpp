// The replication slot and the publication by which a table is followed.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "postgres/query.hpp"
#include "postgres/wal_stream.hpp"

namespace lugger {

/// What is known of a source's slot beside its cursors, which come and go with connections.
class PgSlotReader {
 public:
  void name(const std::string& slot) {
    const std::lock_guard lock(mutex_);
    name_ = slot;
  }
  std::string name() const {
    const std::lock_guard lock(mutex_);
    return name_;
  }
  std::atomic<bool> told{false};  // that the slot is to be dropped one day

 private:
  mutable std::mutex mutex_;
  std::string name_;
};

/// A table as it is followed.
struct PgFollowed {
  std::string url, shown;  // shown: the masked URL, and the table
  std::string database;
  bool pooled = false;
  PgReading reading;
  std::string publication;  // made by somebody else; "": lugger makes one
  std::shared_ptr<PgSlotReader> reader = std::make_shared<PgSlotReader>();
};

/// Where a feed is: behind a commit.
struct PgFeedPosition {
  Lsn lsn = 0;
  std::string slot, system;
  uint32_t table = 0;        // its oid
  uint64_t time = 0;         // as Feed::time_of() gives it
  uint32_t publication = 0;  // its oid; 0: not kept
  /// Of the transaction that comes next, which commits at `in`, so many TRUNCATEs are passed.
  Lsn in = 0;
  uint64_t passed = 0;

  std::string text() const;
  /// Error{config} for what is no such position.
  static PgFeedPosition of(std::string_view text, std::string_view shown);
};

/// As Feed::time_of() gives it.
uint64_t feed_time(int64_t unix_micros) noexcept;

/// Name of the slot for this reader of the table, and of the publication made for it.
std::string slot_name(const PgFollowed& followed, const std::string& reader);

/// Error{config} with all that keeps the table from being followed, and what to do about it.
void check_followed(PgSession& session, const PgFollowed& followed, const std::string& slot);

/// Makes publication and slot, and replaces those of an earlier call. Waits for the transactions
/// that are open.
PgFeedPosition make_slot(PgSession& session, const PgFollowed& followed, const std::string& slot);

/// Error that is_position_lost(): the server has no longer all changes behind the position.
void check_slot(PgSession& session, const PgFollowed& followed, const PgFeedPosition& from,
                const WalSystem& system);

/// The same error when the table is another one by now, or its publication gives less than it all.
void check_table(PgSession& session, const PgFollowed& followed, const PgFeedPosition& from);

[[noreturn]] void changes_lost(const PgFollowed& followed, const PgFeedPosition& from,
                               const std::string& why);

/// SQL that ends it: what a slot keeps fills the disk.
std::string drop_slot_sql(const PgFollowed& followed, const std::string& slot);

}  // namespace lugger
