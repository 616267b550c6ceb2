// Rows found wrong, looked at closely: both values as text, and read again until they settle.
#pragma once
#include <unordered_map>

#include "verify/group.hpp"

namespace lugger {

/// Collects what groups report: all of it counted, the first rows kept.
class Details {
 public:
  explicit Details(VerifyContext& context) : context_(context), digester_(context.seed) {}

  /// Called under the group's lock.
  void add(Mismatch&& mismatch, const TargetRow* row);
  /// Reads the source once more for the keys and values of the rows that were kept.
  void read_source();
  /// Reads the rows that were kept again, by their keys, in fresh snapshots: what has become equal
  /// meanwhile is taken out of the counts. `first` still shows what was compared: a row that is not
  /// found there by its key stays what it is. A change feed would tell instead which rows to wait
  /// for.
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
  bool source_moves_ = false;  // its documents may come in another order when read again
  std::vector<Mismatch> kept_;
  std::map<std::pair<uint32_t, FindingKind>, uint64_t> shown_;
  std::unordered_map<uint64_t, size_t> extras_left_;  // of a round: extra rows of a key there still
  std::unordered_map<size_t, std::vector<std::optional<std::string>>> source_text_;  // of kept_[i]
  std::unordered_map<size_t, std::vector<Digest>> source_columns_;
};

}  // namespace lugger
