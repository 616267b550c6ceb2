// The target's rows in a snapshot, with their digests.
#pragma once
#include <mutex>

#include "place/rows.hpp"
#include "verify/context.hpp"
#include "verify/crew.hpp"
#include "verify/row_digest.hpp"

namespace lugger {

struct TargetRow {
  const ComparedTable& table;
  const std::vector<Value>& values;  // one for each compared column
  const RowDigests& digests;
};

/// Makes the digests of rows and counts rows for display. Belongs to one worker.
class TargetDigester {
 public:
  explicit TargetDigester(VerifyContext& context) : context_(context), digester_(context.seed) {}
  ~TargetDigester() { context_.target_rows.fetch_add(rows_ & kMask, std::memory_order_relaxed); }
  TargetDigester(const TargetDigester&) = delete;
  TargetDigester& operator=(const TargetDigester&) = delete;

  const ComparedTable& table(const StoredRow& row) const {
    return context_.comparison.tables[row.table];
  }
  RowDigests digest(const StoredRow& row) {
    const ComparedTable& compared = table(row);
    return digester_.digest(compared, [&](size_t c) -> const Value& {
      const int hash = compared.columns[c].hash;
      return hash < 0 ? row.values[c] : row.hashes[static_cast<size_t>(hash)];
    });
  }
  /// True for one row in a fixed number: time to update the display and check for a stop.
  bool count() noexcept {
    if ((++rows_ & kMask) != 0) return false;
    context_.target_rows.fetch_add(kMask + 1, std::memory_order_relaxed);
    return true;
  }

 private:
  static constexpr uint64_t kMask = 1023;
  VerifyContext& context_;
  RowDigester digester_;
  uint64_t rows_ = 0;
};

/// Calls use.row(TargetRow) for each row. It is a template, so that a row costs only one virtual
/// call. With a crew, it ends early when the crew is stopped.
template <typename Use>
class TargetRows final : public RowTaker {
 public:
  TargetRows(VerifyContext& context, Use& use, const Crew* crew = nullptr)
      : context_(context), use_(use), crew_(crew), digester_(context) {}

  bool row(const StoredRow& row) override {
    const RowDigests digests = digester_.digest(row);
    if (context_.sampled(digests.root)) use_.row({digester_.table(row), row.values, digests});
    return !digester_.count() || crew_ == nullptr || !crew_->stopped();
  }

 private:
  VerifyContext& context_;
  Use& use_;
  const Crew* crew_;
  TargetDigester digester_;
};

/// All rows of some tables, in parts that the workers claim.
class TargetPass {
 public:
  /// `own`: include the document's own tables; `children`: include the others. Asks the target for
  /// their sizes.
  TargetPass(VerifyContext& context, RowSnapshot& snapshot, bool own, bool children);
  template <typename Use>
  void work(RowReader& reader, Use& use, const Crew& crew) {
    TargetRows<Use> rows(context_, use, &crew);
    while (!crew.stopped()) {
      const std::optional<RowPart> part = claim();
      if (!part || !reader.read(*part, rows)) break;
    }
  }

 private:
  std::optional<RowPart> claim();

  VerifyContext& context_;
  std::mutex mutex_;
  std::vector<RowPart> parts_;
  size_t next_ = 0;
};

}  // namespace lugger
