// How a table of the plan is held against the rows that a target has of it: which columns, in which
// form, by which key.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/column_type.hpp"
#include "value/value.hpp"

namespace lugger {

/// How a value is compared: by the kind of its column, arrays by the kind of their elements. kOther
/// is text that the server made on both sides.
struct CompareAs {
  Kind kind = Kind::kText;
  Kind element = Kind::kText;
};

struct ComparedColumn {
  size_t slot = 0;  // in the plan's row
  std::string name;
  ColumnType type;  // of the mapping
  CompareAs as;     // kOther: as text that the server makes on both sides
  bool by_server = false;
  // Of a key whose equality only the server knows: index of the server's hash of it, which stands
  // for the value in every digest; -1: the canonical bytes say all.
  int hash = -1;
  bool vague = false;  // of a key: equal values may be spelled in two ways, and have no hash
};

struct ComparedTable {
  size_t table = 0;  // in the plan
  std::string name;
  bool own = true;
  std::vector<ComparedColumn> columns;
  std::vector<size_t> key;   // indices into columns; empty: rows are compared as a multiset
  std::vector<size_t> root;  // of these, the key of the document's own row
  size_t hashes = 0;         // key columns that have one
  bool may_double = false;   // no index rules out rows of one key
  // Of a document's own table: plan slot of the column that says which row is newer.
  int newer = -1;
  // The same column's index in columns, where lugger orders its values as the server does.
  int newer_compared = -1;
  // No two values of it share a rank.
  bool newer_exact = false;
  // Its index in columns, where they may, or where there is no rank.
  int version = -1;
  std::vector<std::string> left_out;  // columns that are not compared: filled by the server
};

/// A column that is not what the mapping says. No value needs to be read to know.
struct ColumnFinding {
  std::string table, column, wanted, found;  // found: "" when the column is missing
};

/// A key's columns as text; nullopt is NULL.
using KeyText = std::vector<std::optional<std::string>>;

/// A value as the server would print it.
std::string server_text(const Value& value, const ComparedColumn& column);
std::optional<std::string> server_text_or_null(const Value& value, const ComparedColumn& column);

}  // namespace lugger
