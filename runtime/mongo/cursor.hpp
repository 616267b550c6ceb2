// A cursor of a server: the replies to a command that opens one, and to its getMores.
#pragma once
#include <string>

#include "mongo/client.hpp"
#include "value/bson_reader.hpp"

namespace lugger {

/// Stays with the server that it was opened on. No getMore is sent twice: when an answer is lost,
/// what it held is lost with the cursor, and whoever reads opens another behind what they have.
class MongoCursor {
 public:
  MongoCursor(MongoClient& client, std::string database, std::optional<MongoServer> server)
      : client_(client), database_(std::move(database)), server_(std::move(server)) {}
  /// Closes the server's cursor.
  ~MongoCursor() { close(); }
  MongoCursor(const MongoCursor&) = delete;
  MongoCursor& operator=(const MongoCursor&) = delete;

  /// Sends the command that opens the cursor: find, aggregate, listCollections. Throws MongoFault.
  void open(Bytes command);
  /// The next document of the reply at hand; false at its end. It lives until the next fetch().
  bool next(Bytes& document);
  /// How many documents of the reply at hand were given.
  size_t given() const noexcept { return given_; }
  /// False: the server has no more documents.
  bool more() const noexcept { return id_ != 0; }
  /// How getMores ask. wait_ms: of a change stream, how long the server waits for something to give.
  void ask_for(int32_t documents, int32_t wait_ms = 0) noexcept {
    documents_ = documents, wait_ms_ = wait_ms;
  }
  /// Sends the getMore ahead, so that the server works on it meanwhile.
  void send_ahead();
  /// The next reply. Throws MongoFault.
  void fetch();
  /// The reply at hand, {cursor: {...}, operationTime: ...}, and its part `cursor`.
  const MongoReply& reply() const noexcept { return *reply_; }
  Bytes body() const noexcept { return body_; }

  void close() noexcept;

 private:
  void take(MongoReply reply, std::string_view batch);

  MongoClient& client_;
  std::string database_, collection_;
  std::optional<MongoServer> server_;
  std::optional<MongoReply> reply_;
  std::optional<BsonReader> documents_in_;
  Bytes body_;
  int64_t id_ = 0;
  size_t given_ = 0;
  int32_t documents_ = 0, wait_ms_ = 0;
  bool ahead_ = false;  // a getMore is under way
};

}  // namespace lugger
