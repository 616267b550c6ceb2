#include "plan/object_names.hpp"

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "plan/plan.hpp"

namespace lugger {
namespace {

constexpr size_t kHashDigits = 8;

std::string cut(std::string_view text, size_t most) {
  return std::string(text.substr(0, valid_utf8_prefix(text.substr(0, most))));
}

}  // namespace

std::pair<std::string, std::string> split_table_name(std::string_view table) {
  const size_t dot = table.find('.');
  if (dot == std::string_view::npos) return {{}, std::string(table)};
  return {std::string(table.substr(0, dot)), std::string(table.substr(dot + 1))};
}

std::string fitted_name(std::string_view stem, std::string_view tail) {
  std::string whole = std::string(stem) + std::string(tail);
  if (whole.size() <= kLongestName) return whole;
  const size_t left = kLongestName - tail.size() - kHashDigits - 1;
  return cut(stem, left) + "_" + sha256_hex(stem).substr(0, kHashDigits) + std::string(tail);
}

void check_name(std::string_view what, std::string_view name) {
  if (name.empty()) raise(Code::kConfig, "{}: the name is empty", what);
  if (!is_utf8(name) || name.find('\0') != std::string_view::npos) {
    throw Error(
        Code::kConfig,
        fmt::format("{}: {} is not a name that PostgreSQL takes", what, quoted_excerpt(name, 80)),
        "names are UTF-8, without NUL bytes");
  }
  if (name.size() <= kLongestName) return;
  throw Error(Code::kConfig,
              fmt::format("{}: the name {} has {} bytes, and PostgreSQL would cut it to {}", what,
                          quoted_excerpt(name, 80), name.size(), kLongestName),
              "give it a shorter one");
}

ObjectNames::ObjectNames(const PlanShape& shape) {
  for (const TablePlan& table : shape.tables()) {
    if (table.name.empty()) continue;  // a target that has no tables
    const Place place = split_table_name(table.name);
    if (table.name.find('.') != std::string::npos)
      check_name("schema of table " + table.name, place.first);
    check_name("table", place.second);
    relations_.insert(place);
  }
  const std::string& own = shape.tables()[0].name;
  for (const IndexMapping& index : shape.mapping().indexes)
    claim(index.table.empty() ? own : index.table, index.name, true, false);
  for (const ConstraintMapping& constraint : shape.mapping().constraints) {
    if (!constraint.not_null.empty()) continue;
    claim(constraint.table.empty() ? own : constraint.table, constraint.name,
          !constraint.unique.empty(), true);
  }
}

void ObjectNames::claim(const std::string& table, const std::string& name, bool is_index,
                        bool is_constraint) {
  if (name.empty()) return;
  check_name(is_constraint ? "constraint of " + table : "index of " + table, name);
  const bool taken = (is_index && relations_.contains({split_table_name(table).first, name})) ||
                     (is_constraint && constraints_.contains({table, name}));
  if (taken) {
    throw Error(Code::kConfig,
                fmt::format("{}: the name {} is given twice: tables and indexes share their names "
                            "in a schema, constraints in a table",
                            table, name),
                "give one of them another name");
  }
  if (is_index) relations_.emplace(split_table_name(table).first, name);
  if (is_constraint) constraints_.emplace(table, name);
}

std::string ObjectNames::choose(const std::string& table, std::string_view stem,
                                std::string_view tail, bool is_index) {
  const std::string schema = split_table_name(table).first;
  std::string name = fitted_name(stem, tail);
  for (int number = 2;
       constraints_.contains({table, name}) || (is_index && relations_.contains({schema, name}));
       ++number)
    name = fitted_name(stem, fmt::format("_{}{}", number, tail));
  if (is_index) relations_.emplace(schema, name);
  constraints_.emplace(table, name);
  return name;
}

std::string ObjectNames::index(const std::string& table, std::string_view stem,
                               std::string_view tail) {
  return choose(table, stem, tail, true);
}

std::string ObjectNames::constraint(const std::string& table, std::string_view stem,
                                    std::string_view tail) {
  return choose(table, stem, tail, false);
}

}  // namespace lugger
