// Settling: the documents whose keys were spooled are looked up, as they are now, while more keys
// are spooled.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "engine/spooler.hpp"
#include "place/feed.hpp"
#include "place/source.hpp"
#include "place/state.hpp"

namespace lugger {

struct SettleView {
  uint64_t left = 0;  // keys in the spool
  uint64_t time = 0;  // all changes before this are spooled or settled, as Feed::time_of()
};

/// Goes through the spool in the order of places, again and again, since keys come behind it. The
/// unit of what it gave takes the keys out of the spool (take_settled()). When a pass was short,
/// the spooler is stopped; when nothing is left then, it ends.
///
/// That nothing is lost: a key leaves the spool only in the transaction of the row that was looked
/// up for it, and only if it was not spooled again since it was read (KeyRange::turn). What is
/// looked up is as of the page's position or later, so it covers every change whose key the page had. A
/// change that is younger than the look-up has a key that is spooled later, with a greater turn,
/// or stands behind the record's position, where following begins. The last unit finds the spool
/// empty, takes that position and ends the record, all under the record's lock, under which the
/// position also moves: so no key comes in between.
class SettleCursor final : public Cursor {
 public:
  /// All references outlive it. `after`: what an earlier one had as its position.
  SettleCursor(Source& source, State& state, Spooler& spooler, const FeedRecord& settled,
               const Position& after);

  Next next(Batch& batch, const StopFlag& stop) override;
  Position position() const override;
  uint64_t bytes() const override { return bytes_; }
  bool at_hand() override { return !pass_is_over(); }

  /// What was looked up since this was called last.
  SettledKeys take_settled();
  SettleView view() const;

 private:
  bool pass_is_over() const { return last_page_ && at_ == page_.keys.size(); }
  /// kBatch: there are keys at hand.
  Next turn_page(const StopFlag& stop);
  void read_page();
  void begin_pass();
  void look_up(Batch& batch);

  Source& source_;
  std::unique_ptr<Feed> feed_;
  State& state_;
  Spooler& spooler_;
  const FeedRecord& settled_;
  SpooledPage page_;
  size_t at_ = 0, each_ = 16;
  bool last_page_ = false;  // of the pass
  std::string after_;       // place of the last key that was looked up
  uint64_t pass_ = 0;
  bool whole_ = true;    // the pass began with the first key
  bool drains_ = false;  // nothing has been spooled since the pass began
  uint64_t given_ = 0;   // keys of the pass
  Stopwatch pass_age_;
  std::vector<KeyRange> ranges_;  // that were looked up and are not committed
  std::vector<std::string_view> keys_;
  uint64_t bytes_ = 0;
};

}  // namespace lugger
