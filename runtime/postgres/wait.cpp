#include "postgres/wait.hpp"

#include <fcntl.h>
#include <libpq-fe.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "base/threads.hpp"

namespace lugger {
namespace {

constexpr std::string_view kCancelled = "57014";

}  // namespace

/// A cancel request, shared with the thread that sends it. If the server does not answer, that
/// thread outlives the session.
struct PgWakeup::Request {
  explicit Request(pg_conn* connection) : handle(PQgetCancel(connection), &PQfreeCancel) {}

  void make() noexcept {
    char ignored[256];
    if (handle != nullptr) PQcancel(handle.get(), ignored, sizeof ignored);
    const std::lock_guard lock(mutex);
    under_way = false;
    made.notify_all();
  }

  std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> handle;
  std::mutex mutex;
  std::condition_variable made;
  bool under_way = false;
};

PgWakeup::PgWakeup(pg_conn* connection)
    : request_(std::make_shared<Request>(connection)),
      socket_(fcntl(PQsocket(connection), F_DUPFD_CLOEXEC, 0)) {}

PgWakeup::~PgWakeup() {
  if (socket_ >= 0) close(socket_);
}

void PgWakeup::ask() noexcept {
  const std::lock_guard lock(request_->mutex);
  if (request_->under_way) return;
  try {
    start_thread([request = request_] { request->make(); }).detach();
    request_->under_way = true;
  } catch (const std::exception&) {
    // No thread could be started: it is tried again, and finally the connection is closed.
  }
}

void PgWakeup::cut() noexcept { shutdown(socket_, SHUT_RDWR); }

void PgWakeup::settle() noexcept {
  std::unique_lock lock(request_->mutex);
  request_->made.wait_for(lock, std::chrono::seconds(1), [this] { return !request_->under_way; });
}

std::optional<Error> PgWait::stopped(const Error& failure) const {
  const bool caused = failure.sqlstate() == kCancelled || failure.code() == Code::kConnect;
  if (!wait_.disturbed() || !caused) return {};
  return Error(Code::kInterrupted, "stopped while it waited for the server", "",
               failure.sqlstate());
}

}  // namespace lugger
