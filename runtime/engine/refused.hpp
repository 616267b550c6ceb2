// Documents that the target refused because of rows of others are looked up again and tried again:
// at once, then ever later, up to a minute.
#pragma once
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "place/feed.hpp"
#include "place/notice.hpp"
#include "place/state.hpp"

namespace lugger {

/// The ledger has their keys, and is asked only when some are due. They come in units of their own,
/// since a unit of which a document is refused is loaded in pieces. While changes come, tries take
/// a tenth of the time, however many there are, so that changes do not wait for them.
class RefusedDocuments {
 public:
  /// At most so many keys that are due: State::refused_keys().
  using Ask = std::function<RefusedPage(size_t limit)>;
  explicit RefusedDocuments(Ask ask) : ask_(std::move(ask)) {}

  /// Gives some that are due, in what is followed behind a position. `idle`: the feed has nothing.
  /// False: there are none, or the unit has documents already.
  bool give(Feed& feed, const Position& behind, bool idle, Batch& batch);
  /// True until the unit with what was given is committed; nothing else may come to it.
  bool under_way() const noexcept { return !tried_.empty(); }
  /// The unit has other documents.
  void give_way() noexcept { unit_is_empty_ = false; }
  /// When the unit ends: what it tried.
  std::vector<RefusedKey> take_tried();
  /// When it is committed; what is to be said.
  std::optional<Notice> committed(const UnitRecord& unit);

 private:
  bool is_time(bool idle) const;
  void tune(const UnitRecord& unit);

  Ask ask_;
  std::vector<RefusedKey> tried_;
  std::optional<double> wait_ = 0;  // seconds from asked_ on; none: there are none
  Stopwatch asked_, tried_at_, rested_;
  double took_ = 0;    // the last try, to its commit
  size_t most_ = 32;   // keys of a try
  bool more_ = false;  // beside those that were tried last
  bool unit_is_empty_ = true;
  uint64_t accepted_ = 0;  // since there were none
  bool told_of_ = false;   // some of these were refused more than twice
};

}  // namespace lugger
