#include "mongo/feed_stream.hpp"

namespace lugger {

FeedStream::FeedStream(const ScanPlace& place, std::shared_ptr<MongoHub> hub, StreamPosition from,
                       StreamContent content, std::chrono::milliseconds wait)
    : place_(place),
      hub_(std::move(hub)),
      content_(content),
      wait_(wait),
      position_(std::move(from)) {}

void FeedStream::open() {
  look_for_hub();
  if (!reader_ || !reader_->answered()) next();
}

std::optional<StreamEvent> FeedStream::next() {
  for (;;) {
    if (!alone_ || !alone_->at_hand()) look_for_hub();
    if (!reader_) return next_alone();
    const HubReader::Got got = reader_->next();
    if (got == HubReader::Got::kLost) {
      reader_.reset();
      return next_alone();
    }
    if (got == HubReader::Got::kIdle) {
      position_ = reader_->position();
      return std::nullopt;
    }
    // What jobs share begins by time. Of a transaction that was read up to its end the first events
    // are not to come again without the last.
    if (position_.has_passed(reader_->event().token, reader_->event().time)) continue;
    position_ = reader_->position();
    return reader_->event();
  }
}

bool FeedStream::at_hand() { return reader_ ? reader_->at_hand() : alone_ && alone_->at_hand(); }

/// A hub that has less than it will have is some seconds behind.
bool FeedStream::more() {
  constexpr double kTurn = 2;  // the next second may just have begun
  if (reader_) return reader_->at_hand() || reader_->behind() >= kTurn;
  return alone_ && alone_->more();
}

double FeedStream::behind() const noexcept {
  return reader_ ? reader_->behind() : alone_ ? alone_->behind() : 0;
}

void FeedStream::look_for_hub() {
  if (reader_ || !hub_) return;
  const MongoCollection& collection = place_.collection;
  reader_ = hub_->attach({collection.database, collection.name}, position_, content_);
  if (reader_) alone_.reset();
}

std::optional<StreamEvent> FeedStream::next_alone() {
  if (!alone_) {
    StreamSpec spec = stream_spec(place_, content_);
    spec.wait = wait_;
    alone_.emplace(std::move(spec), position_);
  }
  std::optional<StreamEvent> event = alone_->next();
  position_ = alone_->position();
  if (alone_->scope() == StreamScope::kCollection && !std::exchange(narrowed_, true) && hub_)
    hub_->narrow({place_.collection.database, place_.collection.name}, narrowed_text(place_));
  return event;
}

std::string narrowed_text(const ScanPlace& place) {
  return fmt::format(
      "the role has no changeStream on all of {}: a stream for each collection, for each of which "
      "the server reads its whole oplog; `lugger init --mongo-role` prints a role that suffices",
      place.collection.database);
}

}  // namespace lugger
