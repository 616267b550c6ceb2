// COPY on a plain PGconn: libpqxx knows the text format only, and lugger sends binary.
#pragma once
#include <string>

#include "base/bytes.hpp"
#include "postgres/error.hpp"

struct pg_conn;

namespace lugger {

/// True when the bytes, as they came from the server, hold an ErrorResponse message.
bool holds_server_error(Bytes wire) noexcept;

/// COPY ... FROM STDIN. Small pieces are gathered into messages of 64 KB and more.
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
  unsigned user_timeout_ = 0;  // of the socket, outside of COPY
  bool gave_up_ = false;  // the server has answered already: nothing more is sent, end() tells why
};

/// COPY ... TO STDOUT.
class CopyOut {
 public:
  explicit CopyOut(pg_conn* connection) : connection_(connection) {}
  ~CopyOut() { release(); }
  CopyOut(const CopyOut&) = delete;
  CopyOut& operator=(const CopyOut&) = delete;
  void start(const std::string& sql);
  /// What has arrived already. False: nothing has, or nothing will come; get() waits and knows.
  bool get_at_hand(Bytes& message);
  bool get(Bytes& message);

 private:
  void release() noexcept;
  pg_conn* connection_;
  char* message_ = nullptr;
  int size_ = 0;  // what get_at_hand() was told
};

}  // namespace lugger
