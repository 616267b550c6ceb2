// Rows read back from a target, to be held against what a plan makes of a source. Tables are named
// by their numbers in the plan.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "place/compared.hpp"

namespace lugger {

/// One row as the target holds it; good until the call that shows it returns.
struct StoredRow {
  size_t table;
  const std::vector<Value>& values;  // one a compared column, as its CompareAs says
  const std::vector<Value>& hashes;  // one a hash of the table's key, as text; NULL of a NULL
};

/// Who is shown rows. Belongs to one worker.
class RowTaker {
 public:
  virtual ~RowTaker() = default;
  /// False: no more is wanted.
  virtual bool row(const StoredRow& row) = 0;
};

/// Some rows of one table: which, in the target's own words.
struct RowPart {
  size_t table = 0;
  std::string rows;
};

/// Reads the rows of a snapshot, in any order. Belongs to one worker. Error{connect} when the target
/// cannot be asked, Error{read} when what it sends makes no sense.
class RowReader {
 public:
  virtual ~RowReader() = default;
  /// False: the taker wanted no more; then nothing else can be read.
  virtual bool read(const RowPart& part, RowTaker& taker) = 0;
  /// Those whose key is one of these, as server_text() spells it; at most a thousand keys. NULL
  /// finds NULL.
  virtual void read_keys(size_t table, const std::vector<const KeyText*>& keys,
                         RowTaker& taker) = 0;
  /// Those whose key another row of the table has, too. None where an index keeps them out.
  virtual void read_doubled(size_t table, RowTaker& taker) = 0;
};

/// What the target holds at one moment. All readers see the same rows until it is destroyed.
class RowSnapshot {
 public:
  virtual ~RowSnapshot() = default;
  /// What the target calls this moment.
  virtual const std::string& position() const noexcept = 0;
  /// How many can read at once; at least one.
  virtual size_t readers() const noexcept = 0;
  virtual RowReader& reader(size_t i) noexcept = 0;
  /// A table in parts that together are all of it, each row in one, so that the readers have
  /// something to do until the end. `where` narrows them: a condition on the document's own row, in
  /// the target's own words; rows of children go with it. Not while the first reader reads.
  virtual std::vector<RowPart> parts(size_t table, const std::string& where) = 0;
};

/// Who says which rows go.
class RowChooser {
 public:
  virtual ~RowChooser() = default;
  virtual bool goes(const StoredRow& row) = 0;
};

/// Deletes rows, for a repair. Belongs to one worker.
class RowEraser {
 public:
  virtual ~RowEraser() = default;
  /// Shows all rows of these tables, one table after the other in the order given, narrowed by
  /// `where` as RowSnapshot::parts() does, and deletes those that go, the tables' rows in the order
  /// of children before their parents. As one: Error{conflict} where another changed one of them
  /// meanwhile, and none is deleted. Gives their number, by table of the plan.
  virtual std::vector<uint64_t> erase(const std::vector<size_t>& tables, const std::string& where,
                                      RowChooser& chooser) = 0;
  /// Deletes the rows of a child table that belong to one of these keys of `own`, where no row of
  /// `own` has that key.
  virtual void erase_orphans(size_t child, size_t own, const std::vector<const KeyText*>& keys) = 0;
};

}  // namespace lugger
