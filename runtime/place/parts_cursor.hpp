// A cursor that reads several parts one after another.
#pragma once
#include <memory>

#include "place/source.hpp"

namespace lugger {

/// Sums what the parts gave so far: those that ended, and the open one.
class PartsCursor : public Cursor {
 public:
  uint64_t bytes() const final { return bytes_ + (cursor_ ? cursor_->bytes() : 0); }
  ReadCounts counts() const final {
    ReadCounts out = counts_;
    if (cursor_) out += cursor_->counts();
    return out;
  }

 protected:
  void end_part() {
    bytes_ += cursor_->bytes();
    counts_ += cursor_->counts();
    cursor_.reset();
    ++part_;
  }

  std::unique_ptr<Cursor> cursor_;  // of the open part
  size_t part_ = 0;
  ReadCounts counts_;

 private:
  uint64_t bytes_ = 0;
};

}  // namespace lugger
