// How a table of the plan is compared with the target's rows: which columns, in which form, and by
// which key.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/column_type.hpp"
#include "value/value.hpp"

namespace lugger {

/// How a value is compared: by the kind of its column, and for arrays by the kind of their
/// elements. kOther: both sides are compared as text that the server made.
struct CompareAs {
  Kind kind = Kind::kText;
  Kind element = Kind::kText;
};

struct ComparedColumn {
  size_t slot = 0;  // in the row of the plan
  std::string name;
  ColumnType type;  // as in the mapping
  CompareAs as;     // kOther: as text made by the server, on both sides
  bool by_server = false;
  // For a key column whose equality only the server knows: the index of the server's hash, which
  // replaces the value in every digest. -1: equal values have equal canonical bytes.
  int hash = -1;
  bool vague = false;  // of a key: equal values may have different bytes, and there is no hash
};

struct ComparedTable {
  size_t table = 0;  // index in the plan
  std::string name;
  bool own = true;
  std::vector<ComparedColumn> columns;
  std::vector<size_t> key;   // indices into columns; empty: rows are compared as a multiset
  std::vector<size_t> root;  // indices into columns: the key of the document's own row
  size_t hashes = 0;         // number of key columns that have a hash
  bool may_double = false;   // no unique index prevents several rows with the same key
  // For a document's own table: the plan slot of the column that says which row is newer.
  int newer = -1;
  // The index of that column in `columns`, where lugger orders its values as the server does.
  int newer_compared = -1;
  // True when different values of that column always have different ranks.
  bool newer_exact = false;
  // The index of that column in `columns`, where different values may share a rank or have none.
  int version = -1;
  std::vector<std::string> left_out;  // not compared, because the server fills them
};

/// A column that differs from the mapping. This is known without reading any value.
struct ColumnFinding {
  std::string table, column, wanted, found;  // found: "" when the column is missing
};

/// The columns of a key as text; nullopt is NULL.
using KeyText = std::vector<std::optional<std::string>>;

/// A value as the server would print it.
std::string server_text(const Value& value, const ComparedColumn& column);
std::optional<std::string> server_text_or_null(const Value& value, const ComparedColumn& column);

}  // namespace lugger
