// native.sql: parses SQL with PostgreSQL's own grammar, quotes, and makes the statement of an
// index.
#include <simdjson.h>

#include "base/error.hpp"
#include "bindings/guard.hpp"
#include "bindings/job_spec.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "plan/object_names.hpp"
#include "postgres/session.hpp"
#include "postgres/steps.hpp"
#include "sql/sql_text.hpp"

namespace lugger {

namespace {

using simdjson::dom::element;

void push_json(lua_State* L, const element& value) {
  luaL_checkstack(L, 6, "a syntax tree is too deep");
  int place = 0;
  switch (value.type()) {
    case simdjson::dom::element_type::ARRAY:
      lua_newtable(L);
      for (const element item : value.get_array()) {
        push_json(L, item);
        lua_rawseti(L, -2, ++place);
      }
      return;
    case simdjson::dom::element_type::OBJECT:
      lua_newtable(L);
      for (const auto field : value.get_object()) {
        push(L, field.key);
        push_json(L, field.value);
        lua_rawset(L, -3);
      }
      return;
    case simdjson::dom::element_type::STRING: push(L, std::string_view(value)); return;
    case simdjson::dom::element_type::BOOL: push(L, bool(value)); return;
    case simdjson::dom::element_type::NULL_VALUE: lua_pushlightuserdata(L, nullptr); return;
    case simdjson::dom::element_type::DOUBLE: push(L, double(value)); return;
    case simdjson::dom::element_type::INT64: push(L, int64_t(value)); return;
    case simdjson::dom::element_type::UINT64: push(L, uint64_t(value)); return;
  }
}

std::string text_argument(lua_State* L) { return std::string(check_text(L, 1)); }

}  // namespace

/// Splits a text into statements: { text =, offset =, line =, data =, problem =, hint = }, ... With
/// `tolerant`, text that is not a statement is included with its problem; otherwise it is an error.
static int split(lua_State* L) {
  const std::string sql = text_argument(L);
  const std::vector<SqlStatement> found =
      lua_toboolean(L, 2) != 0 ? read_statements(sql) : split_sql(sql);
  lua_createtable(L, static_cast<int>(found.size()), 0);
  size_t line = 1, counted = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& [span, data, problem, hint] = found[i];
    const auto from = sql.begin() + static_cast<std::ptrdiff_t>(counted);
    const auto to = sql.begin() + static_cast<std::ptrdiff_t>(span.offset);
    line += static_cast<size_t>(std::count(from, to, '\n'));
    counted = span.offset;
    lua_createtable(L, 0, 4);
    set(L, "text", std::string_view(sql).substr(span.offset, span.length));
    set(L, "offset", span.offset);
    set(L, "line", line);
    if (data) set(L, "data", std::string_view(sql).substr(data->offset, data->length));
    if (!problem.empty()) {
      set(L, "problem", problem);
      set(L, "hint", hint);
    }
    lua_rawseti(L, -2, static_cast<int>(i) + 1);
  }
  return 1;
}

static int tree(lua_State* L) {
  const std::string json = sql_tree(text_argument(L));
  simdjson::dom::parser parser;
  push_json(L, parser.parse(json)["stmts"]);
  return 1;
}

/// Parses JSON into plain tables, numbers and strings; null is lugger.null.
static int json_tables(lua_State* L) {
  simdjson::dom::parser parser;
  element value;
  const std::string text = text_argument(L);
  if (const auto failed = parser.parse(text).get(value); failed != simdjson::SUCCESS)
    raise(Code::kParse, "cannot read JSON: {}", simdjson::error_message(failed));
  push_json(L, value);
  return 1;
}

static int tokens(lua_State* L) {
  const std::string sql = text_argument(L);
  const std::vector<SqlToken> found = sql_tokens(sql);
  lua_createtable(L, static_cast<int>(found.size()), 0);
  for (size_t i = 0; i < found.size(); ++i) {
    lua_createtable(L, 0, 3);
    set(L, "text", std::string_view(sql).substr(found[i].span.offset, found[i].span.length));
    set(L, "offset", found[i].span.offset);
    set(L, "kind", token_kind_name(found[i].kind));
    lua_rawseti(L, -2, static_cast<int>(i) + 1);
  }
  return 1;
}

/// Returns { [offset] = true } for the comments.
static int comments(lua_State* L) {
  lua_newtable(L);
  for (const size_t offset : sql_comments(text_argument(L))) {
    lua_pushboolean(L, 1);
    lua_rawseti(L, -2, static_cast<int>(offset));
  }
  return 1;
}

static int grammar(lua_State* L) {
  push(L, sql_grammar());
  return 1;
}

static int name(lua_State* L) {
  push(L, PgSession::quote_name(check_text(L, 1)));
  return 1;
}
static int table(lua_State* L) {
  push(L, PgSession::quote_table(check_text(L, 1)));
  return 1;
}
static int literal(lua_State* L) {
  push(L, PgSession::quote_literal(check_text(L, 1)));
  return 1;
}

/// Shortens a name to 63 bytes. Different names stay different.
static int fitted(lua_State* L) {
  push(L, fitted_name(check_text(L, 1), lua_isnoneornil(L, 2) ? "" : check_text(L, 2)));
  return 1;
}

static int create_index(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const IndexMapping index = read_index(L, 1);
  if (index.table.empty()) raise(Code::kConfig, "the index names no table");
  check_name("index of " + index.table, index.name);
  push(L, index_statement(index_step(index, index.table), lua_toboolean(L, 2) != 0));
  return 1;
}

static constexpr luaL_Reg kFunctions[] = {
    {"split", guarded<split>},
    {"tree", guarded<tree>},
    {"tokens", guarded<tokens>},
    {"comments", guarded<comments>},
    {"name", guarded<name>},
    {"table", guarded<table>},
    {"literal", guarded<literal>},
    {"fitted_name", guarded<fitted>},
    {"grammar", guarded<grammar>},
    {"create_index", guarded<create_index>},
    {nullptr, nullptr},
};

static constexpr luaL_Reg kMore[] = {{"json_tables", guarded<json_tables>}, {nullptr, nullptr}};

void open_sql(lua_State* L) {
  add_functions(L, "sql", kFunctions);
  add_functions(L, kMore);
}

}  // namespace lugger
