// Where documents come from. A Source is a place, shared and immutable; a Cursor is one worker's
// stream over a part of it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/options.hpp"
#include "base/stop.hpp"
#include "plan/batch.hpp"

namespace lugger {

/// Where a cursor stands after the last document it gave: printable, comparable only for equality,
/// understood by the source that made it.
/// "" is the beginning.
using Position = std::string;

/// A part that one worker reads from end to end. The ledger keeps it from the run's beginning on: a
/// run that goes on has the parts that it began with.
struct Partition {
  std::string id;       // unique within the run: "0", "1", ...
  std::string spec;     // the source's own text; "": all of it; "offset:1048576-2097152"
  uint64_t bytes = 0;   // size, for progress; 0: unknown
  Position start = {};  // where it begins, where that is not its first document: a feed's token
  int phase = 0;        // it is begun when all parts of earlier phases are done
};

/// An oplog that is replayed over the documents while they are read.
struct OplogInfo {
  std::string place;
  uint64_t entries = 0, changes = 0;  // of the whole oplog; changes of documents
  uint64_t concern = 0;               // changes of this collection
  std::string first, last;            // times of its entries: ISO, and as a Timestamp
};

/// What is known without reading the data.
struct SourceInfo {
  std::string kind;   // "bson", "archive", "json", "postgresql": to be shown, not to be asked
  std::string place;  // path or masked URL, as shown
  std::string database, collection;
  /// Changes when the data does: size and modification time, or server and query.
  std::string identity;
  uint64_t bytes = 0;  // on disk, 0: unknown
  std::optional<uint64_t> documents;
  bool compressed = false;
  /// There will always be more: a feed.
  bool live = false;
  /// Tells of changes, deleted documents among them; of those it gives the `_id` alone.
  bool changes = false;
  /// Others may change the data while it is read.
  bool moves = false;
  /// A partition's spec says at which byte its first document lies.
  bool byte_addressed = false;
  /// Its documents are rows of a table, whose columns have types.
  bool rows = false;
  std::string metadata_json;  // collection metadata as mongodump wrote it; empty: none
  std::optional<OplogInfo> oplog;
  std::vector<std::string> warnings;
  std::vector<std::string> advice = {};  // for those who look, not for those who run
};

/// What a cursor met on its way, counted by whoever met it.
struct ReadCounts {
  uint64_t tolerated = 0;         // documents that were not standard JSON: bare NaN, shell forms
  uint64_t updated = 0;           // changed by the oplog
  uint64_t removed = 0;           // in the dump, and deleted by the oplog
  uint64_t added = 0;             // inserted or replaced: given as the oplog has them
  uint64_t without_document = 0;  // rejects passed over: nothing was kept of their documents

  ReadCounts& operator+=(const ReadCounts& other) noexcept {
    tolerated += other.tolerated, updated += other.updated, removed += other.removed;
    added += other.added, without_document += other.without_document;
    return *this;
  }
  ReadCounts& operator-=(const ReadCounts& other) noexcept {
    tolerated -= other.tolerated, updated -= other.updated, removed -= other.removed;
    added -= other.added, without_document -= other.without_document;
    return *this;
  }
};

/// What asking a cursor came to.
enum class Next : uint8_t {
  kBatch,  // documents, at least one
  kIdle,   // none yet, or asked to stop while waiting for one: ask again
  kEnd,    // there will be no more
};

class Cursor {
 public:
  virtual ~Cursor() = default;
  /// Fills the batch up to its limits; documents live in the batch's arena or in memory that
  /// outlives the cursor. A cursor that has to wait looks at `stop` while it waits, and never waits
  /// longer than a second before it says so by kIdle.
  virtual Next next(Batch& batch, const StopFlag& stop) = 0;
  /// Waits through kIdle. False: there are no more, or `stop` was requested.
  bool fill(Batch& batch, const StopFlag& stop = kNeverStopped) {
    for (;;) {
      const Next got = next(batch, stop);
      if (got != Next::kIdle) return got == Next::kBatch;
      if (stop.requested()) return false;
    }
  }
  /// Before its first document: what the cursor was opened with.
  virtual Position position() const = 0;
  /// Source bytes from the part's beginning to here, for progress.
  virtual uint64_t bytes() const = 0;
  /// So far.
  virtual ReadCounts counts() const { return {}; }
};

class Source {
 public:
  virtual ~Source() = default;
  virtual SourceInfo info() const = 0;
  /// About `parts` parts, in the order of their phases; fewer where the source cannot be split, or
  /// is too small to be worth it.
  virtual std::vector<Partition> split(int parts) = 0;
  /// Continues behind `after`; where that is empty, begins at partition.start. Several threads open and read at once, and a part is read
  /// more than once: the same documents in the same order, unless the source moves.
  virtual std::unique_ptr<Cursor> open(const Partition& partition, const Position& after = {}) = 0;
  /// No cursor is open: what parts shared while they were read is given back. Who opens one
  /// afterwards sees the source as it is then.
  virtual void release() noexcept {}
  /// What shows only when all parts have been read to their ends, in sentences; asked for then. Not
  /// all_by_this: another process read some of them, so that this one may have to look again.
  virtual std::vector<std::string> told_at_end(bool all_by_this, const StopFlag& stop) {
    static_cast<void>(all_by_this), static_cast<void>(stop);
    return {};
  }
};

/// A place may hold several collections: a dump directory, an archive, a database.
struct CollectionInfo {
  std::string database, collection, type;  // type: "collection", "view", "timeseries"
  std::string path;                        // file, or the place itself
  uint64_t bytes = 0;
  std::string metadata_json;
  std::string oplog = {};  // "": none is replayed; "untouched" or "touched" by it
  std::string fault = {};  // what of its metadata could not be read, in a sentence; "": nothing
};

/// A place as a whole.
struct PlaceInfo {
  std::vector<CollectionInfo> collections;
  std::optional<OplogInfo> oplog;
  std::vector<std::string> advice;         // for those who look, not for those who run
  std::vector<std::string> warnings = {};  // for both: what will not be read
};

}  // namespace lugger
