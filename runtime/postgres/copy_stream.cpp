#include "postgres/copy_stream.hpp"

#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

namespace lugger {
namespace {

constexpr size_t kLeastMessage = 64 * 1024;
constexpr size_t kMostMessage = 512 * 1024;

using ResultPtr = std::unique_ptr<PGresult, decltype(&PQclear)>;

ResultPtr next_result(PGconn* connection) { return {PQgetResult(connection), &PQclear}; }

// A live host answers the probes of a window that it closed at least every two minutes.
constexpr int kLookMs = 10'000;
constexpr unsigned kMostSilenceMs = 180'000;

/// True when nothing came back for the data sent, not even that the window is full. This cannot
/// happen on unix sockets.
bool is_silent(int socket) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  return getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
         info.tcpi_last_ack_recv > kMostSilenceMs;
}

/// Sets the timeout in milliseconds (0: none) and returns the previous one.
unsigned exchange_user_timeout(int socket, unsigned value) noexcept {
  unsigned before = 0;
  socklen_t size = sizeof before;
  if (getsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &before, &size) != 0) return 0;
  setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof value);
  return before;
}

bool alive(PGconn* connection) { return PQstatus(connection) == CONNECTION_OK; }

[[noreturn]] void fail(PGconn* connection) {
  PgDiagnostics diagnostics;
  diagnostics.message = PQerrorMessage(connection);
  while (diagnostics.message.ends_with('\n')) diagnostics.message.pop_back();
  throw pg_error(diagnostics, alive(connection));
}

void start_copy(PGconn* connection, const std::string& sql, ExecStatusType wanted) {
  ResultPtr result(PQexec(connection, sql.c_str()), &PQclear);
  if (result == nullptr) fail(connection);
  if (PQresultStatus(result.get()) == wanted) return;
  if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
    throw pg_error(diagnostics_of(result.get()), alive(connection));
  }
  raise(Code::kBug, "not a COPY statement of the wanted direction: {}", sql);
}

}  // namespace

bool holds_server_error(Bytes wire) noexcept {
  while (!wire.empty()) {
    if (wire[0] == 'E') return true;
    if (wire.size() < 5) return false;
    const size_t length = load_be<uint32_t>(wire.data() + 1) + size_t{1};
    if (length < 5 || length > wire.size()) return false;
    wire = wire.subspan(length);
  }
  return false;
}

void CopyIn::start(const std::string& sql) {
  start_copy(connection_, sql, PGRES_COPY_IN);
  pending_.clear();
  gave_up_ = false;
  // libpq must not wait itself: PQputCopyData would consume the server's answer without reporting
  // it, and we would go on sending to a server that has refused the first row.
  PQsetnonblocking(connection_, 1);
  // The timeout would end a COPY whose server reads nothing because it waits for a lock.
  // is_silent() can tell the difference.
  user_timeout_ = exchange_user_timeout(PQsocket(connection_), 0);
}

void CopyIn::put(Bytes bytes) {
  if (pending_.empty() && bytes.size() >= kLeastMessage) return send(bytes);
  pending_.append(bytes);
  if (pending_.size() < kLeastMessage) return;
  send(pending_.view());
  pending_.clear();
}

void CopyIn::send(Bytes bytes) {
  while (!bytes.empty() && !gave_up_) {
    const Bytes piece = bytes.first(std::min(bytes.size(), kMostMessage));
    if (server_gave_up() ||
        PQputCopyData(connection_, reinterpret_cast<const char*>(piece.data()),
                      static_cast<int>(piece.size())) < 0 ||
        !flush()) {
      gave_up_ = true;
      return;
    }
    bytes = bytes.subspan(piece.size());
  }
}

/// Waits until the kernel has taken all data. False: the server accepts no more.
bool CopyIn::flush() {
  while (true) {
    const int left = PQflush(connection_);
    if (left <= 0) return left == 0;
    if (!wait_for_socket()) return false;
    if (server_gave_up()) return false;
  }
}

/// Ends the COPY and sends all that is left first. If PQgetResult() still had bytes to send, it
/// could read the server's answer from the socket while sending, and then wait for it forever.
bool CopyIn::send_end(const char* reason) noexcept {
  const bool ended = PQputCopyEnd(connection_, reason) >= 0;
  while (PQflush(connection_) > 0 && wait_for_socket()) continue;
  PQsetnonblocking(connection_, 0);
  exchange_user_timeout(PQsocket(connection_), user_timeout_);
  return ended;
}

bool CopyIn::wait_for_socket() noexcept {
  pollfd waiting{PQsocket(connection_), POLLIN | POLLOUT, 0};
  const int ready = poll(&waiting, 1, kLookMs);
  if (ready == 0 && is_silent(waiting.fd)) shutdown(waiting.fd, SHUT_RDWR);
  return ready >= 0 || errno == EINTR;
}

/// Checks what the server has sent without consuming it. With TLS the bytes cannot be read here, so
/// a refusal is noticed only at the end.
bool CopyIn::server_gave_up() {
  if (!alive(connection_)) return true;
  if (PQsslInUse(connection_) != 0) return PQconsumeInput(connection_) == 0;
  std::array<uint8_t, 4096> wire;
  const ssize_t got =
      recv(PQsocket(connection_), wire.data(), wire.size(), MSG_PEEK | MSG_DONTWAIT);
  if (got == 0) return true;
  if (got < 0) return errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
  if (holds_server_error(Bytes(wire.data(), static_cast<size_t>(got)))) return true;
  return PQconsumeInput(connection_) == 0;  // collects notices
}

uint64_t CopyIn::end() {
  if (!pending_.empty()) send(pending_.view());
  pending_.clear();
  // When the server has already given up it ignores this message, but libpq's state requires it.
  if (!send_end(nullptr) && !gave_up_) fail(connection_);
  return finish();
}

uint64_t CopyIn::finish() {
  uint64_t rows = 0;
  ResultPtr refused(nullptr, &PQclear);
  while (ResultPtr result = next_result(connection_)) {
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COPY_IN) fail(connection_);
    if (status == PGRES_COMMAND_OK) rows = std::strtoull(PQcmdTuples(result.get()), nullptr, 10);
    if (status == PGRES_FATAL_ERROR && refused == nullptr) refused = std::move(result);
  }
  if (refused == nullptr && alive(connection_)) return rows;
  if (refused == nullptr) fail(connection_);
  const PgDiagnostics diagnostics = diagnostics_of(refused.get());
  Error error = pg_error(diagnostics, alive(connection_));
  if (error.code() == Code::kConnect) throw error;
  CopyRefusal where = copy_refusal_of(diagnostics);
  if (!where.column.empty()) error.note("column", where.column);
  throw CopyRefused(std::move(error), std::move(where));
}

void CopyIn::abort(const std::string& reason) noexcept {
  pending_.clear();
  send_end(reason.c_str());
  while (ResultPtr result = next_result(connection_)) {
    if (PQresultStatus(result.get()) == PGRES_COPY_IN) return;
  }
}

void CopyOut::release() noexcept {
  PQfreemem(message_);
  message_ = nullptr;
}

void CopyOut::start(const std::string& sql) { start_copy(connection_, sql, PGRES_COPY_OUT); }

bool CopyOut::get_at_hand(Bytes& message) {
  release();
  size_ = PQgetCopyData(connection_, &message_, 1);
  if (size_ <= 0) return false;
  message = {reinterpret_cast<const uint8_t*>(message_), static_cast<size_t>(size_)};
  return true;
}

bool CopyOut::get(Bytes& message) {
  // libpq reports the end, or an error, only once.
  const int size = size_ != 0 ? size_ : PQgetCopyData(connection_, &message_, 0);
  if (size > 0) {
    message = {reinterpret_cast<const uint8_t*>(message_), static_cast<size_t>(size)};
    return true;
  }
  if (size == -2) fail(connection_);
  PgDiagnostics diagnostics;
  while (ResultPtr result = next_result(connection_)) {
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR)
      diagnostics = diagnostics_of(result.get());
  }
  if (!diagnostics.message.empty()) throw pg_error(diagnostics, alive(connection_));
  return false;
}

}  // namespace lugger
