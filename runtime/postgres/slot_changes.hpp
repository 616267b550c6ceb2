// The keys of changed rows, as a slot's stream gives them.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "base/arena.hpp"
#include "place/ddl.hpp"
#include "postgres/lookup.hpp"
#include "postgres/pgoutput.hpp"

namespace lugger {

/// One thread, but for acknowledge().
class SlotChanges {
 public:
  SlotChanges(const PgFollowed& followed, const PgFeedPosition& from,
              std::chrono::milliseconds wait);

  /// Reads the next stretch, up to about so many keys; whoever looks them up then sees the changes.
  /// False: there are none; position() may have moved, or ddl() has something.
  bool read(size_t most);
  /// Of the stretch: each once. First come deletes() of them, whose rows were deleted last, then
  /// made_again(), which were deleted and inserted again. Where one behind deletes() is not found,
  /// what has become of its row is yet to be read: a delete, or a TRUNCATE.
  const std::vector<std::string_view>& keys() const noexcept { return keys_; }
  size_t deletes() const noexcept { return deletes_; }
  size_t made_again() const noexcept { return made_again_; }
  /// Behind the stretch, and before ddl(). Of a transaction that is not read to its end it covers
  /// nothing.
  const PgFeedPosition& position() const noexcept { return position_; }
  /// A TRUNCATE behind the stretch: nothing more is read until it is passed.
  const Ddl* ddl() const noexcept { return ddl_ && seen_ ? &*ddl_ : nullptr; }
  void pass_ddl();
  bool at_hand() { return !seen_ || (!ddl_ && stream_.at_hand()); }
  double behind() const noexcept { return behind_; }
  void acknowledge(Lsn lsn) noexcept { stream_.acknowledge(lsn); }
  PgLookup& lookup() noexcept { return lookup_; }

 private:
  struct Change {
    std::string_view key;
    uint32_t number;
    bool gone, was_gone;  // was_gone: by this change or an earlier one
  };
  std::optional<Bytes> next_message(std::chrono::milliseconds wait);
  void take(const PgOutputEvent& event);
  void fold();
  void truncated();
  void rest();
  bool settle();

  const PgFollowed& followed_;
  const std::chrono::milliseconds wait_;
  PgLookup lookup_;
  WalStream stream_;
  PgOutput output_;
  PgFeedPosition position_, reached_;  // reached_: behind what was read
  Arena arena_;                        // owns the keys
  std::vector<Change> read_;           // as they were made
  std::vector<std::string_view> keys_;
  size_t deletes_ = 0, made_again_ = 0;
  size_t bytes_ = 0;
  std::vector<uint32_t> transactions_;  // of the keys
  bool seen_ = true;                    // they are visible to whoever looks
  bool open_ = false;                   // within a transaction
  uint32_t xid_ = 0;                    // of it
  Lsn commit_ = 0;                      // its own
  int64_t micros_ = 0;
  uint64_t truncates_ = 0;  // in it
  std::optional<Ddl> ddl_;
  double behind_ = 0;
  LogHead head_;  // asked for while nothing came
  Stopwatch asked_, moved_, checked_;
};

}  // namespace lugger
