// One connection to a live MongoDB: commands and replies as BSON. Nothing is sent twice here: who
// asks decides what a lost answer means.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/gate.hpp"
#include "value/value.hpp"

namespace lugger {

/// True for mongodb:// and mongodb+srv://.
bool is_mongo_place(const std::string& place);

/// A string; "" for any other value.
std::string text_of(const Value& value);

/// What a server answered instead of a result, or that it did not answer.
class MongoFault : public Error {
 public:
  MongoFault(Error error, int32_t number, bool lost, std::vector<std::string> labels)
      : Error(std::move(error)), number_(number), lost_(lost), labels_(std::move(labels)) {}
  static constexpr int32_t kUnauthorized = 13;
  /// The server's error code: 43 is CursorNotFound; 0: it did not answer.
  int32_t number() const noexcept { return number_; }
  /// No answer came: nobody knows whether the command was carried out.
  bool lost() const noexcept { return lost_; }
  bool has_label(std::string_view label) const noexcept;
  /// The cursor is gone, or the server steps down, restarts or was not reached; the same question
  /// may be asked anew, from a position that is known.
  bool passes() const noexcept;

 private:
  int32_t number_;
  bool lost_;
  std::vector<std::string> labels_;
};

/// A reply. Its bytes live as long as it does.
class MongoReply {
 public:
  explicit MongoReply(std::shared_ptr<const void> owner, Bytes bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}
  Bytes bytes() const noexcept { return bytes_; }
  Value operator[](std::string_view field) const noexcept;
  /// A number of any kind, or `fallback`.
  int64_t number(std::string_view field, int64_t fallback = 0) const noexcept;

 private:
  std::shared_ptr<const void> owner_;
  Bytes bytes_;
};

/// A server of the deployment, as the driver numbers it: where a cursor is, there its batches are
/// asked for.
struct MongoServer {
  uint32_t id = 0;
  std::string host;      // "db1.example.com:27017"
  bool primary = false;  // asked for as such: what is sent there is for primaries alone
};

/// One thread at a time. Calls wait in a thread of their own, so that a stop can end each of them:
/// the connection is given up then, and the call ends with Error{interrupted}.
class MongoClient {
 public:
  /// Checks the URL; connects with the first command. `purpose` is shown by the server as the
  /// application's name. Error{config} for a URL that is wrong.
  MongoClient(const AllowedUrl& place, const std::string& purpose);
  ~MongoClient();
  MongoClient(const MongoClient&) = delete;
  MongoClient& operator=(const MongoClient&) = delete;

  /// Any server that the URL's read preference allows; secondaries are preferred when it has none.
  /// Error{connect} when there is none within the URL's serverSelectionTimeoutMS.
  MongoServer pick();
  /// The primary, or the mongos or standalone that takes its place.
  MongoServer primary();
  /// Those of the replica set that hold data and are known to the driver.
  std::vector<MongoServer> members();
  /// False: the URL's read preference says secondaries alone.
  bool may_read_primary() const;
  /// Runs a command in the client's session, on the server, or where there is none on any that
  /// pick() might give. Throws MongoFault. `command` is BSON: {find: "users", ...}.
  MongoReply run(const std::string& database, Bytes command,
                 const std::optional<MongoServer>& server = {}) {
    send(database, command, server);
    return receive();
  }
  /// The two halves of run(): the command is under way while the caller does something else. Each
  /// send() is followed by one receive() before the next.
  void send(const std::string& database, Bytes command,
            const std::optional<MongoServer>& server = {});
  MongoReply receive();
  /// A stop has ended a call: the connection is given up, and every further call is interrupted.
  bool given_up() const noexcept;
  /// The first host of the URL that is not this machine, where the URL asks for no TLS; "": none.
  const std::string& plain_host() const noexcept;
  /// The database that the URL names; "": none.
  const std::string& database() const noexcept;

 private:
  struct Inner;
  std::shared_ptr<Inner> inner_;
  std::shared_ptr<std::optional<MongoReply>> sent_;  // where the answer to send() comes
};

}  // namespace lugger
