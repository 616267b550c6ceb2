// Rows read back from a target, to be held against what a plan makes of a source. Tables are named
// by their numbers in the plan.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "place/compared.hpp"
#include "plan/batch.hpp"

namespace lugger {

class PlanShape;

/// Who answers for the rows.
struct RowsFacts {
  std::string server;    // "PostgreSQL 15.18"
  std::string identity;  // which of all: "database shop (16384) at unix socket"
};

/// How the target has the columns of one table.
struct StoredTable {
  std::vector<ComparedColumn> columns;  // that can be compared
  std::vector<ColumnFinding> altered;
  bool unsettled = false;  // of a load that did not end: rows of one key may stand there that it
                           // would settle
};

/// A look at the target's tables, before anything is read. Tables are asked for in the order of the
/// plan, each once: first its columns, then its key.
class RowsLook {
 public:
  virtual ~RowsLook() = default;
  virtual RowsFacts facts() = 0;
  /// The columns of these slots of the plan's row, in that order; those that cannot be compared are
  /// left out and, where their type is not the mapping's, among the altered. Error{verify} for a
  /// table that is missing, of which not all rows may be read, or of which nothing can be asked.
  virtual StoredTable columns(size_t table, const std::vector<size_t>& slots) = 0;
  /// Given a table with its columns, key and root, says how keys are equal there: hash and vague of
  /// its columns, hashes, may_double. What cannot be told is a note, a line each.
  virtual void bind_key(ComparedTable& table, std::vector<std::string>& notes) = 0;
};

/// What stands for the keys of a batch's rows in the columns that have a hash.
struct KeyHashes {
  std::vector<std::vector<Value>> tables;  // by table of the plan, then by row and hash

  const Value& of(const ComparedTable& table, size_t row, size_t column) const {
    const auto hash = static_cast<size_t>(table.columns[column].hash);
    return tables[table.table][row * table.hashes + hash];
  }
};

/// The source's values as the target would have them. Belongs to one worker.
class TargetValues {
 public:
  virtual ~TargetValues() = default;
  /// Of all rows of a batch that load: rounds values as their columns do, puts the target's own
  /// text in the place of those it compares (ComparedColumn::by_server), and makes the hashes of
  /// keys. A document with a value that the target refuses is refused, as it was when it was
  /// loaded. What is new lies in the batch's arena.
  virtual void apply(Batch& batch, KeyHashes& hashes) = 0;
};

/// One row as the target holds it; good until the call that shows it returns.
struct StoredRow {
  size_t table;
  // One a compared column, in the form that the plan's coercers give its type; where the server
  // compares (by_server), the server's text.
  const std::vector<Value>& values;
  // One a hash of the table's key, as text; NULL for NULL.
  const std::vector<Value>& hashes;
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
  /// meanwhile, and none is deleted. `erased`: their number, by table of the plan; known before the
  /// commit, whose answer may be lost.
  virtual void erase(const std::vector<size_t>& tables, const std::string& where,
                     RowChooser& chooser, std::vector<uint64_t>& erased) = 0;
  /// Deletes the rows of a child table that belong to one of these keys of `own`, where no row of
  /// `own` has that key.
  virtual void erase_orphans(size_t child, size_t own, const std::vector<const KeyText*>& keys) = 0;
};

/// The rows of one target, for one verification. First one look is taken, at all of the plan's
/// tables; then calls may come from any thread. What it gives must not outlive it, the look not the
/// plan.
class Rows {
 public:
  virtual ~Rows() = default;
  virtual std::unique_ptr<RowsLook> look(const PlanShape& plan) = 0;
  /// All rows of a table, as of now.
  virtual uint64_t count(size_t table) = 0;
  /// For one worker; null: all values are as the plan makes them.
  virtual std::unique_ptr<TargetValues> values() = 0;
  /// `readers`: how many want to read at once.
  virtual std::unique_ptr<RowSnapshot> snapshot(int readers) = 0;
  /// For one worker; never null. Error{config} for a target whose rows cannot be deleted.
  virtual std::unique_ptr<RowEraser> eraser() = 0;
  /// Why rows of this table cannot be erased by what they hold; empty: they can.
  virtual std::string why_not_erase(size_t table) {
    static_cast<void>(table);
    return {};
  }
};

}  // namespace lugger
