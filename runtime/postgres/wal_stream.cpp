#include "postgres/wal_stream.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <cerrno>
#include <charconv>
#include <thread>

#include "base/url.hpp"
#include "postgres/error.hpp"
#include "postgres/place.hpp"

namespace lugger {
namespace {

// Values come as text, which both sides are to write in the same way. A reader that waits long for
// its target answers late: the server is not to take that for a lost connection.
constexpr std::string_view kOptions =
    "-c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=3 -c timezone=UTC "
    "-c bytea_output=hex -c statement_timeout=0 -c wal_sender_timeout=300s";
constexpr int64_t kEpoch = 946'684'800'000'000;  // 2000-01-01 in Unix microseconds
constexpr size_t kDataHeader = 25, kKeepaliveSize = 18;
constexpr double kTellSeconds = 1;
constexpr std::string_view kInUse = "55006";
constexpr double kHeldSeconds = 5;

using ResultPtr = std::unique_ptr<PGresult, decltype(&PQclear)>;

pg_conn* connect(const std::string& url) {
  return connect_to(AllowedUrl(url), "feed",
                    {{"replication", "database"}, {"options", std::string(kOptions)}});
}

std::string line_of(const PGconn* connection) {
  std::string out = PQerrorMessage(connection);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

}  // namespace

std::string lsn_text(Lsn lsn) { return fmt::format("{:X}/{:X}", lsn >> 32, lsn & UINT32_MAX); }

std::optional<Lsn> lsn_of(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  uint32_t high = 0, low = 0;
  const auto read = [](std::string_view digits, uint32_t& out) {
    const char* end = digits.data() + digits.size();
    const auto [at, fault] = std::from_chars(digits.data(), end, out, 16);
    return fault == std::errc() && at == end && !digits.empty();
  };
  if (!read(text.substr(0, slash), high) || !read(text.substr(slash + 1), low)) return std::nullopt;
  return Lsn{high} << 32 | low;
}

WalStream::WalStream(const std::string& url)
    : url_(url), connection_(connect(url), &PQfinish), wakeup_(connection_.get()) {}

WalStream::~WalStream() { PQfreemem(message_); }

WalSystem WalStream::system() {
  return waiting(wakeup_, [&]() -> WalSystem {
    const ResultPtr result(PQexec(connection_.get(), "IDENTIFY_SYSTEM"), &PQclear);
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK || PQntuples(result.get()) != 1)
      throw pg_error(diagnostics_of(result.get()), PQstatus(connection_.get()) == CONNECTION_OK);
    return {PQgetvalue(result.get(), 0, 0), PQgetvalue(result.get(), 0, 1)};
  });
}

void WalStream::start(const std::string& slot, const std::string& publication, Lsn from) {
  const std::string statement =
      fmt::format("START_REPLICATION SLOT {} LOGICAL {} (proto_version '1', publication_names {})",
                  PgSession::quote_name(slot), lsn_text(from),
                  PgSession::quote_literal(PgSession::quote_name(publication)));
  for (const Stopwatch held;;) {
    try {
      waiting(wakeup_, [&] {
        const ResultPtr result(PQexec(connection_.get(), statement.c_str()), &PQclear);
        if (PQresultStatus(result.get()) == PGRES_COPY_BOTH) return;
        throw pg_error(diagnostics_of(result.get()), PQstatus(connection_.get()) == CONNECTION_OK);
      });
      break;
    } catch (const Error& error) {
      if (error.sqlstate() != kInUse) throw;
      if (held.seconds() >= kHeldSeconds || StopScope::current().due())
        throw Error(Code::kConnect, error.message(), "another process reads it: one is enough");
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  reached_ = from;
  told_ = 0;
}

/// The next message, if it is there: then it is not given_.
void WalStream::get() {
  if (!given_) return;
  PQfreemem(message_);
  message_ = nullptr;
  int got = PQgetCopyData(connection_.get(), &message_, 1);
  if (got == 0) {
    if (PQconsumeInput(connection_.get()) == 0) look_for_end(-2);
    got = PQgetCopyData(connection_.get(), &message_, 1);
  }
  if (got < 0) look_for_end(got);
  size_ = static_cast<size_t>(got);
  given_ = got == 0;
}

/// The stream has no end of its own: the server shuts down, or the connection is lost.
void WalStream::look_for_end(int got) {
  PgDiagnostics diagnostics;
  diagnostics.message = got == -2 ? line_of(connection_.get()) : "the server ended the stream";
  for (int i = 0; i < 2; ++i) {
    const ResultPtr result(PQgetResult(connection_.get()), &PQclear);
    if (result == nullptr) break;
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
      diagnostics = diagnostics_of(result.get());
      break;
    }
  }
  if (!diagnostics.sqlstate.empty())
    throw pg_error(diagnostics, PQstatus(connection_.get()) == CONNECTION_OK);
  throw pg_error(diagnostics, false);
}

bool WalStream::at_hand() {
  get();
  return !given_;
}

std::optional<Bytes> WalStream::next(std::chrono::milliseconds wait) {
  const auto until = std::chrono::steady_clock::now() + wait;
  for (;;) {
    tell_acknowledged();
    get();
    if (given_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          until - std::chrono::steady_clock::now());
      if (left.count() <= 0) return std::nullopt;
      pollfd waiting{PQsocket(connection_.get()), POLLIN, 0};
      if (poll(&waiting, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) return {};
      continue;
    }
    given_ = true;
    const Bytes message(reinterpret_cast<const uint8_t*>(message_), size_);
    if (size_ >= kDataHeader && message[0] == 'w') return message.subspan(kDataHeader);
    if (size_ < kKeepaliveSize || message[0] != 'k')
      throw Error(Code::kRead, "the server sent a message that belongs to no replication",
                  "a proxy between lugger and the server may have changed it");
    reached_ = std::max(reached_, load_be<uint64_t>(message.data() + 1));
    if (message[17] != 0) answer(false);
  }
}

void WalStream::ask() { answer(true); }

void WalStream::acknowledge(Lsn lsn) noexcept {
  acknowledged_.store(lsn, std::memory_order_relaxed);
}

void WalStream::tell_acknowledged() {
  if (acknowledged_.load(std::memory_order_relaxed) == told_ || told_age_.seconds() < kTellSeconds)
    return;
  answer(false);
}

void WalStream::answer(bool reply) {
  const Lsn acknowledged = acknowledged_.load(std::memory_order_relaxed);
  ByteBuffer out;
  out.push('r');
  out.append_be<uint64_t>(std::max(reached_, acknowledged));
  out.append_be<uint64_t>(acknowledged);
  out.append_be<uint64_t>(acknowledged);
  out.append_be<int64_t>(unix_micros_now() - kEpoch);
  out.push(reply ? 1 : 0);
  if (PQputCopyData(connection_.get(), reinterpret_cast<const char*>(out.data()),
                    static_cast<int>(out.size())) != 1 ||
      PQflush(connection_.get()) < 0)
    look_for_end(-2);
  told_ = acknowledged;
  told_age_ = {};
}

}  // namespace lugger
