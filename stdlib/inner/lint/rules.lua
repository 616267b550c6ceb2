-- What each statement does to a table that is in use. The state is passed from statement to statement and file to file.
local alterations = require 'lugger.inner.lint.alterations'
local do_body = require 'lugger.inner.lint.do_body'
local locks = require 'lugger.inner.migrate.locks'
local names = require 'lugger.inner.lint.names'
local objects = require 'lugger.inner.lint.objects'
local statement = require 'lugger.inner.migrate.statement'
local writes = require 'lugger.inner.lint.writes'

local rules = {}

---@class lugger.lint.state
---@field made table<string, boolean> objects that these migrations make: nobody uses them yet
---@field path string[] search_path
---@field checks table<string, table> CHECK constraints by table and name: { table =, column =, valid = }
---@field not_null table<string, boolean> columns that were set NOT NULL, by table and name
---@field indexes table<string, string[]> columns of the indexes that these migrations make
---@field attached table<string, boolean> indexes to which the file attaches partitions
---@field again table<string, integer> views, functions, types that the file makes: name -> the last statement's place
---@field added table<string, boolean> constraints added in this transaction, by table and name
---@field exclusive table<string, boolean> tables under ACCESS EXCLUSIVE in this transaction
---@field held boolean a strong lock on a table in use is held
---@field schema_changed boolean
---@field data_changed boolean
---@field mixed boolean told already

--- An empty state.
---@return lugger.lint.state
function rules.state()
  local state = { made = {}, checks = {}, not_null = {}, indexes = {}, attached = {}, again = {} } ---@type any
  names.reset_path(state)
  rules.end_transaction(state)
  return state
end

--- Resets what ends with a transaction.
---@param state lugger.lint.state
function rules.end_transaction(state)
  state.added, state.exclusive, state.held = {}, {}, false
  state.schema_changed, state.data_changed, state.mixed = false, false, false
end

--- Begins a file, which has a new session, and looks ahead in it.
---@param state lugger.lint.state
---@param statements lugger.statement[]
function rules.begin_file(state, statements)
  names.reset_path(state)
  objects.foresee(state, statements)
end

local by_tag = {}
for _, group in ipairs { alterations.by_tag, objects.by_tag, writes.by_tag } do
  for tag, rule in pairs(group) do by_tag[tag] = rule end
end

local schema_tags = { AlterTableStmt = true, CreateStmt = true, IndexStmt = true, DropStmt = true, RenameStmt = true,
  CreateTrigStmt = true, ViewStmt = true, CreateEnumStmt = true, AlterEnumStmt = true, AlterObjectSchemaStmt = true }

local function is_few_rows(node)
  local select = node.selectStmt and node.selectStmt.SelectStmt
  return select and select.valuesLists ~= nil
end

local function note_write(state, emit, write)
  if names.is_made(state, write.node.relation) then return end
  local name = statement.relation(write.node.relation)
  if state.held and not is_few_rows(write.node) then
    emit('lock-held-across-backfill', name)
  elseif state.schema_changed and not state.mixed then
    state.mixed = true
    emit('mixed-ddl-data', name)
  end
  state.data_changed = true
end

-- A statement takes all its locks together; so locks count as several only with those of earlier statements.
local function note_locks(state, emit, list)
  local in_use, before = false, next(state.exclusive) ~= nil
  for _, lock in ipairs(list) do
    if not names.is_made(state, lock.relation) and locks.strength(lock.mode) >= locks.strength 'SHARE' then
      in_use, state.held = true, true
      local table_key = names.key(state, lock.relation)
      if lock.mode == 'ACCESS EXCLUSIVE' and not lock.of_index then
        if before and not state.exclusive[table_key] then emit('locks-on-many-tables', lock.table) end
        state.exclusive[table_key] = true
      end
    end
  end
  return in_use
end

-- Checks what a transaction holds while it continues.
local function transaction(state, emit, st, list)
  for _, write in ipairs(list) do note_write(state, emit, write) end
  local in_use = note_locks(state, emit, locks.of(st))
  if schema_tags[st.tag] and in_use then
    if state.data_changed and not state.mixed then
      state.mixed = true
      emit('mixed-ddl-data', st.node.relation and statement.relation(st.node.relation) or '')
    end
    state.schema_changed = true
  end
end

local json_types = { json = true, jsonb = true }
local comparing = { ['='] = true, ['<>'] = true }

local function is_json(side)
  if type(side) ~= 'table' then return false end
  local cast, expression = side.TypeCast, side.A_Expr
  if cast then return json_types[locks.type_name(cast.typeName)] or false end
  local name = expression and expression.name and expression.name[1].String
  return name and (name.sval == '->' or name.sval == '#>') or false
end

local function json_equality(node, emit)
  if type(node) ~= 'table' then return end
  local expression = node.A_Expr
  if expression and (expression.kind == 'AEXPR_OP' or expression.kind == 'AEXPR_DISTINCT') and expression.name then
    local operator = expression.name[#expression.name].String
    if operator and comparing[operator.sval] and (is_json(expression.lexpr) or is_json(expression.rexpr)) then
      emit('jsonb-equality', operator.sval, expression.location)
    end
  end
  for _, inner in pairs(node) do json_equality(inner, emit) end
end

local look ---@type fun(state: lugger.lint.state, emit: function, st: lugger.statement, on: table)

local function look_into(state, emit, st, in_transaction)
  for _, inner in ipairs(do_body.statements(st)) do
    local node = assert(inner.st.node)
    if inner.st.control then
      rules.end_transaction(state)
    elseif inner.st.tag ~= 'SelectStmt' or not node.intoClause then -- SELECT INTO a variable makes no table
      look(state, function(code, what, location) emit(code, what, inner.offset + (location or 0)) end, inner.st,
        { in_transaction = in_transaction })
    end
  end
end

function look(state, emit, st, on)
  local node = st.node
  json_equality(node, emit)
  local list = writes.of(st)
  if on.in_transaction then transaction(state, emit, st, list) end
  for _, write in ipairs(list) do writes.look(state, emit, write) end
  local rule = by_tag[st.tag]
  if rule then rule(state, emit, node, on) end
  names.follow(state, st)
  if st.tag == 'DoStmt' then look_into(state, emit, st, on.in_transaction) end
end

--- Checks one statement.
---@param state lugger.lint.state
---@param emit fun(code: string, what: string|nil, location: integer|nil)
---@param st lugger.statement
---@param on { in_transaction: boolean, place: integer } place: the statement's in its file
function rules.look(state, emit, st, on)
  look(state, emit, st, on)
end

return rules
