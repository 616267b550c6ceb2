#include "postgres/read_snapshot.hpp"

namespace lugger {
namespace {

void begin_repeatable(PgSession& session) {
  session.begin();
  session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
}

}  // namespace

/// The lock is not kept: whoever waits for it from outside would keep the next parts waiting, and
/// these would keep the snapshot.
void ReadSnapshot::take() {
  std::unique_ptr<PgSession> holder = connect_();
  begin_repeatable(*holder);
  holder->execute("SAVEPOINT held");
  file_ = hold_(*holder);
  holder->execute("ROLLBACK TO SAVEPOINT held; RELEASE SAVEPOINT held");
  name_ = holder->query("SELECT pg_catalog.pg_export_snapshot()").text(0, 0);
  holder_ = std::move(holder);
}

void ReadSnapshot::begin(PgSession& session, const Taken& taken) {
  for (;;) {
    const Entered entered = enter(session, taken);
    try {
      if (hold_(session) == entered.file) return;
    } catch (...) {
      leave({});
      throw;
    }
    session.rollback();
    leave(entered.name);
  }
}

void ReadSnapshot::leave(const std::string& name) {
  const std::lock_guard lock(mutex_);
  --open_;
  if (name.empty() || name != name_) return;
  holder_.reset();
  lost_ = true;
}

ReadSnapshot::Entered ReadSnapshot::enter(PgSession& session, const Taken& taken) {
  const std::lock_guard lock(mutex_);
  for (bool anew = false;;) {
    if (!holder_) {
      take();
      anew = true;
    }
    begin_repeatable(session);
    try {
      session.execute("SET TRANSACTION SNAPSHOT " + PgSession::quote_literal(name_));
    } catch (const Error&) {
      session.rollback();
      if (anew || !session.alive()) throw;
      holder_.reset();  // its session is lost, and the snapshot with it
      lost_ = true;
      continue;
    }
    if (anew) {
      try {
        taken(session, lost_);
      } catch (...) {
        holder_.reset();
        throw;
      }
    }
    ++open_;
    return {name_, file_};
  }
}

void ReadSnapshot::closed(const std::string& part, bool ended) noexcept {
  const std::lock_guard lock(mutex_);
  --open_;
  if (ended) left_.erase(part);
  if (expects_ && left_.empty() && open_ == 0) holder_.reset();
}

void ReadSnapshot::expect(std::set<std::string> parts) {
  const std::lock_guard lock(mutex_);
  if (open_ == 0) holder_.reset();
  left_ = std::move(parts);
  expects_ = true;
  lost_ = false;
}

void ReadSnapshot::release() noexcept {
  const std::lock_guard lock(mutex_);
  holder_.reset();
  lost_ = false;
}

}  // namespace lugger
