#include "postgres/constraint_text.hpp"

#include <simdjson.h>

#include "base/error.hpp"
#include "sql/sql_text.hpp"

namespace lugger {
namespace {

using simdjson::dom::element;

constexpr std::string_view kBefore = "ALTER TABLE t ADD ";

bool has(const element& node, std::string_view name) {
  return node[name].error() == simdjson::SUCCESS;
}

std::string text_at(const element& node, std::string_view name) {
  std::string_view out;
  return node[name].get(out) == simdjson::SUCCESS ? std::string(out) : std::string();
}

/// [{"String": {"sval": "name"}}, ...]
std::vector<std::string> names_at(const element& node, std::string_view name) {
  std::vector<std::string> out;
  simdjson::dom::array list;
  if (node[name].get(list) != simdjson::SUCCESS) return out;
  for (const element item : list) {
    element text;
    if (item["String"].get(text) == simdjson::SUCCESS) out.push_back(text_at(text, "sval"));
  }
  return out;
}

/// The text between the first parenthesis and its partner.
std::string parenthesised(const std::string& sql) {
  size_t begin = 0, depth = 0;
  for (const SqlToken& token : sql_tokens(sql)) {
    if (token.span.length != 1) continue;
    const char mark = sql[token.span.offset];
    if (mark == '(' && depth++ == 0) begin = token.span.offset + 1;
    if (mark == ')' && --depth == 0) return sql.substr(begin, token.span.offset - begin);
  }
  return {};
}

/// DEFERRABLE, INCLUDE, NOT VALID and similar clauses are left to the server.
bool is_plain(const element& constraint) {
  for (const std::string_view more :
       {"deferrable", "initdeferred", "including", "options", "indexspace", "indexname",
        "is_no_inherit", "skip_validation"}) {
    if (has(constraint, more)) return false;
  }
  return true;
}

ConstraintText read_node(const element& constraint, const std::string& sql) {
  ConstraintText out;
  const std::string type = text_at(constraint, "contype");
  if (type == "CONSTR_CHECK" && is_plain(constraint)) {
    out.kind = ConstraintText::Kind::kCheck;
    out.expression = parenthesised(sql);
  } else if (type == "CONSTR_UNIQUE" && is_plain(constraint)) {
    out.kind = ConstraintText::Kind::kUnique;
    out.columns = names_at(constraint, "keys");
    out.nulls_not_distinct = has(constraint, "nulls_not_distinct");
  } else if (element table;
             type == "CONSTR_FOREIGN" && constraint["pktable"].get(table) == simdjson::SUCCESS) {
    out.kind = ConstraintText::Kind::kForeign;
    out.columns = names_at(constraint, "fk_attrs");
    out.referenced = names_at(constraint, "pk_attrs");
    const std::string schema = text_at(table, "schemaname");
    out.references = (schema.empty() ? "" : schema + ".") + text_at(table, "relname");
  }
  return out;
}

}  // namespace

ConstraintText read_constraint(const std::string& sql) try {
  const std::string tree = sql_tree(std::string(kBefore) + sql);
  simdjson::dom::parser parser;
  const element root = parser.parse(tree);
  simdjson::dom::array statements, commands;
  element constraint;
  if (root["stmts"].get(statements) != simdjson::SUCCESS || statements.size() != 1) return {};
  if (statements.at(0)["stmt"]["AlterTableStmt"]["cmds"].get(commands) != simdjson::SUCCESS ||
      commands.size() != 1)
    return {};
  if (commands.at(0)["AlterTableCmd"]["def"]["Constraint"].get(constraint) != simdjson::SUCCESS)
    return {};
  // A constraint with a name is left to the server.
  return has(constraint, "conname") ? ConstraintText{} : read_node(constraint, sql);
} catch (const Error&) {
  return {};  // unknown to this grammar; the server may know it
}

}  // namespace lugger
