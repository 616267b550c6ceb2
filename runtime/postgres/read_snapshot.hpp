// The snapshot that the parts of one reading share.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "postgres/session.hpp"

namespace lugger {

/// Exported when the first part is opened, and held by a session of its own until all are read: the
/// server keeps what it sees. Calls may come from any thread.
class ReadSnapshot {
 public:
  using Connect = std::function<std::unique_ptr<PgSession>()>;
  /// Is given a transaction that sees a snapshot which was taken just now, and whether that is in
  /// place of another, whose session was lost while parts were read.
  using Taken = std::function<void(PgSession&, bool lost)>;

  explicit ReadSnapshot(Connect connect) : connect_(std::move(connect)) {}
  /// What it was held for is over; these parts are to be read next.
  void expect(std::set<std::string> parts);
  /// Begins a transaction that sees the snapshot.
  void begin(PgSession& session, const Taken& taken);
  /// A cursor is gone: it read its part to the end, or gave it up.
  void closed(const std::string& part, bool ended) noexcept;
  /// Whoever begins next sees the rows as they are then.
  void release() noexcept;

 private:
  void take();

  std::mutex mutex_;
  Connect connect_;
  std::unique_ptr<PgSession> holder_;
  std::string name_;
  std::set<std::string> left_;  // parts that were not read to their ends
  bool expects_ = false, lost_ = false;
  int open_ = 0;
};

}  // namespace lugger
