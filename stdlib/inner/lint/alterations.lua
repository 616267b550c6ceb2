-- What ALTER TABLE does to a table that is in use, and ALTER DOMAIN to every table with a column of the domain.
local locks = require 'lugger.inner.migrate.locks'
local names = require 'lugger.inner.lint.names'
local statement = require 'lugger.inner.migrate.statement'

local alterations = {}

---@class lugger.lint.altered
---@field state lugger.lint.state
---@field emit fun(code: string, what: string|nil, location: integer|nil) says nothing of a table that the files make
---@field loud fun(code: string, what: string|nil, location: integer|nil)
---@field relation lugger.lint.name
---@field key string its one spelling

local function key(...)
  return table.concat({ ... }, '\0')
end

local function tested_column(expression)
  local test = expression and expression.NullTest
  local reference = test and test.nulltesttype == 'IS_NOT_NULL' and test.arg.ColumnRef
  local field = reference and reference.fields[#reference.fields].String
  return field and field.sval
end

local function proves_not_null(state, table_key, column)
  if state.not_null[key(table_key, column)] then return true end
  for _, check in pairs(state.checks) do
    if check.table == table_key and check.column == column and check.valid then return true end
  end
  return false
end

local function has_valid_check(state, table_key)
  for _, check in pairs(state.checks) do
    if check.table == table_key and check.valid then return true end
  end
  return false
end

local scan_codes = { CONSTR_FOREIGN = 'foreign-key-scan', CONSTR_CHECK = 'check-scan', CONSTR_UNIQUE = 'unique-scan',
  CONSTR_PRIMARY = 'unique-scan', CONSTR_EXCLUSION = 'unique-scan' }

local alter = {}

---@private
function alter.AT_AddColumn(on, command)
  local definition = command.def.ColumnDef
  local constraints = locks.constraints(definition)
  local as_statement = { tag = 'AlterTableStmt', node = { relation = on.relation,
    cmds = { { AlterTableCmd = command } } } } ---@type any
  local lock = assert(locks.of(as_statement)[1])
  if lock.rewrites then on.emit('volatile-default', definition.colname, definition.location) end
  if constraints.CONSTR_NOTNULL and not constraints.CONSTR_DEFAULT and not lock.rewrites then
    on.emit('not-null-without-default', definition.colname, definition.location)
  end
  if locks.type_name(definition.typeName) == 'json' then
    on.emit('json-column', definition.colname, definition.location)
  end
  for kind, code in pairs(scan_codes) do
    local constraint = constraints[kind]
    -- A new column is NULL in every row, so a foreign key need not look anything up.
    if constraint and not (kind == 'CONSTR_FOREIGN' and not constraints.CONSTR_DEFAULT) then
      on.emit(code, definition.colname, constraint.location)
    end
  end
end

---@private
function alter.AT_AlterColumnType(on, command)
  on.emit('type-change', command.name, command.def.ColumnDef.location)
end

---@private
function alter.AT_SetNotNull(on, command)
  if not proves_not_null(on.state, on.key, command.name) then on.emit('set-not-null', command.name) end
  on.state.not_null[key(on.key, command.name)] = true
end

---@private
function alter.AT_DropNotNull(on, command)
  on.state.not_null[key(on.key, command.name)] = nil
end

-- A primary key makes its columns NOT NULL. That reads the table, unless they are NOT NULL already or a CHECK proves
-- it.
local function adopt_primary_key(on, constraint)
  local index = on.state.indexes[names.key(on.state, { relname = constraint.indexname,
    schemaname = on.relation.schemaname })]
  local unproven = index and {} or { 'whether its columns are NOT NULL does not stand here' }
  for _, column in ipairs(index or {}) do
    if not proves_not_null(on.state, on.key, column) then unproven[#unproven + 1] = column end
  end
  if #unproven > 0 then
    on.emit('set-not-null', ('PRIMARY KEY USING INDEX %s (%s)'):format(constraint.indexname,
      table.concat(unproven, ', ')), constraint.location)
  end
end

---@private
function alter.AT_AddConstraint(on, command)
  local constraint, state = command.def.Constraint, on.state
  local name = constraint.conname or ''
  if constraint.contype == 'CONSTR_CHECK' then
    state.checks[key(on.key, name)] = { table = on.key, column = tested_column(constraint.raw_expr),
      valid = not constraint.skip_validation }
  end
  if constraint.conname then state.added[key(on.key, name)] = true end
  if constraint.indexname then
    if constraint.contype == 'CONSTR_PRIMARY' then adopt_primary_key(on, constraint) end
    return
  end
  local code = scan_codes[constraint.contype]
  -- ALTER TABLE ONLY of a partitioned table, whose partitions' constraints are attached later: nothing is built.
  local parent_only = not on.relation.inh and state.attached[name]
  if code and not constraint.skip_validation and not parent_only then
    on.emit(code, constraint.conname or statement.relation(on.relation), constraint.location)
  end
end

---@private
function alter.AT_ValidateConstraint(on, command)
  local which = key(on.key, command.name)
  if on.state.added[which] then on.emit('validate-in-same-transaction', command.name) end
  if on.state.checks[which] then on.state.checks[which].valid = true end
end

---@private
function alter.AT_DropColumn(on, command)
  on.emit('drop-in-use', command.name)
  if command.behavior == 'DROP_CASCADE' then on.emit('drop-cascade', command.name) end
end

-- The table that becomes a partition is read, even if its parent is new.
---@private
function alter.AT_AttachPartition(on, command)
  local partition = command.def.PartitionCmd.name
  if names.is_made(on.state, partition) or has_valid_check(on.state, names.key(on.state, partition)) then return end
  on.loud('attach-scan', statement.relation(partition))
end

---@private
function alter.AT_DetachPartition(on, command)
  local partition = command.def.PartitionCmd
  if not partition.concurrent then on.emit('blocking-detach', statement.relation(partition.name)) end
end

for _, kind in ipairs { 'AT_DisableTrig', 'AT_DisableTrigAll', 'AT_DisableTrigUser' } do
  alter[kind] = function(on, command) on.emit('triggers-off', command.name or statement.relation(on.relation)) end
end

for _, kind in ipairs { 'AT_SetLogged', 'AT_SetUnLogged', 'AT_SetTableSpace', 'AT_SetAccessMethod' } do
  alter[kind] = function(on) on.emit('table-rewrite', statement.relation(on.relation)) end
end

alterations.by_tag = {}

---@private
function alterations.by_tag.AlterTableStmt(state, emit, node)
  if node.objtype == 'OBJECT_INDEX' then return end
  local made = names.is_made(state, node.relation)
  local on = { state = state, emit = made and function() end or emit, loud = emit, relation = node.relation,
    key = names.key(state, node.relation) }
  for _, item in ipairs(node.cmds) do
    local rule = alter[item.AlterTableCmd.subtype]
    if rule then rule(on, item.AlterTableCmd) end
  end
end

---@private
function alterations.by_tag.AlterDomainStmt(state, emit, node)
  local name = statement.dotted(node.typeName)
  if names.is_made(state, names.of_list(node.typeName)) then return end
  local constraint = node.def and node.def.Constraint
  if node.subtype == 'C' and not constraint.skip_validation then
    emit('check-scan', ('every table with the domain %s'):format(name), constraint.location)
  elseif node.subtype == 'O' then
    emit('set-not-null', ('every table with the domain %s'):format(name))
  end
end

return alterations
