// Where documents come from. A Source is a place, shared and immutable; a Cursor is one worker's
// stream over a part of it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/options.hpp"
#include "base/stop.hpp"
#include "place/ddl.hpp"
#include "place/notice.hpp"
#include "place/search.hpp"
#include "plan/batch.hpp"
#include "plan/manifest.hpp"

namespace lugger {

/// The position of a cursor after the last document it gave: printable, comparable only for
/// equality, and understood only by the source that made it. "" is the beginning.
using Position = std::string;

/// A part of a source that one worker reads from beginning to end. The ledger keeps the parts of a
/// run from its beginning, so that a resumed run has the same parts.
struct Partition {
  std::string id;       // unique within the run: "0", "1", ...
  std::string spec;     // the source's own text, "offset:1048576-2097152"; "": everything
  uint64_t bytes = 0;   // size, for progress; 0: unknown
  Position start = {};  // where it begins, if not at its first document: a feed's token
  int phase = 0;        // it begins when all parts of earlier phases are done
};

/// An oplog that is replayed over the documents while they are read.
struct OplogInfo {
  std::string place;
  uint64_t entries = 0, changes = 0;  // of the whole oplog
  uint64_t concern = 0;               // changes of this collection
  std::string first, last;            // times of its entries: ISO, and as a Timestamp
};

/// What is known without reading the data.
struct SourceInfo {
  std::string kind;   // "bson", "archive", "json", "postgresql": only for display
  std::string place;  // path or masked URL, as shown
  std::string database, collection;
  /// Changes when the data does: size and modification time, or server and query.
  std::string identity;
  uint64_t bytes = 0;  // on disk, 0: unknown
  std::optional<uint64_t> documents;
  bool compressed = false;
  /// The source never ends: a feed.
  bool live = false;
  /// Reports changes, deleted documents among them. Of a deleted document it gives only the `_id`.
  bool changes = false;
  /// Others may change the data while it is read.
  bool moves = false;
  /// The spec of a partition contains the byte offset of its first document.
  bool byte_addressed = false;
  /// Its documents are rows of a table, whose columns have types.
  bool rows = false;
  /// Of rows: the columns of their key. Of a row that was deleted it gives only these.
  std::vector<std::string> key = {};
  /// The field that tells apart what may have one `_id`: its namespace, its tenant. "": an `_id`
  /// stands for one document.
  std::string apart_by = {};
  /// Said of a job whose key does not have that field; "": one `_id` comes once all the same.
  std::string apart_warning = {};
  std::string metadata_json;  // collection metadata as mongodump wrote it; empty: none
  std::optional<OplogInfo> oplog;
  std::vector<VectorManifest> manifests = {};  // by path of the field
  /// Why there is nothing to read: what was named is not there now. A feed may go on all the same.
  std::optional<Error> missing = {};
  std::vector<std::string> warnings;
  std::vector<std::string> advice = {};  // shown when a place is inspected, not when a job runs
  /// What no table has of the place: for the application to replace, or to decide.
  std::vector<std::string> decisions = {};
};

/// Counts of what a cursor did beside giving documents.
struct ReadCounts {
  uint64_t tolerated = 0;         // documents that were not standard JSON: bare NaN, shell forms
  uint64_t updated = 0;           // changed by the oplog
  uint64_t removed = 0;           // in the dump, and deleted by the oplog
  uint64_t added = 0;             // inserted or replaced by the oplog: given as the oplog has them
  uint64_t without_document = 0;  // rejects passed over, because their documents were not kept

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

/// The result of asking a cursor for documents.
enum class Next : uint8_t {
  kBatch,  // at least one document
  kIdle,   // none yet, or a stop was requested while it waited: ask again
  kEnd,    // there will be no more
};

class Cursor {
 public:
  virtual ~Cursor() = default;
  /// Fills the batch up to its limits. Documents live in the batch's arena, or in memory that
  /// outlives the cursor. A cursor that waits checks `stop` and returns kIdle after at most a
  /// second.
  virtual Next next(Batch& batch, const StopFlag& stop) = 0;
  /// As next(), but waits through kIdle. False: there are no more documents, or a stop was
  /// requested.
  bool fill(Batch& batch, const StopFlag& stop = kNeverStopped) {
    for (;;) {
      const Next got = next(batch, stop);
      if (got != Next::kIdle) return got == Next::kBatch;
      if (stop.requested()) return false;
    }
  }
  /// Before the first document: the position that the cursor was opened with.
  virtual Position position() const = 0;
  /// Source bytes from the beginning of the part to here, for progress.
  virtual uint64_t bytes() const = 0;
  /// Of a feed: the seconds by which what it gave last is behind its source, by the source's own
  /// clock.
  virtual std::optional<double> behind() const { return std::nullopt; }
  /// False: all that the source has told is given, and next() waits for more. Asked of feeds.
  virtual bool at_hand() { return true; }
  /// Counts up to now.
  virtual ReadCounts counts() const { return {}; }
  /// Of a feed: what was done to the collection behind the last document given. No more documents
  /// come until pass_ddl(), behind which the position covers it. nullptr: nothing.
  virtual const Ddl* ddl() const { return nullptr; }
  /// `follow`: goes on under the new name of what was renamed.
  virtual void pass_ddl(bool follow) { static_cast<void>(follow); }
  /// Of a feed: what it gave up to this position of its own is committed where it goes, and is not
  /// asked for again. May be called while another thread is in next().
  virtual void committed(const Position& position) { static_cast<void>(position); }
  /// Of a feed: what else was noticed since this was asked last, up to the last document given.
  virtual std::vector<Notice> take_notices() { return {}; }
};

class Feed;
class FeedWatch;
class FeedHub;

class Source {
 public:
  virtual ~Source() = default;
  virtual SourceInfo info() const = 0;
  /// Of a source of rows: the names and types of their columns; nullptr: it gives documents.
  virtual const RowShape* row_shape() const { return nullptr; }
  /// Makes about `parts` parts, in the order of their phases; fewer when the source cannot be
  /// split, or is too small for it.
  virtual std::vector<Partition> split(int parts) = 0;
  /// Continues after `after`; when that is empty, begins at partition.start. Several threads open
  /// and read at once, and a part may be read more than once: it gives the same documents in the
  /// same order, unless the source moves.
  virtual std::unique_ptr<Cursor> open(const Partition& partition, const Position& after = {}) = 0;
  /// The changes of its documents, for sources that can tell of them; nullptr: it cannot.
  virtual std::unique_ptr<Feed> feed();
  /// What is looked at beside the feed; nullptr where there is none.
  virtual std::unique_ptr<FeedWatch> watch();
  /// Its feeds are to read what others of this hub read too, where they can. Call it before the
  /// first feed() of any of them.
  virtual void share(FeedHub& hub) { static_cast<void>(hub); }
  /// For one worker. Null: it has no search of its own.
  virtual std::unique_ptr<Search> search(const SearchSpec& spec) {
    static_cast<void>(spec);
    return nullptr;
  }
  /// Why its changes come by a stream of its own, although it is to share one; "": they do not, as
  /// far as is known. Asked from any thread.
  virtual std::string own_stream() const { return {}; }
  /// Call this when no cursor is open: releases what the parts shared. A cursor opened afterwards
  /// sees the source as it is then.
  virtual void release() noexcept {}
  /// What is to be said of the source while it is read, since this was called last.
  virtual std::vector<std::string> remarks() { return {}; }
  /// Messages that can be known only when all parts have been read to their ends; call it then.
  /// `all_by_this` false: another process read some of the parts, so this one may have to read
  /// again.
  virtual std::vector<std::string> told_at_end(bool all_by_this, const StopFlag& stop) {
    static_cast<void>(all_by_this), static_cast<void>(stop);
    return {};
  }
};

/// One collection of a place that may hold several: a dump directory, an archive, a database.
struct CollectionInfo {
  std::string database, collection, type;  // type: "collection", "view", "timeseries"
  std::string path;                        // file, or the place itself
  uint64_t bytes = 0;
  std::string metadata_json;
  std::string oplog = {};  // "": none is replayed; else "untouched" or "touched"
  std::string fault = {};  // what could not be read of its metadata; "": nothing
};

/// A place as a whole.
struct PlaceInfo {
  std::vector<CollectionInfo> collections;
  std::optional<OplogInfo> oplog;
  std::vector<std::string> advice;         // shown when a place is inspected, not when a job runs
  std::vector<std::string> warnings = {};  // shown in both cases: what will not be read
};

}  // namespace lugger
