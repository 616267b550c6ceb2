// The snapshot that all parts of one source read share.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "postgres/session.hpp"

namespace lugger {

/// The snapshot is exported when the first part is opened, and kept alive by a separate session
/// until all parts are read. Calls may come from any thread.
class ReadSnapshot {
 public:
  using Connect = std::function<std::unique_ptr<PgSession>()>;
  /// Called with a transaction that sees a new snapshot. `lost`: it replaces an earlier snapshot,
  /// whose session was lost while parts were read.
  using Taken = std::function<void(PgSession&, bool lost)>;

  /// Locks what is read in a transaction, and tells in which file it is.
  using Hold = std::function<std::string(PgSession&)>;

  ReadSnapshot(Connect connect, Hold hold) : connect_(std::move(connect)), hold_(std::move(hold)) {}
  /// Releases the snapshot; these parts will be read next.
  void expect(std::set<std::string> parts);
  /// Begins a transaction that sees the snapshot, and holds what is read. A snapshot that is older
  /// than the file is replaced: it would find nothing there.
  void begin(PgSession& session, const Taken& taken);
  /// Call this when a cursor is destroyed. `ended`: it read its part to the end.
  void closed(const std::string& part, bool ended) noexcept;
  /// Releases the snapshot: the next begin() takes a new one.
  void release() noexcept;

 private:
  /// A snapshot by its name.
  struct Entered {
    std::string name, file;
  };
  void take();
  Entered enter(PgSession& session, const Taken& taken);
  void leave(const std::string& name);

  std::mutex mutex_;
  const Connect connect_;
  const Hold hold_;
  std::unique_ptr<PgSession> holder_;
  std::string name_, file_;
  std::set<std::string> left_;  // parts not yet read to their ends
  bool expects_ = false, lost_ = false;
  int open_ = 0;
};

}  // namespace lugger
