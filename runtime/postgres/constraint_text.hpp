// Parses the SQL text of a constraint as far as necessary: its kind, its columns, what it
// references.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace lugger {

struct ConstraintText {
  enum class Kind : uint8_t { kCheck, kUnique, kForeign, kOther };
  Kind kind = Kind::kOther;
  std::vector<std::string> columns;  // unquoted
  std::string expression;            // check
  std::string references;            // "schema.table", unquoted
  std::vector<std::string> referenced;
  bool nulls_not_distinct = false;
};

/// "check (age >= 0)", "unique (a, b)", "foreign key (team) references teams (id) on delete
/// cascade". Anything else, or text with further clauses that matter here, is kOther.
ConstraintText read_constraint(const std::string& sql);

}  // namespace lugger
