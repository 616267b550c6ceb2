// native.sql: the quoting of names and literals, and the statement of an index, for Lua that writes
// SQL.
#include "bindings/guard.hpp"
#include "bindings/job_spec.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "net/pg_session.hpp"
#include "sink/pg_steps.hpp"

namespace lugger {

static int quote_name(lua_State* L) {
  push(L, PgSession::quote_name(check_text(L, 1)));
  return 1;
}

static int quote_table(lua_State* L) {
  push(L, PgSession::quote_table(check_text(L, 1)));
  return 1;
}

static int quote_literal(lua_State* L) {
  push(L, PgSession::quote_literal(check_text(L, 1)));
  return 1;
}

static int create_index(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const IndexMapping index = read_index(L, 1);
  if (index.table.empty()) raise(Code::kConfig, "the index names no table");
  push(L, index_statement(index_step(index, index.table), lua_toboolean(L, 2) != 0));
  return 1;
}

static constexpr luaL_Reg kFunctions[] = {
    {"quote_name", guarded<quote_name>},
    {"quote_table", guarded<quote_table>},
    {"quote_literal", guarded<quote_literal>},
    {"create_index", guarded<create_index>},
    {nullptr, nullptr},
};

void open_sql(lua_State* L) { add_functions(L, "sql", kFunctions); }

}  // namespace lugger
