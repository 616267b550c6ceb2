#include "sink/pg_references.hpp"

#include "net/pg_session.hpp"

namespace lugger {

std::vector<ConstraintMapping> reference_constraints(const PlanShape& shape) {
  std::vector<ConstraintMapping> out;
  for (const TablePlan& table : shape.tables()) {
    for (const Column& column : table.columns) {
      const Reference* ref = column.policy.ref.get();
      if (ref == nullptr || !ref->foreign_key) continue;
      const size_t dot = table.name.find('.');
      const std::string bare = dot == std::string::npos ? table.name : table.name.substr(dot + 1);
      out.push_back({table.name, bare + "_" + column.name + "_fkey",
                     fmt::format("foreign key ({}) references {} ({})",
                                 PgSession::quote_name(column.name),
                                 PgSession::quote_table(ref->table),
                                 PgSession::quote_name(ref->column))});
    }
  }
  return out;
}

}  // namespace lugger
