// Counts what changes, as it is shown: a histogram a field, and the first rows before and after.
#pragma once
#include <map>

#include "fix/source.hpp"

namespace lugger {

class FixTally {
 public:
  explicit FixTally(const FixTable& table, size_t shown) : table_(table), limit_(shown) {
    for (const FixField& field : table.fields) fields_.push_back({field.name, 0, {}, false});
  }
  void add(const FixRow& row, const RowChange& change);
  void refuse(const RejectRecord& reject);
  void skip(const std::string& reason, uint64_t rows) { skips_[reason] += rows; }
  /// Into the report and the result.
  void fill(FixReport& report, RunResult& result) const;
  void clear();

 private:
  using Pair = std::pair<std::optional<std::string>, std::optional<std::string>>;
  struct Field {
    std::string name;
    uint64_t rows = 0;
    std::map<Pair, uint64_t> pairs;
    bool more = false;
  };
  const FixTable& table_;
  size_t limit_;
  std::vector<Field> fields_;
  std::vector<FixSample> shown_;
  std::vector<FixRefusal> refusals_;
  std::map<std::string, uint64_t> codes_, skips_;
};

}  // namespace lugger
