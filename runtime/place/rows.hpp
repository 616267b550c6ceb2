// Reads rows back from a target, to compare them with what a plan makes of a source. Tables are
// identified by their index in the plan.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "place/compared.hpp"
#include "place/seen_keys.hpp"
#include "plan/batch.hpp"

namespace lugger {

class PlanShape;

/// Which server and database the rows come from.
struct RowsFacts {
  std::string server;    // "PostgreSQL 15.18"
  std::string identity;  // identifies the database: "database shop (16384) at unix socket"
};

/// The columns of one table as the target has them.
struct StoredTable {
  std::vector<ComparedColumn> columns;  // those that can be compared
  std::vector<ColumnFinding> altered;
  bool unsettled = false;  // a load has not ended: the table may still hold several rows of
                           // one key, which its end would settle
};

/// Inspects the target's tables before anything is read. Call it once for each table, in the order
/// of the plan: first columns(), then bind_key().
class RowsLook {
 public:
  virtual ~RowsLook() = default;
  virtual RowsFacts facts() = 0;
  /// The columns for these slots of the plan's row, in the same order. Columns that cannot be
  /// compared are left out; if their type is not the mapping's, they are listed as altered.
  /// Error{verify} for a table that is missing, or whose rows may not all be read, or that cannot
  /// be queried.
  virtual StoredTable columns(size_t table, const std::vector<size_t>& slots) = 0;
  /// For a table with its columns, key and root: finds out how the target compares keys, and sets
  /// hash and vague of the columns, hashes and may_double. Adds a note for what it cannot find out.
  virtual void bind_key(ComparedTable& table, std::vector<std::string>& notes) = 0;
};

/// The target's hashes for the keys of a batch's rows, in the columns that have a hash.
struct KeyHashes {
  std::vector<std::vector<Value>> tables;  // by table of the plan, row and hash

  const Value& of(const ComparedTable& table, size_t row, size_t column) const {
    const auto hash = static_cast<size_t>(table.columns[column].hash);
    return tables[table.table][row * table.hashes + hash];
  }
};

/// Turns the source's values into what the target would store. Belongs to one worker.
class TargetValues {
 public:
  virtual ~TargetValues() = default;
  /// For all rows of a batch that load: rounds values as their columns do, replaces values that are
  /// compared as text (ComparedColumn::by_server) by the target's text, and makes the hashes of
  /// keys. A document with a value that the target refuses is refused, as it was during the load.
  /// New values live in the batch's arena.
  virtual void apply(Batch& batch, KeyHashes& hashes) = 0;
};

/// One row as the target holds it. Valid only during the call that passes it.
struct StoredRow {
  size_t table;
  // One value for each compared column, in the form that the plan's coercers give its type; for
  // by_server columns, the server's text.
  const std::vector<Value>& values;
  // One value for each hash of the table's key, as text; NULL for NULL.
  const std::vector<Value>& hashes;
};

/// Receives rows. Belongs to one worker.
class RowTaker {
 public:
  virtual ~RowTaker() = default;
  /// False: the taker wants no more rows.
  virtual bool row(const StoredRow& row) = 0;
};

/// A part of the rows of one table, described in the target's own terms.
struct RowPart {
  size_t table = 0;
  std::string rows;
};

/// Reads the rows of a snapshot, in any order. Belongs to one worker. Error{connect} when the
/// target cannot be reached, Error{read} when it sends something unexpected.
class RowReader {
 public:
  virtual ~RowReader() = default;
  /// False: the taker wanted no more rows. After that the reader must not be used again.
  virtual bool read(const RowPart& part, RowTaker& taker) = 0;
  /// Reads the rows with one of these keys, as server_text() spells them; at most a thousand keys.
  /// A NULL in a key matches NULL.
  virtual void read_keys(size_t table, const std::vector<const KeyText*>& keys,
                         RowTaker& taker) = 0;
  /// The same by the keys of their documents' own rows.
  virtual void read_roots(size_t table, const std::vector<const KeyText*>& roots,
                          RowTaker& taker) = 0;
  /// Reads the rows whose key another row of the table has too. There are none where a unique index
  /// exists.
  virtual void read_doubled(size_t table, RowTaker& taker) = 0;
};

/// The target's rows at one moment. All readers see the same rows until it is destroyed.
class RowSnapshot {
 public:
  virtual ~RowSnapshot() = default;
  /// How the target identifies this moment.
  virtual const std::string& position() const noexcept = 0;
  /// How many readers can read at once; at least one.
  virtual size_t readers() const noexcept = 0;
  virtual RowReader& reader(size_t i) noexcept = 0;
  /// Divides a table into parts, each row in exactly one, small enough to keep all readers busy
  /// until the end. `where`, in the target's own language, is a condition on the document's own row
  /// that also decides about its child rows. Do not call this while the first reader reads.
  virtual std::vector<RowPart> parts(size_t table, const std::string& where) = 0;
};

/// Decides which rows are deleted.
class RowChooser {
 public:
  virtual ~RowChooser() = default;
  virtual bool goes(const StoredRow& row) = 0;
};

/// Deletes rows, for a repair. Belongs to one worker.
class RowEraser {
 public:
  virtual ~RowEraser() = default;
  /// Passes all rows of these tables to the chooser, one table after the other in the given order,
  /// narrowed by `where` as in RowSnapshot::parts(). Then deletes the chosen rows, children before
  /// their parents, in one transaction. Error{conflict}, and nothing is deleted, when another
  /// session changed one of them meanwhile. `erased`: the number of rows by table of the plan; it
  /// is set before the commit, because the answer to the commit may be lost.
  virtual void erase(const std::vector<size_t>& tables, const std::string& where,
                     RowChooser& chooser, std::vector<uint64_t>& erased) = 0;
  /// Deletes the rows of a child table that belong to one of these keys of `own`, if `own` has no
  /// row with that key.
  virtual void erase_orphans(size_t child, size_t own, const std::vector<const KeyText*>& keys) = 0;
};

/// The rows of one target, for one verification. First inspect all tables of the plan with one
/// look; after that, calls may come from any thread. What this returns must not outlive it, and the
/// look must not outlive the plan.
class Rows {
 public:
  virtual ~Rows() = default;
  virtual std::unique_ptr<RowsLook> look(const PlanShape& plan) = 0;
  /// The number of rows of a table at this moment.
  virtual uint64_t count(size_t table) = 0;
  /// For one worker. Null: the target stores all values as the plan makes them.
  virtual std::unique_ptr<TargetValues> values() = 0;
  /// `readers`: how many readers are wanted at once.
  virtual std::unique_ptr<RowSnapshot> snapshot(int readers) = 0;
  /// For one verification of tables that change. Null: the target does not tell which rows were
  /// changed. Error{config}: it does not of these tables.
  virtual std::unique_ptr<SeenKeys> seen_keys() { return nullptr; }
  /// For one worker; never null. Error{config} when rows of this target cannot be deleted.
  virtual std::unique_ptr<RowEraser> eraser() = 0;
  /// Why rows of this table cannot be selected for deletion by their values; empty: they can.
  virtual std::string why_not_erase(size_t table) {
    static_cast<void>(table);
    return {};
  }
};

}  // namespace lugger
