// A query with results in PostgreSQL's binary format and with parameters, which COPY does not
// support.
#pragma once
#include <memory>
#include <string>

#include "base/arena.hpp"
#include "postgres/session.hpp"

struct pg_result;

namespace lugger {

/// All rows of one statement.
class PgBinaryRows {
 public:
  size_t size() const noexcept;
  size_t columns() const noexcept;
  bool null(size_t row, size_t column) const noexcept;
  /// The bytes are valid as long as the rows.
  Bytes bytes(size_t row, size_t column) const noexcept;
  std::string text(size_t row, size_t column) const {
    return std::string(as_text(bytes(row, column)));
  }
  std::optional<std::string> maybe(size_t row, size_t column) const {
    if (null(row, column)) return std::nullopt;
    return text(row, column);
  }
  /// The first columns of a row as a tuple in the format of COPY BINARY, allocated in the arena.
  Bytes tuple(size_t row, size_t columns, Arena& arena) const;

 private:
  friend PgBinaryRows query_binary(PgSession&, const std::string&, const PgParams&);
  struct Clear {
    void operator()(pg_result* result) const noexcept;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

/// Throws the same errors as PgSession::query. When the server reports a position in the statement,
/// the note "position" contains it, counted from 1.
PgBinaryRows query_binary(PgSession& session, const std::string& sql, const PgParams& params);

}  // namespace lugger
