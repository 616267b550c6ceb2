// The rows of changed keys, as they are now.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plan/batch.hpp"
#include "postgres/kept_log.hpp"
#include "postgres/slot.hpp"

namespace lugger {

/// One session. `followed` outlives it.
class PgLookup {
 public:
  explicit PgLookup(const PgFollowed& followed);

  /// Which keys are given as Operation::kDelete: those without a row; those that have one, too,
  /// before it.
  struct Deletes {
    bool missing = false, found = false;
  };
  /// Appends the rows of these keys, which are as key_text() makes them; first those that are gone,
  /// of which only the key is given, or not at all. position_lost() when the table is not the one of
  /// that oid. Error{read} when its columns are others by now.
  void run(std::span<const std::string_view> keys, uint32_t table, Deletes deletes, Batch& batch);
  /// How many keys a question should have, so that its answer is not large.
  size_t at_once() const noexcept { return at_once_; }
  /// True when whoever looks from now on sees what these transactions have done. Their commits may
  /// be told before that: until then they are waited for, but not for long.
  bool sees(std::span<const uint32_t> transactions);
  void check(const PgFeedPosition& from) { check_table(session_, followed_, from); }
  LogHead head() { return log_head(session_); }

 private:
  std::string statement(std::span<const std::string_view> keys, uint32_t table) const;
  size_t ask(std::span<const std::string_view> keys, uint32_t table, Deletes deletes, Batch& batch);
  void add(Bytes tuple, Deletes deletes, Batch& batch);
  Bytes copied(Bytes row, Batch& batch) const;

  const PgFollowed& followed_;
  PgSession session_;
  PgvectorTuples pgvector_;
  size_t at_once_ = 1000;
};

}  // namespace lugger
