// Ids with generate = "v5" of the rows that a task adds one by one: the same in every run, and a
// document's first row has the id that a job would give it.
#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/arena.hpp"
#include "base/digest.hpp"
#include "engine/task.hpp"
#include "plan/plan.hpp"

namespace lugger {

class AddedIds {
 public:
  explicit AddedIds(const PlanShape& shape);

  /// The row with the ids that it does not bring itself. Error{config}: there is nothing to compute
  /// them from.
  Bytes complete(Bytes row, const GivenDocument& of, Arena& arena);
  /// The batch was written as a whole: the ids of its documents are taken. Error{config}: a row
  /// that was added has one of them.
  void note_written(const Batch& batch);
  /// The unit was committed.
  void clear() noexcept { origins_.clear(), written_.clear(); }

 private:
  /// The rows of one document.
  struct Origin {
    uint64_t rows = 0;
    std::string key;  // of the first
    Uuid id{};
  };
  Uuid id_of(Bytes row, const GivenDocument& of);
  std::string key_of(Bytes row) const;
  std::string name_of(const Document& document, const std::string& key) const;
  [[noreturn]] void refuse() const;

  const PlanShape& shape_;
  Uuid space_;
  std::vector<std::string> columns_, key_;  // the key: without ids
  bool alone_ = false;                      // the key is the canonical text of an _id
  std::map<std::pair<const void*, uint32_t>, Origin> origins_;
  std::set<const void*> written_;
};

}  // namespace lugger
