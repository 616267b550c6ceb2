// The members of a replica set that a copy reads from: those that lag far behind the primary are left
// alone until they have caught up.
#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "mongo/client.hpp"

namespace lugger {

/// Shared by the cursors of a source. Whoever comes when it is time asks all members.
class MongoMembers {
 public:
  /// Of those that the URL's read preference allows, one that does not lag; the primary, where it may
  /// be read; else one that lags.
  MongoServer choose(MongoClient& client);
  /// True: choose() would give another one by now. Asks the members when it is time.
  bool should_leave(MongoClient& client, const MongoServer& server);
  /// True: it lags, and there is no other. Whoever reads from it is to read slowly.
  bool is_slow(const MongoServer& server) const;
  /// What happened since this was called last, as sentences.
  std::vector<std::string> remarks();

 private:
  void look(MongoClient& client);
  void find_lags(MongoClient& client);
  bool lags(const MongoServer& server) const;
  void say(const std::string& host, const std::string& what);

  std::mutex looking_;  // held by whoever asks the members
  std::atomic<bool> looked_ = false;
  Stopwatch since_look_;      // guarded by looking_
  mutable std::mutex mutex_;  // guards what follows
  bool no_other_ = false;
  std::map<std::string, int64_t> behind_;    // host -> seconds
  std::map<std::string, std::string> said_;  // host -> what was said of it last
  std::vector<std::string> remarks_;
};

}  // namespace lugger
