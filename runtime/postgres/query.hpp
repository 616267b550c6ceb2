// What a PostgreSQL source asks the server: the columns of a table or query, and the SELECT that
// reads them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/options.hpp"
#include "postgres/session.hpp"
#include "value/document.hpp"

namespace lugger {

/// A table or query, described by the server.
struct PgReading {
  std::string base;       // "SELECT ... ": what the user named
  std::string shown;      // "table public.docs", "query SELECT ..."
  std::string table;      // "" for a query
  bool filtered = false;  // by row-level security, as the user wants it
  RowShape shape;
  std::vector<std::string> key;        // columns of the key, in order; empty: none
  std::vector<std::string> key_types;  // format_type() of each
};

/// Error{config} when table and query are both given or both missing, when a column's name occurs
/// twice, or the key is no column.
PgReading describe_reading(PgSession& session, const Options& options);

/// What one cursor reads of a table or query.
struct PgRange {
  /// Values of the key: behind the first, up to the second and with it; empty: no bound.
  std::vector<std::string> above, upto;
  /// Blocks of the table, from `first` until before `end`, in the order of the rows' places; an end
  /// of 0 is the last there is.
  bool blocks = false;
  uint64_t first = 0, end = 0;
  /// Of blocks: the table's file, and the oldest transaction that may have been open, when the
  /// table was divided. Rows that were not written since lie where they lay.
  std::string file;
  uint64_t since = 0;
};

/// For a transaction that reads: the server refuses what row-level security would filter, unless
/// that is wanted.
void set_reading(PgSession& session, const PgReading& reading);

/// SELECT columns..., key columns as text FROM base WHERE key in range ORDER BY key. The key's text
/// stands behind the columns of the shape. Of blocks it is the row's place, a tid.
std::string select_statement(const PgReading& reading, const PgRange& range);

/// "a,b", percent-encoded; "key:a,b" as a position, the values of the last row read.
std::string key_text(const std::vector<std::string>& values);
std::string key_position(const std::vector<std::string>& values);
/// Back, from the field of that name. Error{config} when it is missing or has not `count` values.
std::vector<std::string> key_values(std::string_view text, size_t count, std::string_view place,
                                    std::string_view name = "key");

}  // namespace lugger
