#include "mongo/members.hpp"

#include <algorithm>
#include <utility>

#include "mongo/deployment.hpp"
#include "value/bson_reader.hpp"

namespace lugger {
namespace {

constexpr int64_t kMostBehind = 30;  // seconds; an idle one is up to ten behind
constexpr double kBetweenLooks = 5;

/// The second of its last write; 0: it does not tell.
int64_t last_write(const MongoReply& hello) {
  const Value write = hello["lastWrite"];
  const Value optime =
      write.type == ValueType::kDocument ? bson_field(write.bytes(), "opTime") : Value();
  const Value ts = optime.type == ValueType::kDocument ? bson_field(optime.bytes(), "ts") : Value();
  return ts.type == ValueType::kTimestamp
             ? static_cast<int64_t>(static_cast<uint64_t>(ts.i64) >> 32)
             : 0;
}

}  // namespace

void MongoMembers::look(MongoClient& client) {
  std::unique_lock turn(looking_, std::defer_lock);
  if (!looked_) {
    turn.lock();  // the first answer is waited for: nobody may choose without one
  } else if (!turn.try_lock()) {
    return;
  }
  if (looked_ && since_look_.seconds() < kBetweenLooks) return;
  find_lags(client);
  since_look_ = {};
  looked_ = true;
}

/// One that does not answer is not judged: the driver leaves it alone.
void MongoMembers::find_lags(MongoClient& client) {
  const std::vector<MongoServer> members = client.members();
  if (members.size() < 2) return;
  std::map<std::string, int64_t> written;
  int64_t newest = 0;
  for (const MongoServer& member : members) {
    try {
      const int64_t at = last_write(say_hello(client, member));
      if (at != 0) written[member.host] = at;
      newest = std::max(newest, at);
    } catch (const MongoFault&) {
      continue;
    }
  }
  const std::lock_guard lock(mutex_);
  behind_.clear();
  for (const auto& [host, at] : written) behind_[host] = newest - at;
}

bool MongoMembers::lags(const MongoServer& server) const {
  const std::lock_guard lock(mutex_);
  const auto found = behind_.find(server.host);
  return found != behind_.end() && found->second > kMostBehind;
}

MongoServer MongoMembers::choose(MongoClient& client) {
  constexpr int kTries = 4;            // the driver gives any of those that are near
  MongoServer picked = client.pick();  // before this the driver knows no members
  look(client);
  const MongoServer first = picked;
  for (int i = 1; i < kTries && lags(picked); ++i) picked = client.pick();
  const bool none = lags(picked);
  const bool alone = none && !client.may_read_primary();
  if (none && !alone) picked = client.primary();
  const std::lock_guard lock(mutex_);
  no_other_ = alone;
  if (const auto found = behind_.find(first.host);
      found != behind_.end() && found->second > kMostBehind) {
    say(first.host,
        fmt::format("{} is {} s behind its primary: {}", first.host, found->second,
                    alone ? "the URL allows no other to be read, so the copy goes slowly"
                          : fmt::format("the copy reads from {}", picked.host)));
  }
  return picked;
}

bool MongoMembers::should_leave(MongoClient& client, const MongoServer& server) {
  look(client);
  return lags(server) && !is_slow(server);
}

bool MongoMembers::is_slow(const MongoServer& server) const {
  if (!lags(server)) return false;
  const std::lock_guard lock(mutex_);
  return no_other_;
}

std::vector<std::string> MongoMembers::remarks() {
  const std::lock_guard lock(mutex_);
  return std::exchange(remarks_, {});
}

/// Once for each place that is read from instead, however far behind it is.
void MongoMembers::say(const std::string& host, const std::string& what) {
  const std::string key = what.substr(what.find(": "));
  if (std::exchange(said_[host], key) != key) remarks_.push_back(what);
}

}  // namespace lugger
