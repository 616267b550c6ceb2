#include "place/whole.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "place/parts_cursor.hpp"
#include "place/spec.hpp"

namespace lugger {
namespace {

/// Positions are "part:ID" followed by the part's own position. With a single part, they are the
/// part's own.
class WholeCursor final : public PartsCursor {
 public:
  WholeCursor(Source& source, const Position& after)
      : source_(source), parts_(source.split(1)), last_(after) {
    if (after.empty()) return;
    const auto id = parts_.size() == 1 ? std::nullopt : spec_field(after, "part");
    Position own = after;
    if (id) {
      const auto found = std::find_if(parts_.begin(), parts_.end(),
                                      [&](const Partition& part) { return part.id == *id; });
      if (found == parts_.end()) {
        throw Error(
            Code::kConfig,
            fmt::format("{}: \"{}\" is not a position of this source", source.info().place, after),
            "it belongs to another source or version; run again with --restart");
      }
      part_ = static_cast<size_t>(found - parts_.begin());
      own = after.substr(std::min(after.size(), sizeof "part:" + id->size()));
    }
    if (part_ < parts_.size()) cursor_ = source_.open(parts_[part_], own);
  }

  Next next(Batch& batch, const StopFlag& stop) override {
    while (part_ < parts_.size()) {
      if (!cursor_) cursor_ = source_.open(parts_[part_]);
      const Next got = cursor_->next(batch, stop);
      if (got == Next::kIdle) return got;
      if (got == Next::kBatch) {
        last_ = parts_.size() == 1
                    ? cursor_->position()
                    : fmt::format("part:{} {}", parts_[part_].id, cursor_->position());
        return got;
      }
      end_part();
    }
    return Next::kEnd;
  }
  Position position() const override { return last_; }

 private:
  Source& source_;
  std::vector<Partition> parts_;
  Position last_;
};

}  // namespace

std::unique_ptr<Cursor> open_whole(Source& source, const Position& after) {
  return std::make_unique<WholeCursor>(source, after);
}

}  // namespace lugger
