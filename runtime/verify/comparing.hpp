// Both sides compared once: the pass of sums, groups of what differs, a closer look.
#pragma once
#include <functional>
#include <set>

#include "verify/details.hpp"

namespace lugger {

/// What a repair needs to know beyond the verdict.
struct WrongRows {
  static constexpr size_t kMost = 1 << 20;
  std::set<OwnRow> rows;                        // to be written again, child rows with them
  std::set<OwnRow> with_extra_children;         // those that have more child rows than they should
  std::set<std::pair<uint32_t, Digest>> extra;  // table and row: rows that no document makes
  std::set<Digest> extra_roots;                 // keys of those that are documents' own rows
  std::vector<uint64_t> extra_rows;             // how many they are, of each table
  uint64_t beyond_keys = 0;                     // extra rows that no key tells from the right ones
  uint64_t refused = 0;                         // rows of documents that were refused: left alone
  bool complete = true;                         // false: there are more than fit
};

class Comparing {
 public:
  Comparing(VerifyContext& context, Verdict& verdict, WrongRows* wrong)
      : context_(context), verdict_(verdict), wrong_(wrong) {}
  /// `stage` is told what is under way.
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
  std::vector<BucketSums> source_, target_;  // one a table
  std::vector<std::atomic<uint64_t>> roots_;
  std::vector<uint8_t> doubled_ = std::vector<uint8_t>(kBuckets);  // hold rows of one key
  std::unique_ptr<Details> details_;
};

}  // namespace lugger
