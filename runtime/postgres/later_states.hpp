// Which documents of a unit have a later state in it: an earlier one must not take its place, neither
// at the end of the unit nor when rejects are tried again.
#pragma once
#include <string>
#include <unordered_map>

#include "postgres/loader.hpp"

namespace lugger {

/// The documents behind `first` that the unit loads or deletes, by the keys of their rows. With
/// on_conflict = newer the rows themselves say which is later, but for those that are deleted.
class LaterStates {
 public:
  LaterStates(const PgLoad& load, const UnitDocuments& unit, size_t first);
  /// True for a document with rows, all of which a later one loads or deletes. It must not be
  /// excluded.
  bool has(size_t document) const;

 private:
  /// Calls use(key, document, deleted) for each own row.
  template <typename Use>
  void each_key(size_t first, size_t last, Use&& use) const;

  const PgLoad& load_;
  const UnitDocuments& unit_;
  std::unordered_map<std::string, size_t> last_;
};

}  // namespace lugger
