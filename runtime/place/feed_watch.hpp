// What is looked at beside a feed: how far its source is, and how far back it can still tell of
// changes.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lugger {

/// What a server keeps of its log for a reader who has not read it.
struct KeptLog {
  std::string name;  // of the reader, as its server has it: a replication slot
  uint64_t bytes = 0;
  std::string state;            // in the words of the server: "reserved", "extended", ...
  std::optional<int64_t> left;  // bytes more, and it is removed unread; none: it has no bound
};

/// A source for which a server keeps its log.
class LogReader {
 public:
  virtual ~LogReader() = default;
  /// Under which name; "": nothing was read yet.
  virtual std::string log_name() const = 0;
};

/// Times are as Feed::time_of() gives them.
struct FeedView {
  uint64_t head = 0;    // of the source, when it was asked
  uint64_t oldest = 0;  // it still has the changes from here on; 0: not known
  /// `oldest` was found by asking for changes: it is not older than that, and may be younger by an
  /// eighth of the whole.
  bool probed = false;
  /// Nothing of it was ever let go: how far back it will reach once it is full is not known.
  bool young = false;
  std::vector<KeptLog> kept;  // for each of its readers
};

/// Used by one thread.
class FeedWatch {
 public:
  virtual ~FeedWatch() = default;
  /// `position`: the oldest one that is still needed.
  virtual FeedView look(uint64_t position) = 0;
};

}  // namespace lugger
