// Looks closely at rows that were found wrong: gets both values as text, and reads the rows again
// until the result is stable.
#pragma once
#include <unordered_map>

#include "verify/group.hpp"

namespace lugger {

/// Collects the rows that groups report: counts all of them and keeps the first ones.
class Details {
 public:
  explicit Details(VerifyContext& context) : context_(context), digester_(context.seed) {}

  /// Called while the group's lock is held.
  void add(Mismatch&& mismatch, const TargetRow* row);
  /// Reads the source again for the keys and values of the kept rows.
  void read_source();
  /// Reads the kept rows again by key, in new snapshots. Rows that have become equal are taken out
  /// of the counts. `first` is the snapshot that was compared: a row that it does not find by its
  /// key is not judged again. (With a change feed it would be known which rows to wait for.)
  void recheck(std::vector<TableVerdict>& tables, bool source_moves, RowReader& first);
  std::vector<RowFinding> findings() const;
  const std::vector<Mismatch>& kept() const noexcept { return kept_; }
  bool all_kept() const noexcept { return found_ == kept_.size(); }

 private:
  class SourceLook;
  class TargetLook;
  struct SeenRow {
    Digest row;
    uint64_t newer;
  };
  using Seen = std::unordered_map<uint64_t, std::vector<SeenRow>>;  // by row_number()
  bool shown(const Mismatch& mismatch);
  void try_keys(RowReader& first);
  void read_again(RowReader& reader, Seen& seen, bool show);
  void read_keys(RowReader& reader, size_t table, std::vector<Mismatch*>& part, RowTaker& rows);
  bool judge(Mismatch& mismatch, const Seen& seen, TableVerdict& table);
  bool judge_extra(Mismatch& mismatch, const Seen& seen, TableVerdict& table);

  VerifyContext& context_;
  RowDigester digester_;
  uint64_t found_ = 0;
  bool source_moves_ = false;  // its documents may come in a different order when it is read again
  std::vector<Mismatch> kept_;
  std::map<std::pair<uint32_t, FindingKind>, uint64_t> shown_;
  std::unordered_map<uint64_t, size_t> extras_left_;  // of a round: extra rows of a key left
  std::unordered_map<size_t, std::vector<std::optional<std::string>>> source_text_;  // of kept_[i]
  std::unordered_map<size_t, std::vector<Digest>> source_columns_;
};

}  // namespace lugger
