// The stream of a replication slot: what a walsender sends, by libpq's COPY in both directions.
#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "postgres/wait.hpp"

struct pg_conn;

namespace lugger {

/// A place in the server's log, as pg_lsn.
using Lsn = uint64_t;
std::string lsn_text(Lsn lsn);  // "16/B374D848"
/// nullopt: it is none.
std::optional<Lsn> lsn_of(std::string_view text);

/// What a server says of itself.
struct WalSystem {
  std::string identifier;  // made with its data directory: copies have the same
  std::string timeline;    // another one after a failover or a restore
};

/// One thread, but for acknowledge().
class WalStream {
 public:
  /// Connects. Error{connect | auth}.
  explicit WalStream(const std::string& url);
  ~WalStream();
  WalStream(const WalStream&) = delete;
  WalStream& operator=(const WalStream&) = delete;

  WalSystem system();
  /// Begins behind a place. A slot that a lost connection of ours still holds is waited for.
  /// Error{connect} when that takes long: it passes.
  void start(const std::string& slot, const std::string& publication, Lsn from);
  /// The next message of the slot's plugin, valid until the next call; nullopt: none came in time.
  /// Error{connect} when the connection is lost.
  std::optional<Bytes> next(std::chrono::milliseconds wait);
  /// True: next() has one, or an answer to ask(), without waiting.
  bool at_hand();
  /// Behind the last message: all that was committed before this place has been given.
  Lsn reached() const noexcept { return reached_; }
  /// Asks the server to say how far it is.
  void ask();
  /// What was before this place is not asked for again. From any thread; the server is told of it
  /// in next().
  void acknowledge(Lsn lsn) noexcept;

 private:
  void get();
  void look_for_end(int got);
  void answer(bool reply);
  void tell_acknowledged();

  const std::string url_;
  std::unique_ptr<pg_conn, void (*)(pg_conn*)> connection_;
  PgWakeup wakeup_;
  char* message_ = nullptr;  // libpq's, size_ bytes
  size_t size_ = 0;
  bool given_ = true;  // next() has given it
  Lsn reached_ = 0;
  std::atomic<Lsn> acknowledged_{0};
  Lsn told_ = 0;  // of what is acknowledged
  Stopwatch told_age_;
};

}  // namespace lugger
