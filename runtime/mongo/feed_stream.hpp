// The changes of one collection: from the hub as long as it has them, else by a stream of its own.
#pragma once
#include <chrono>
#include <memory>
#include <optional>

#include "mongo/hub.hpp"

namespace lugger {

/// No event comes twice when it changes from one to the other. One thread.
class FeedStream {
 public:
  /// Without a hub: a stream of its own. `place` outlives this.
  FeedStream(const ScanPlace& place, std::shared_ptr<MongoHub> hub, StreamPosition from,
             StreamContent content, std::chrono::milliseconds wait = kStreamWait);

  /// Returns once the server gives its changes.
  void open();
  /// The next event, valid until the next call; nullopt: none came in time.
  std::optional<StreamEvent> next();
  /// True: next() has an event at hand, without asking the server.
  bool at_hand();
  /// False: the server has told all that it had; next() waits for it.
  bool more();
  /// Behind the last event given, and behind everything before the next one that is not ours.
  const StreamPosition& position() const noexcept { return position_; }
  double behind() const noexcept;
  /// The role may watch the collection, but not all of its database.
  bool narrowed() const noexcept { return narrowed_; }

 private:
  void look_for_hub();
  std::optional<StreamEvent> next_alone();

  const ScanPlace& place_;
  std::shared_ptr<MongoHub> hub_;
  const StreamContent content_;
  const std::chrono::milliseconds wait_;
  StreamPosition position_;
  std::optional<MongoStream> alone_;
  std::unique_ptr<HubReader> reader_;
  bool narrowed_ = false;
};

/// What is said of a role that is too small for a stream that jobs share.
std::string narrowed_text(const ScanPlace& place);

}  // namespace lugger
