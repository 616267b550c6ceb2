// What a verification of tables that change has seen of the source: which documents there are, by
// the keys of their rows. Kept beside the target's rows, so that the target itself can say which of
// its rows nobody has looked at as they are now.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "place/compared.hpp"

namespace lugger {

struct SeenKey {
  KeyText key;     // of an own row of the document
  std::string id;  // the document's: {"_id": ...} as BSON
  /// How many rows each table had of this key when they were compared, by table of the plan. Empty:
  /// they are to be compared, because the source changed the document.
  std::vector<uint64_t> rows;
};

/// A document whose rows are not as they were when they were compared, or were not compared.
struct MovedKey {
  std::string id;
  std::vector<uint64_t> rows;  // as they were compared, of all of its keys; empty: they were not
};

/// Calls may come from several threads.
class SeenKeys {
 public:
  virtual ~SeenKeys() = default;
  virtual void add(std::span<const SeenKey> keys) = 0;
  /// How the target identifies this moment.
  virtual std::string moment() = 0;
  /// Documents that were added without rows, and those of whose rows somebody has inserted, changed
  /// or deleted one since this object was made. A row that nobody touched may be among them.
  virtual void each_moved(const std::function<void(MovedKey&&)>& use) = 0;
  /// Keeps the keys of rows of a table whose document was not seen; replaces what was kept.
  virtual void keep_strangers(size_t table) = 0;
  /// Those of them that are still there, and whose document was not seen since; with the number of
  /// their rows.
  virtual void each_stranger(size_t table,
                             const std::function<void(KeyText&&, uint64_t rows)>& use) = 0;

 protected:
  SeenKeys() = default;
  SeenKeys(const SeenKeys&) = default;
  SeenKeys& operator=(const SeenKeys&) = default;
};

}  // namespace lugger
