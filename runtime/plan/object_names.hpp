// Names of what lugger makes beside tables: keys, indexes, constraints. PostgreSQL keeps 63 bytes
// of a name, has one name space a schema for tables and indexes, and one a table for constraints.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace lugger {

class PlanShape;

constexpr size_t kLongestName = 63;  // bytes: NAMEDATALEN - 1

/// "sales" and "users" of "sales.users"; the schema is empty when none is named.
std::pair<std::string, std::string> split_table_name(std::string_view table);

/// `stem` and `tail` where both fit into 63 bytes; else the beginning of `stem`, a hash of all of
/// it, and `tail`: two long names that differ stay different. `tail` is short.
std::string fitted_name(std::string_view stem, std::string_view tail = {});

/// Refuses a name that the server would cut, or does not take at all. `what`: "table users".
void check_name(std::string_view what, std::string_view name);

/// Chooses the names that a script leaves to lugger, alike in plan, run and scaffold: they follow
/// from the shape alone. Names that the script gives come first, and are refused when they meet.
class ObjectNames {
 public:
  explicit ObjectNames(const PlanShape& shape);

  /// For an index, a primary key or a unique constraint.
  std::string index(const std::string& table, std::string_view stem, std::string_view tail);
  /// For a check or a foreign key.
  std::string constraint(const std::string& table, std::string_view stem, std::string_view tail);

 private:
  using Place = std::pair<std::string, std::string>;  // schema or table, name

  void claim(const std::string& table, const std::string& name, bool is_index, bool is_constraint);
  std::string choose(const std::string& table, std::string_view stem, std::string_view tail,
                     bool is_index);

  std::set<Place> relations_, constraints_;
};

}  // namespace lugger
