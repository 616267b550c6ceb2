// Mappings for the tests of Weaviate: a table `docs` of columns by name and type.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "plan/plan.hpp"

namespace lugger::test {

inline Column column(const std::string& name, const std::string& type) {
  Column out;
  out.name = name;
  out.type = parse_column_type(type);
  return out;
}

inline PlanShape shape(std::vector<Column> columns, std::vector<std::string> key = {"id"}) {
  Mapping mapping;
  mapping.table = "docs";
  mapping.columns = std::move(columns);
  mapping.key = std::move(key);
  return PlanShape(std::move(mapping));
}

}  // namespace lugger::test
