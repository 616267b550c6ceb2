-- Finds out whether SQL at the prompt changed something. The server reports SELECT for many statements that write
-- (CREATE TABLE AS, functions, EXPLAIN ANALYZE). So it is asked for the transaction id, which only a transaction that
-- wrote has.
local effects = require 'lugger.inner.base.effects'
local statement = require 'lugger.inner.migrate.statement'

local sql_effects = {}

-- Statements whose result does not tell. All of them can run in a transaction.
---@type table<string, boolean>
local doubtful = { SelectStmt = true, CreateTableAsStmt = true, ExplainStmt = true, ExecuteStmt = true,
  FetchStmt = true, VariableShowStmt = true }
---@type table<string, boolean>
local telling = { InsertStmt = true, UpdateStmt = true, DeleteStmt = true, MergeStmt = true }

---@param sql string
---@return "ask"|"answer"|"unknown" what tells: the transaction, the server's answer, or nothing
---@return boolean lasting it leaves something in the session, or moves a sequence, which has no number
local function kind_of(sql)
  local ok, list = pcall(statement.split, sql)
  if not ok then return 'unknown', false end
  local kind, lasting = 'answer', false ---@type "ask"|"answer"|"unknown", boolean
  for _, st in ipairs(list) do
    if st.problem then return 'unknown', false end
    lasting = lasting or st.lasting ~= nil
    if doubtful[st.tag] then
      kind = 'ask'
      local text = st.text:lower()
      lasting = lasting or text:find('nextval', 1, true) ~= nil or text:find('dblink', 1, true) ~= nil
    elseif not telling[st.tag] then
      return 'answer', true
    end
  end
  return kind, lasting
end

local numbered = 'select pg_catalog.pg_current_xact_id_if_assigned()'
local written = [[select pg_catalog.pg_current_xact_id_if_assigned(),
  (select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_catalog.pg_stat_xact_all_tables)]]

local function ask(native, sql)
  local row = native:fetch(sql)[1].rows[1]
  return tostring(row[1]) .. ' ' .. tostring(row[2])
end

-- In a transaction that the user began: compares what it had written before and after.
---@return lugger.fetched, boolean
local function within(native, sql, parameters, rows)
  local before = ask(native, written)
  local fetched = native:fetch(sql, parameters, rows)
  return fetched, native:transaction() == 'open' and ask(native, written) ~= before
end

-- In a transaction of its own, which the statement would have anyway.
---@return lugger.fetched, boolean
local function alone(native, sql, parameters, rows)
  native:fetch 'begin'
  local ok, fetched = pcall(native.fetch, native, sql, parameters, rows)
  if not ok then
    if native:transaction() ~= 'lost' then pcall(native.fetch, native, 'rollback') end
    error(fetched, 0)
  end
  local changed = native:fetch(numbered)[1].rows[1][1] ~= false
  for _, notice in ipairs(native:fetch('commit').notices) do table.insert(fetched.notices, notice) end
  return fetched, changed
end

--- Runs SQL and returns whether it changed something; nil when the server's results show that.
---@param native lugger.native.prompt
---@param sql string
---@param parameters any[]|nil
---@param rows integer|nil that are kept of each result; all when not given
---@return table fetched
---@return boolean|nil changed
function sql_effects.fetch(native, sql, parameters, rows)
  if not effects.watched then return native:fetch(sql, parameters, rows), nil end
  local kind, lasting = kind_of(sql)
  local state = native:transaction()
  if kind ~= 'ask' or state == 'failed' or state == 'lost' then
    return native:fetch(sql, parameters, rows), kind == 'unknown' or lasting or nil
  end
  local run = state == 'none' and alone or within
  local fetched, changed = run(native, sql, parameters, rows)
  return fetched, changed or lasting
end

return sql_effects
