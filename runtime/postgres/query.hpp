// What a PostgreSQL source asks the server: the columns of a table or query, and the SELECT that
// reads them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/options.hpp"
#include "postgres/session.hpp"
#include "postgres/vectors_types.hpp"
#include "value/document.hpp"

namespace lugger {

/// A table or query, described by the server.
struct PgReading {
  std::string base;       // "SELECT ... ": what the user named
  std::string shown;      // "table public.docs", "query SELECT ..."
  std::string table;      // "" for a query
  bool lockable = false;  // a table or a view that the role may lock
  bool filtered = false;  // row-level security applies, as the user requested
  RowShape shape;
  std::vector<VectorsWire> wires;      // one a field; empty: no column is of PGVecto.rs
  std::vector<std::string> key;        // columns of the key, in order; empty: none
  std::vector<std::string> key_types;  // format_type() of each
};

/// Error{config} when table and query are both given or both missing, when a column name occurs
/// twice, or when a key column does not exist.
PgReading describe_reading(PgSession& session, const Options& options);

/// The range of a table or query that one cursor reads.
struct PgRange {
  /// Key values: greater than `above`, up to and including `upto`; empty: no bound.
  std::vector<std::string> above, upto;
  /// Reads blocks `first` up to but not including `end`, in physical order; `end` 0: to the last
  /// block.
  bool blocks = false;
  uint64_t first = 0, end = 0;
  /// For blocks: the table's file, and the oldest transaction that may have been open when the
  /// table was divided. Rows not written since then are still in the same blocks.
  std::string file;
  uint64_t since = 0;
};

/// Prepares a transaction for reading: a query that row-level security would filter is an error,
/// unless the user wants that.
void set_reading(PgSession& session, const PgReading& reading);

/// Keeps the table from being altered, emptied or written anew until the transaction ends, and gives
/// the name of its file. Where a snapshot is older than what is waited for here, and another file
/// has come by that, it finds the table empty. Error{read} as of check_types().
std::string hold_reading(PgSession& session, const PgReading& reading);

/// A SELECT that gives no row, but the types of the columns. `from`: "ONLY " or "".
std::string types_statement(const PgReading& reading, std::string_view from);
/// Error{read} when these are others than those that were described: values would be misread.
void check_types(PgSession& session, const PgReading& reading, const std::vector<uint32_t>& types);

/// SELECT columns..., key columns as text FROM base WHERE key in range ORDER BY key. The key
/// columns follow the columns of the shape. When blocks are read, the key is the row's ctid.
std::string select_statement(const PgReading& reading, const PgRange& range);

/// "a,b", percent-encoded. A position is "key:a,b" with the values of the last row read.
std::string key_text(const std::vector<std::string>& values);
std::string key_position(const std::vector<std::string>& values);
/// The values from the field of that name. Error{config} when the field is missing or does not have
/// `count` values.
std::vector<std::string> key_values(std::string_view text, size_t count, std::string_view place,
                                    std::string_view name = "key");

}  // namespace lugger
