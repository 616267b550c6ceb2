#include "files/capped.hpp"

#include "base/error.hpp"
#include "place/parts_cursor.hpp"
#include "place/spec.hpp"

namespace lugger {
namespace {

struct Totals {
  uint64_t documents = 0, bytes = 0;
};

Totals count(const std::vector<OpenPart>& parts) {
  Totals out;
  Arena arena;
  Batch batch(arena);
  for (const OpenPart& part : parts) {
    const std::unique_ptr<Cursor> cursor = part();
    for (; cursor->fill(batch); batch.clear(), arena.reset()) {
      for (const Document& document : batch.documents) {
        ++out.documents;
        out.bytes += document.size;
      }
    }
    batch.clear();
  }
  return out;
}

class CappedCursor final : public PartsCursor {
 public:
  CappedCursor(std::vector<OpenPart> parts, const CappedLimits& limits, uint64_t passed)
      : parts_(std::move(parts)), limits_(limits), left_(count(parts_)), skip_(passed) {}

  Next next(Batch& batch, const StopFlag& stop) override {
    for (;;) {
      if (!cursor_) {
        if (part_ == parts_.size()) return Next::kEnd;
        cursor_ = parts_[part_]();
      }
      const size_t before = batch.documents.size();
      const Next got = cursor_->next(batch, stop);
      if (got == Next::kIdle) return got;
      if (got == Next::kEnd) {
        end_part();
        continue;
      }
      keep_fitting(batch, before);
      if (batch.documents.size() != before) return got;
    }
  }
  Position position() const override {
    return passed_ == 0 ? Position() : fmt::format("document:{}", passed_);
  }

 private:
  bool fits() const noexcept {
    return (limits_.bytes == 0 || left_.bytes <= limits_.bytes) &&
           (limits_.documents == 0 || left_.documents <= limits_.documents);
  }
  void keep_fitting(Batch& batch, size_t before) {
    size_t to = before;
    for (size_t i = before; i < batch.documents.size(); ++i) {
      const Document document = batch.documents[i];
      const bool given_before = passed_ < skip_;
      ++passed_;
      if (!fits()) {
        --left_.documents;
        left_.bytes -= document.size;
        if (!given_before) ++counts_.removed;
        continue;
      }
      if (!given_before) batch.documents[to++] = document;
    }
    batch.documents.resize(to);
  }

  std::vector<OpenPart> parts_;
  CappedLimits limits_;
  Totals left_;  // from the documents to come that are not dropped yet
  uint64_t skip_, passed_ = 0;
};

}  // namespace

std::unique_ptr<Cursor> open_capped(std::vector<OpenPart> parts, const CappedLimits& limits,
                                    const Position& after, std::string_view place) {
  const uint64_t passed = after.empty() ? 0 : position_number(after, "document", place);
  return std::make_unique<CappedCursor>(std::move(parts), limits, passed);
}

}  // namespace lugger
