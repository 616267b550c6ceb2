// A change stream: events in their order, from a position on, through lost cursors and elections.
#pragma once
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

/// The changes of one collection. A stream that the server loses is opened again behind the last
/// event given. Error, saying what to do, where the server cannot go on from there.
class MongoStream {
 public:
  MongoStream(const ScanPlace& place, StreamPosition from, StreamContent content);

  /// The next event, valid until the next call; nullopt: none came within a second.
  std::optional<StreamEvent> next();
  /// True: next() has an event at hand, without asking the server.
  bool at_hand() const noexcept { return at_hand_; }
  /// Behind the last event given, and behind everything before the next one that is not ours.
  const StreamPosition& position() const noexcept { return position_; }
  /// Seconds from the position to the server's time when it answered last; 0: it had nothing.
  double behind() const noexcept;

 private:
  void open();
  bool read();
  void keep_place();
  std::optional<StreamEvent> give();

  const ScanPlace& place_;
  const StreamContent content_;
  MongoClient client_;
  std::optional<MongoCursor> cursor_;
  StreamPosition position_;
  Bytes event_;
  bool at_hand_ = false, caught_up_ = false;  // caught_up_: the last reply was empty
  int attempts_ = 0;
};

}  // namespace lugger
