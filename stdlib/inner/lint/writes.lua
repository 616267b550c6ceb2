-- Statements that write rows, also inside another statement: in a CTE, under EXPLAIN ANALYZE.
local names = require 'lugger.inner.lint.names'
local statement = require 'lugger.inner.migrate.statement'

local writes = { by_tag = {} }

---@type table<string, boolean>
local tags = { InsertStmt = true, UpdateStmt = true, DeleteStmt = true, MergeStmt = true }
-- Statements inside these run later, or never.
---@type table<string, boolean>
local later = { RuleStmt = true, CreateFunctionStmt = true, PrepareStmt = true, DeclareCursorStmt = true }

local function collect(tree, list)
  for tag, inner in pairs(tree) do
    if type(inner) == 'table' and not later[tag] then
      if tags[tag] then list[#list + 1] = { tag = tag, node = inner } end
      collect(inner, list)
    end
  end
  return list
end

---@class lugger.lint.write
---@field tag string
---@field node table

--- The writes in a statement, its own first.
---@param st lugger.statement
---@return lugger.lint.write[]
function writes.of(st)
  local node = assert(st.node)
  if later[st.tag] or st.tag == 'ExplainStmt' and not statement.option(node.options, 'analyze') then return {} end
  local list = {}
  if tags[st.tag] or st.tag == 'CopyStmt' and node.is_from and node.relation then
    list[1] = { tag = st.tag, node = node }
  end
  return collect(node, list)
end

local function constant(node)
  if not node then return nil end
  if node.TypeCast then return constant(node.TypeCast.arg) end
  local value = node.A_Const
  if not value then return nil end
  if value.boolval then return value.boolval.boolval == true end
  if value.ival then return value.ival.ival or 0 end
  return value.sval and value.sval.sval or value.fval and value.fval.fval
end

local true_words = { t = true, ['true'] = true, y = true, yes = true, on = true, ['1'] = true }

local is_always ---@type fun(node: table): boolean

local function any_always(list)
  for _, item in ipairs(list) do
    if is_always(item) then return true end
  end
  return false
end

local function all_always(list)
  for _, item in ipairs(list) do
    if not is_always(item) then return false end
  end
  return #list > 0
end

--- True for a condition that is true for every row: true, 1 = 1, a OR true.
---@param node table
---@return boolean
function is_always(node)
  local value = constant(node)
  if value ~= nil then return value == true or true_words[tostring(value):lower()] or false end
  local logic, comparison = node.BoolExpr, node.A_Expr
  if logic then
    if logic.boolop == 'OR_EXPR' then return any_always(logic.args) end
    if logic.boolop == 'AND_EXPR' then return all_always(logic.args) end
    return constant(logic.args[1]) == false
  end
  if not comparison or comparison.kind ~= 'AEXPR_OP' then return false end
  local left, right = constant(comparison.lexpr), constant(comparison.rexpr)
  local sign = comparison.name[1].String.sval
  if left == nil or right == nil then return false end
  return sign == '=' and left == right or sign == '<>' and left ~= right
end

local unbounded = { UpdateStmt = 'unbounded-update', DeleteStmt = 'unbounded-delete' }

--- Checks one write.
---@param state lugger.lint.state
---@param emit fun(code: string, what: string|nil, location: integer|nil)
---@param write lugger.lint.write
function writes.look(state, emit, write)
  local code, node = unbounded[write.tag], write.node
  if not code or names.is_made(state, node.relation) then return end
  if not node.whereClause or is_always(node.whereClause) then
    emit(code, statement.relation(node.relation), node.relation.location)
  end
end

---@private
function writes.by_tag.TruncateStmt(state, emit, node)
  for _, item in ipairs(node.relations) do
    local cascade = node.behavior == 'DROP_CASCADE'
    local what = statement.relation(item.RangeVar) .. (cascade and ', and every table that refers to it' or '')
    if cascade or not names.is_made(state, item.RangeVar) then emit('truncate', what) end
  end
end

-- The modes of LOCK TABLE by number; from SHARE on, writes have to wait.
local share = 5

---@private
function writes.by_tag.LockStmt(state, emit, node)
  for _, item in ipairs(node.relations) do
    if (tonumber(node.mode) or 8) >= share and not names.is_made(state, item.RangeVar) then
      emit('explicit-lock', statement.relation(item.RangeVar))
    end
  end
end

local function set_value(node)
  local first = node.args and node.args[1]
  return first and tostring(constant(first))
end

---@private
function writes.by_tag.VariableSetStmt(_, emit, node)
  if node.kind ~= 'VAR_SET_VALUE' then return end
  local value = set_value(node)
  if node.name == 'session_replication_role' and value == 'replica' then emit('triggers-off', node.name) end
  if node.name == 'lock_timeout' and value and value:match('^0+%a*$') then emit('lock-timeout-off') end
end

return writes
