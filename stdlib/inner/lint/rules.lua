-- What each statement means for a table that is in use. The state goes from statement to statement and file to file.
local locks = require 'lugger.inner.migrate.locks'
local statement = require 'lugger.inner.migrate.statement'

local rules = {}

---@class lugger.lint.state
---@field made table<string, boolean> tables that these migrations make: nobody uses them yet
---@field checks table<string, table> CHECK (column IS NOT NULL) by table and name: { table =, column =, valid = }
---@field added table<string, boolean> constraints added in this transaction, by "table name"
---@field exclusive table<string, boolean> tables under ACCESS EXCLUSIVE in this transaction
---@field held boolean a strong lock on a table in use is held
---@field schema_changed boolean
---@field data_changed boolean
---@field mixed boolean told already

--- A state that knows of nothing.
---@return lugger.lint.state
function rules.state()
  return { made = {}, checks = {}, added = {}, exclusive = {}, held = false, schema_changed = false,
    data_changed = false, mixed = false }
end

--- What ends with a transaction.
---@param state lugger.lint.state
function rules.end_transaction(state)
  state.added, state.exclusive, state.held = {}, {}, false
  state.schema_changed, state.data_changed, state.mixed = false, false, false
end

local function key(...)
  return table.concat({ ... }, '\0')
end

local function tested_column(expression)
  local test = expression and expression.NullTest
  local reference = test and test.nulltesttype == 'IS_NOT_NULL' and test.arg.ColumnRef
  local field = reference and reference.fields[#reference.fields].String
  return field and field.sval
end

local function proves_not_null(state, name, column)
  for _, check in pairs(state.checks) do
    if check.table == name and check.column == column and check.valid then return true end
  end
  return false
end

local scan_codes = { CONSTR_FOREIGN = 'foreign-key-scan', CONSTR_CHECK = 'check-scan', CONSTR_UNIQUE = 'unique-scan',
  CONSTR_PRIMARY = 'unique-scan', CONSTR_EXCLUSION = 'unique-scan' }

local alter = {}

---@private
function alter.AT_AddColumn(_, emit, name, command)
  local definition = command.def.ColumnDef
  local constraints = locks.constraints(definition)
  local lock = locks.of { tag = 'AlterTableStmt', node = { relation = { relname = name },
    cmds = { { AlterTableCmd = command } } } }[1]
  if lock.rewrites then emit('volatile-default', definition.colname, definition.location) end
  if constraints.CONSTR_NOTNULL and not constraints.CONSTR_DEFAULT and not lock.rewrites then
    emit('not-null-without-default', definition.colname, definition.location)
  end
  for kind, code in pairs(scan_codes) do
    local constraint = constraints[kind]
    -- A new column is NULL everywhere, which a foreign key need not look up.
    if constraint and not (kind == 'CONSTR_FOREIGN' and not constraints.CONSTR_DEFAULT) then
      emit(code, definition.colname, constraint.location)
    end
  end
end

---@private
function alter.AT_AlterColumnType(_, emit, _, command)
  emit('type-change', command.name, command.def.ColumnDef.location)
end

---@private
function alter.AT_SetNotNull(state, emit, name, command)
  if not proves_not_null(state, name, command.name) then emit('set-not-null', command.name) end
end

---@private
function alter.AT_AddConstraint(state, emit, name, command)
  local constraint = command.def.Constraint
  local column = constraint.contype == 'CONSTR_CHECK' and tested_column(constraint.raw_expr)
  if constraint.conname then
    state.added[key(name, constraint.conname)] = true
    if column then
      state.checks[key(name, constraint.conname)] = { table = name, column = column,
        valid = not constraint.skip_validation }
    end
  end
  local code = scan_codes[constraint.contype]
  if code and not constraint.skip_validation and not constraint.indexname then
    emit(code, constraint.conname or name, constraint.location)
  end
end

---@private
function alter.AT_ValidateConstraint(state, emit, name, command)
  local which = key(name, command.name)
  if state.added[which] then emit('validate-in-same-transaction', command.name) end
  if state.checks[which] then state.checks[which].valid = true end
end

---@private
function alter.AT_DropColumn(_, emit, _, command)
  emit('drop-in-use', command.name)
  if command.behavior == 'DROP_CASCADE' then emit('drop-cascade', command.name) end
end

for _, kind in ipairs { 'AT_SetLogged', 'AT_SetUnLogged', 'AT_SetTableSpace', 'AT_SetAccessMethod' } do
  alter[kind] = function(_, emit, name) emit('table-rewrite', name) end
end

local by_tag = {}

---@private
function by_tag.AlterTableStmt(state, emit, node)
  local name = statement.relation(node.relation)
  local quiet = state.made[name] and function() end or emit
  for _, item in ipairs(node.cmds) do
    local rule = alter[item.AlterTableCmd.subtype]
    if rule then rule(state, quiet, name, item.AlterTableCmd) end
  end
end

-- With and without the schema that is meant when none is named.
local function make(state, relation)
  state.made[statement.relation(relation)] = true
  if not relation.schemaname then state.made['public.' .. relation.relname] = true end
  if relation.schemaname == 'public' then state.made[relation.relname] = true end
end

---@private
function by_tag.CreateStmt(state, _, node)
  make(state, node.relation)
end

---@private
function by_tag.CreateTableAsStmt(state, _, node)
  if node.into and node.into.rel then make(state, node.into.rel) end
end

---@private
function by_tag.IndexStmt(state, emit, node)
  if not state.made[statement.relation(node.relation)] and not node.concurrent then
    emit('blocking-index', node.idxname or statement.relation(node.relation))
  end
end

---@private
function by_tag.ReindexStmt(_, emit, node)
  if not statement.option(node.params, 'concurrently') then
    emit('blocking-reindex', node.relation and statement.relation(node.relation) or node.name)
  end
end

local function dropped(object)
  return object.List and statement.dotted(object.List.items)
end

---@private
function by_tag.DropStmt(state, emit, node)
  for _, object in ipairs(node.objects or {}) do
    local name = dropped(object)
    if node.removeType == 'OBJECT_INDEX' and not node.concurrent then emit('blocking-index-drop', name) end
    if node.removeType == 'OBJECT_TABLE' and not state.made[name] then emit('drop-in-use', name) end
    if node.behavior == 'DROP_CASCADE' and not state.made[name] then emit('drop-cascade', name) end
  end
end

local renames = { OBJECT_TABLE = true, OBJECT_COLUMN = true, OBJECT_VIEW = true }

---@private
function by_tag.RenameStmt(state, emit, node)
  if not renames[node.renameType] or not node.relation then return end
  local name = statement.relation(node.relation)
  if state.made[name] then
    if node.renameType == 'OBJECT_TABLE' then state.made[node.newname] = true end
    return
  end
  emit('rename-in-use', node.subname or name)
end

---@private
function by_tag.TruncateStmt(state, emit, node)
  for _, item in ipairs(node.relations) do
    local name = statement.relation(item.RangeVar)
    if not state.made[name] then emit('truncate', name) end
  end
end

---@private
function by_tag.ClusterStmt(_, emit, node)
  emit('table-rewrite', node.relation and statement.relation(node.relation) or 'all tables')
end

---@private
function by_tag.VacuumStmt(_, emit, node)
  if statement.option(node.options, 'full') then
    for _, item in ipairs(node.rels or {}) do emit('table-rewrite',
      statement.relation(item.VacuumRelation.relation)) end
  end
end

local function unbounded(code)
  return function(state, emit, node)
    local name = statement.relation(node.relation)
    if not node.whereClause and not state.made[name] then emit(code, name) end
  end
end
by_tag.UpdateStmt = unbounded 'unbounded-update'
by_tag.DeleteStmt = unbounded 'unbounded-delete'

local data_tags = { InsertStmt = true, UpdateStmt = true, DeleteStmt = true, MergeStmt = true, CopyStmt = true }
local schema_tags = { AlterTableStmt = true, CreateStmt = true, IndexStmt = true, DropStmt = true, RenameStmt = true,
  CreateTrigStmt = true, ViewStmt = true, CreateEnumStmt = true, AlterEnumStmt = true }

local function is_few_rows(node)
  local select = node.selectStmt and node.selectStmt.SelectStmt
  return select and select.valuesLists ~= nil
end

-- What a transaction holds while it goes on.
local function transaction(state, emit, st)
  local changes_data = data_tags[st.tag]
  local name = st.node.relation and statement.relation(st.node.relation)
  if changes_data and not state.made[name] then
    if state.held and not is_few_rows(st.node) then
      emit('lock-held-across-backfill', name)
    elseif state.schema_changed and not state.mixed then
      state.mixed = true
      emit('mixed-ddl-data', name)
    end
    state.data_changed = true
  end
  local in_use = false
  for _, lock in ipairs(locks.of(st)) do
    if not state.made[lock.table] and locks.strength(lock.mode) >= locks.strength 'SHARE' then
      in_use, state.held = true, true
      if lock.mode == 'ACCESS EXCLUSIVE' and not lock.of_index then
        if not state.exclusive[lock.table] and next(state.exclusive) then emit('locks-on-many-tables', lock.table) end
        state.exclusive[lock.table] = true
      end
    end
  end
  if schema_tags[st.tag] and in_use then
    if state.data_changed and not state.mixed then
      state.mixed = true
      emit('mixed-ddl-data', name or '')
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

--- Looks at one statement.
---@param state lugger.lint.state
---@param emit fun(code: string, what: string|nil, location: integer|nil)
---@param st lugger.statement
---@param in_transaction boolean
function rules.look(state, emit, st, in_transaction)
  json_equality(st.node, emit)
  if in_transaction then transaction(state, emit, st) end
  local rule = by_tag[st.tag]
  if rule then rule(state, emit, st.node) end
end

return rules
