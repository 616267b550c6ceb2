// A change stream: events in their order, from a position on, through lost cursors and elections.
#pragma once
#include <chrono>
#include <optional>

#include "change/resume_token.hpp"
#include "change/stream_event.hpp"
#include "mongo/cursor.hpp"
#include "mongo/scan.hpp"

namespace lugger {

/// True for errors that say that a position is no longer in the oplog.
bool is_history_lost(const MongoFault& fault);

/// What a stream leaves out of its events.
enum class StreamContent : uint8_t { kKeys, kDocuments };
/// Where it is opened. What a role may watch depends on it.
enum class StreamScope : uint8_t { kCollection, kDatabase, kCluster };

struct WatchedCollection {
  std::string database, name;
  bool operator==(const WatchedCollection&) const = default;
};

inline constexpr std::chrono::milliseconds kStreamWait{1000};

/// What a stream looks at, and how it gets there.
struct StreamSpec {
  std::string url, shown, purpose;
  std::vector<WatchedCollection> watched;  // at least one; kDatabase: all of one database
  StreamScope scope = StreamScope::kDatabase;
  StreamContent content = StreamContent::kKeys;
  std::chrono::milliseconds wait = kStreamWait;  // how long the server waits for an event
};
/// Of one collection.
StreamSpec stream_spec(const ScanPlace& place, StreamContent content);

/// The changes of some collections. A stream that the server loses is opened again behind the last
/// event given. Error, saying what to do, where the server cannot go on from there. Of one
/// collection: where the role may not watch the database, the collection alone is watched.
class MongoStream {
 public:
  MongoStream(StreamSpec spec, StreamPosition from);

  /// The next event, valid until the next call; nullopt: none came in time. With documents
  /// it may be larger than a server can send: then it and its neighbours come without theirs.
  std::optional<StreamEvent> next();
  /// The event given last, as the server sent it; lives as long as the event.
  Bytes bytes() const noexcept { return given_; }
  /// True: next() has an event at hand, without asking the server.
  bool at_hand() const noexcept { return at_hand_; }
  /// False: the server has told all that it had; next() waits for it.
  bool more() const noexcept { return at_hand_ || full_; }
  /// Behind the last event given, and behind everything before the next one that is not ours.
  const StreamPosition& position() const noexcept { return position_; }
  /// Seconds from the position to the server's time when it answered last; 0: it had nothing.
  double behind() const noexcept;
  StreamScope scope() const noexcept { return spec_.scope; }

 private:
  void open();
  bool narrow(const MongoFault& fault);
  bool read();
  bool can_go_on(const MongoFault& fault);
  void keep_place();
  void end_reply();
  std::optional<StreamEvent> give();

  StreamSpec spec_;
  MongoClient client_;
  std::optional<MongoCursor> cursor_;
  StreamPosition position_;
  Bytes event_, given_;
  bool at_hand_ = false, caught_up_ = false;  // caught_up_: the last reply was empty
  bool full_ = false;                         // it had as many events as were asked for
  size_t asked_ = 500;
  bool expanded_ = true;  // asks for what is done to collections; servers before 6.0 do not know it
  /// Without documents until the reply with an event that is too large has been given.
  bool bare_ = false, bare_given_ = false;
  int attempts_ = 0;
};

}  // namespace lugger
