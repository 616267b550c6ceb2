// One event of a MongoDB change stream, as the server's reply contains it. Its fields are read by
// name: their order is not fixed (lsid and txnNumber come before `_id`, `to` before both).
#pragma once
#include <optional>
#include <string>

#include "value/value.hpp"

namespace lugger {

/// operationType. From kCreate on: sent by MongoDB 6.0 and newer, when expanded events are asked
/// for. kRest: a fragment behind the first of a split event. kOther: a name that is not known here.
enum class EventKind : uint8_t {
  kInsert,
  kUpdate,
  kReplace,
  kDelete,
  kDrop,
  kRename,
  kDropDatabase,
  kInvalidate,
  kCreate,
  kCreateIndexes,
  kDropIndexes,
  kModify,
  kShardCollection,
  kReshardCollection,
  kRefineCollectionShardKey,
  kStartIndexBuild,
  kAbortIndexBuild,
  kRest,
  kOther,
};

/// One document, named by its _id.
constexpr bool changes_document(EventKind kind) noexcept { return kind <= EventKind::kDelete; }
/// All documents of a collection or database at once, or the stream itself.
constexpr bool changes_namespace(EventKind kind) noexcept {
  return kind >= EventKind::kDrop && kind <= EventKind::kInvalidate;
}

/// ns and to: {db, coll}.
struct EventNamespace {
  std::string_view database, collection;  // collection: empty in a dropDatabase

  bool empty() const noexcept { return database.empty(); }
  /// "shop.users", "shop".
  std::string text() const;
};

/// Borrowed from the event's bytes.
struct StreamEvent {
  EventKind kind = EventKind::kOther;
  std::string_view operation;  // operationType as the server wrote it; empty: kRest
  EventNamespace ns;           // empty where the event has none: invalidate, kRest
  EventNamespace to;           // of a rename
  Bytes description;           // operationDescription, of expanded events; empty: none
  Value id;                    // documentKey._id, never a shard key; kMissing: no document
  /// fullDocument. kMissing: not sent. kNull: asked for, but the server did not find the document
  /// when it looked. Else kDocument: of an insert or replace as it was then, of an update as it was
  /// when the server looked, which may be later.
  Value document;
  /// Asked for, and not sent, because it or a neighbour is too large for the server to send.
  bool bare = false;
  uint64_t time = 0;  // clusterTime, seconds << 32 | increment; not sent: the token's
  Bytes token;        // `_id`: what startAfter and resumeAfter take
  Bytes session;      // lsid; empty: none
  Value transaction;  // txnNumber; kMissing: none. Both: the event belongs to a transaction
  std::optional<int64_t> wall_ms;        // wallTime, Unix milliseconds; MongoDB 6.0
  uint32_t fragment = 0, fragments = 0;  // splitEvent: from 1, of; 0 and 0: not split

  /// A stream may go on after this token. Inside of a split event it may not: who began there would
  /// read its rest only.
  bool is_last_fragment() const noexcept { return fragment == fragments; }
};

/// Fields that are not known are passed over, kinds too. Error{read} for bytes that are no BSON,
/// and for an event without what its kind must have, which the message names; notes "operation",
/// "collection", "token" (hex of the BSON) as far as they were read.
StreamEvent read_stream_event(Bytes event);

}  // namespace lugger
