// Compares both sides once: sums of all rows first, then groups of buckets that differ, then the
// details of single rows.
#pragma once
#include <functional>
#include <set>

#include "verify/details.hpp"

namespace lugger {

/// What a repair needs to know besides the verdict.
struct WrongRows {
  static constexpr size_t kMost = 1 << 20;
  std::set<OwnRow> rows;                        // to be written again, with their child rows
  std::set<OwnRow> with_extra_children;         // rows with more child rows than they should have
  std::set<std::pair<uint32_t, Digest>> extra;  // table and row: rows that no document makes
  std::set<Digest> extra_roots;                 // their keys, where they are documents' own rows
  std::vector<uint64_t> extra_rows;             // their number, by table
  uint64_t beyond_keys = 0;                     // extra rows with the same key as a right row
  uint64_t refused = 0;                         // rows of refused documents: left alone
  bool complete = true;                         // false: there are more than kMost
};

class Comparing {
 public:
  Comparing(VerifyContext& context, Verdict& verdict, WrongRows* wrong)
      : context_(context), verdict_(verdict), wrong_(wrong) {}
  /// Calls `stage` with the name of each stage when it begins.
  void run(const std::function<void(const char*)>& stage);

 private:
  class SourceSums;
  class DoubledRows;
  class TargetSums;
  void read_both(RowSnapshot& snapshot);
  void find_doubled(RowReader& reader);
  void set_counts();
  std::vector<uint8_t> wrong_buckets() const;
  uint64_t entries_of(size_t bucket) const;
  void compare_groups(RowSnapshot& snapshot);
  void note_wrong(const Mismatch& mismatch);
  void finish(RowReader& reader);

  VerifyContext& context_;
  Verdict& verdict_;
  WrongRows* wrong_;
  std::vector<BucketSums> source_, target_;  // by table
  std::vector<std::atomic<uint64_t>> roots_;
  std::vector<uint8_t> doubled_ = std::vector<uint8_t>(kBuckets);  // with several rows of one key
  std::unique_ptr<Details> details_;
};

}  // namespace lugger
