// What a PostgreSQL source asks the server: the columns of a table or query, and the SELECT that
// reads them.
#pragma once
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

/// A transaction in which the server refuses what row-level security would filter, unless that is
/// wanted.
void begin_reading(PgSession& session, const PgReading& reading);

/// SELECT columns..., key columns as text FROM base WHERE (key) > (after) ORDER BY key. The key's
/// text stands behind the columns of the shape.
std::string select_statement(const PgReading& reading, const std::vector<std::string>& after);

/// "key:a,b", percent-encoded, and back; the values of the last row read.
std::string key_position(const std::vector<std::string>& values);
std::vector<std::string> key_values(std::string_view position, size_t count,
                                    std::string_view place);

}  // namespace lugger
