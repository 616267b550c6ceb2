// COPY on a plain PGconn, because libpqxx supports only the text format.
#pragma once
#include <string>

#include "base/bytes.hpp"
#include "postgres/error.hpp"

struct pg_conn;

namespace lugger {

/// True when the bytes received from the server contain an ErrorResponse message.
bool holds_server_error(Bytes wire) noexcept;

/// COPY ... FROM STDIN. Collects small pieces into messages of at least 64 KB.
class CopyIn {
 public:
  explicit CopyIn(pg_conn* connection) : connection_(connection) {}
  void start(const std::string& sql);
  void put(Bytes bytes);
  uint64_t end();
  void abort(const std::string& reason) noexcept;

 private:
  void send(Bytes bytes);
  bool flush();
  bool send_end(const char* reason) noexcept;
  bool wait_for_socket() noexcept;
  bool server_gave_up();
  uint64_t finish();
  pg_conn* connection_;
  ByteBuffer pending_;
  unsigned user_timeout_ = 0;  // the socket's value outside of COPY
  bool gave_up_ = false;  // the server has answered already: send nothing more; end() reports why
};

/// COPY ... TO STDOUT.
class CopyOut {
 public:
  explicit CopyOut(pg_conn* connection) : connection_(connection) {}
  ~CopyOut() { release(); }
  CopyOut(const CopyOut&) = delete;
  CopyOut& operator=(const CopyOut&) = delete;
  void start(const std::string& sql);
  /// Gives a message that has already arrived. False: none has, or there are no more; get() waits
  /// and tells which.
  bool get_at_hand(Bytes& message);
  bool get(Bytes& message);

 private:
  void release() noexcept;
  pg_conn* connection_;
  char* message_ = nullptr;
  int size_ = 0;  // what get_at_hand() got from libpq
};

}  // namespace lugger
