// Where a reader stands in a MongoDB change stream: resume tokens, cluster times, and the text that
// is stored of them.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace lugger {

/// The cluster time, seconds << 32 | increment, of an event's token or of a postBatchResumeToken:
/// {_data: "826B016D1B0000011A...", _typeBits?}. `_data` is a KeyString of the server in hex; its
/// first value is a timestamp, 82 and then seconds and increment as 8 digits each. So it has been
/// from MongoDB 4.2 on; what stands behind it may change. nullopt: not such a token, as of servers
/// that are only like MongoDB.
std::optional<uint64_t> token_time(Bytes token) noexcept;

/// "2026-11-30T02:00:00Z,17": the second in UTC, and the increment inside of it.
std::string cluster_time_text(uint64_t time);
/// The inverse. Takes every form of a date and time (value/datetime.hpp) in whole seconds; without
/// an increment it is 0, the first of its second. nullopt: no such time.
std::optional<uint64_t> cluster_time_of(std::string_view text) noexcept;

/// All events of a transaction share one time.
struct StreamPosition {
  uint64_t time = 0;
  std::string token;  // BSON for startAfter; empty: startAtOperationTime, which includes `time`

  /// `time`: for tokens that contain none, that of the event.
  static StreamPosition behind(Bytes token, uint64_t time = 0);
  static StreamPosition from_time(uint64_t time) { return {time, {}}; }
  bool is_before(const StreamPosition& other) const noexcept { return time < other.time; }
  /// Whether this event comes in the stream up to here: a stream that begins by time gives again
  /// what has that time. The server writes KeyStrings whose hex sorts as the events come; tokens of
  /// any other form are equal or not.
  bool has_passed(Bytes event, uint64_t at) const noexcept;
  bool operator==(const StreamPosition&) const = default;
};

/// "time:2026-11-30T02:00:00Z,17 token:826B...04": `_data` as it is, and "bits:80" for `_typeBits`.
/// "document:..", hex of the BSON, for a token of any other form. Only the time without a token.
std::string position_text(const StreamPosition& position);
/// The inverse, equal to the byte. Error{config}, which names `place`, for any other text, and for
/// a time that is not the token's.
StreamPosition stream_position(std::string_view text, std::string_view place);

}  // namespace lugger
