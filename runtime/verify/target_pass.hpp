// The target read at one point in time, by several connections that share a snapshot.
#pragma once
#include <mutex>

#include "postgres/session.hpp"
#include "verify/context.hpp"
#include "verify/crew.hpp"
#include "verify/row_digest.hpp"

namespace lugger {

/// Sessions whose transactions see the same rows until it is destroyed. Through a pooler, where a
/// session's snapshot cannot be lent, there is one.
class TargetSnapshot {
 public:
  TargetSnapshot(const std::string& url, bool pooled, int connections);
  size_t size() const noexcept { return sessions_.size(); }
  PgSession& session(size_t i) noexcept { return *sessions_[i]; }
  /// "2026-.. xid 1234:1234: lsn 0/16B3748": what the server calls this point.
  const std::string& position() const noexcept { return position_; }

 private:
  std::vector<std::unique_ptr<PgSession>> sessions_;
  std::string position_;
};

/// Where a row lies: good while the snapshot that showed it is.
struct RowPlace {
  uint32_t table = 0;  // its oid: of a partition, or of a table that inherits
  uint32_t page = 0;
  uint16_t item = 0;
};

struct TargetRow {
  const ComparedTable& table;
  const std::vector<Value>& values;  // one a compared column
  const RowDigests& digests;
  RowPlace place = {};  // only from a reader with places
};

class TargetUse {
 public:
  virtual ~TargetUse() = default;
  virtual void row(const TargetRow& row) = 0;
};

/// Rows of one SELECT of a table's compared columns, as COPY BINARY gives them. Belongs to one
/// worker.
class TargetReader {
 public:
  TargetReader(VerifyContext& context, PgSession& session, bool places = false)
      : context_(context), session_(session), places_(places), digester_(context.seed) {}
  /// `condition`: SQL, or "". False: stopped before the end.
  bool read(const ComparedTable& table, const std::string& condition, TargetUse& use,
            const Crew* crew);

 private:
  void row(const ComparedTable& table, Bytes tuple, TargetUse& use);
  VerifyContext& context_;
  PgSession& session_;
  bool places_;
  RowDigester digester_;
  Arena arena_;
  std::vector<Value> values_, hashes_;
};

/// All rows of some tables, in parts claimed by the workers.
class TargetPass {
 public:
  /// `own`: the document's own tables or, when false, their children. Asks the server how long they
  /// are.
  TargetPass(VerifyContext& context, TargetSnapshot& snapshot, bool own, bool children);
  void work(PgSession& session, TargetUse& use, const Crew& crew);

 private:
  struct Part {
    const ComparedTable* table;
    std::string condition;
  };
  void divide(PgSession& session, const ComparedTable& table, int connections);
  std::optional<Part> claim();

  VerifyContext& context_;
  std::mutex mutex_;
  std::vector<Part> parts_;
  size_t next_ = 0;
};

/// --where for a table: the user's condition on the document's own tables, and on children that
/// their document satisfies it.
std::string where_condition(const VerifyContext& context, const ComparedTable& table);

}  // namespace lugger
