-- Which lock a statement takes on which table, and whether it rewrites or scans the table. The levels are from the
-- PostgreSQL manual: "Explicit Locking" (13.3), and the Notes of ALTER TABLE, CREATE INDEX, REINDEX, VACUUM.
local native = require 'lugger.native'
local statement = require 'lugger.inner.migrate.statement'

local locks = {}

---@class lugger.lock
---@field table string
---@field relation table a RangeVar
---@field quoted string as SQL spells it
---@field mode string "ACCESS EXCLUSIVE", ...
---@field what string what takes it
---@field rewrites boolean|nil writes the whole table anew under this lock
---@field scans boolean|nil reads the whole table under this lock
---@field column string|nil whose type changes

-- From the weakest to the strongest.
locks.modes = { 'ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE', 'ACCESS EXCLUSIVE' }

--- What other sessions cannot do while the lock is held.
locks.stops = {
  ['ACCESS SHARE'] = 'nobody waits', ['ROW SHARE'] = 'nobody waits', ['ROW EXCLUSIVE'] = 'nobody waits',
  ['SHARE UPDATE EXCLUSIVE'] = 'reads and writes go on', SHARE = 'writes wait',
  ['SHARE ROW EXCLUSIVE'] = 'writes wait', EXCLUSIVE = 'writes wait', ['ACCESS EXCLUSIVE'] = 'reads and writes wait',
}

local function quoted(relation)
  return (relation.schemaname and native.sql.name(relation.schemaname) .. '.' or '')
    .. native.sql.name(relation.relname)
end

local function lock(relation, mode, what, more)
  local one = { table = statement.relation(relation), relation = relation, quoted = quoted(relation), mode = mode,
    what = what }
  for key, value in pairs(more or {}) do one[key] = value end
  return one
end

local function named(list)
  local names = {}
  for i, item in ipairs(list) do names[i] = item.String and item.String.sval or '?' end
  local name = table.remove(names)
  return { relname = name, schemaname = names[#names] }
end

-- Functions whose result may differ from row to row.
local volatile = {}
for name in ([[random gen_random_uuid uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 uuidv4 uuidv7
  clock_timestamp timeofday nextval setval txid_current pg_current_xact_id random_normal gen_random_bytes]])
  :gmatch('%S+') do
  volatile[name] = true
end

--- True when an expression of a syntax tree calls a function whose result may differ from row to row.
---@param expression any
---@return boolean
function locks.is_volatile(expression)
  if type(expression) ~= 'table' then return false end
  if expression.FuncCall then
    local list = expression.FuncCall.funcname
    local last = list[#list].String.sval
    if volatile[last] then return true end
  end
  for _, inner in pairs(expression) do
    if locks.is_volatile(inner) then return true end
  end
  return false
end

local serial = { serial = true, bigserial = true, smallserial = true, serial4 = true, serial8 = true, serial2 = true }

--- The type of a column definition as one word: "int4", "varchar".
---@param type_name table a TypeName
---@return string
function locks.type_name(type_name)
  local names = type_name and type_name.names or {}
  return names[#names] and names[#names].String.sval or '?'
end

--- A type as SQL spells it, and its modifiers: "pg_catalog.varchar", "(20)".
---@param type_name table a TypeName
---@return string name
---@return string modifiers
function locks.spelled_type(type_name)
  local modifiers = {}
  for i, item in ipairs(type_name.typmods or {}) do
    local const = item.A_Const
    modifiers[i] = const and const.ival and tostring(const.ival.ival or 0) or '?'
  end
  return statement.dotted(type_name.names) .. (type_name.arrayBounds and '[]' or ''),
    #modifiers > 0 and '(' .. table.concat(modifiers, ',') .. ')' or ''
end

--- A column definition's constraints by kind.
---@param definition table a ColumnDef
---@return table<string, table|nil>
function locks.constraints(definition)
  local found = {}
  for _, item in ipairs(definition.constraints or {}) do found[item.Constraint.contype] = item.Constraint end
  return found
end

local function add_column(relation, command)
  local definition = command.def.ColumnDef
  local constraints, list = locks.constraints(definition), {}
  local default = constraints.CONSTR_DEFAULT
  local rewrites = (default and locks.is_volatile(default.raw_expr)) or constraints.CONSTR_GENERATED
    or constraints.CONSTR_IDENTITY or serial[locks.type_name(definition.typeName)] or false
  list[1] = lock(relation, 'ACCESS EXCLUSIVE', 'ADD COLUMN ' .. definition.colname,
    { rewrites = rewrites and true or nil, scans = constraints.CONSTR_CHECK and true or nil })
  if constraints.CONSTR_FOREIGN then
    list[2] = lock(constraints.CONSTR_FOREIGN.pktable, 'SHARE ROW EXCLUSIVE', 'REFERENCES')
  end
  return list
end

local function add_constraint(relation, command)
  local constraint = command.def.Constraint
  local kind, name = constraint.contype, constraint.conname and ' ' .. constraint.conname or ''
  local scans = not constraint.skip_validation or nil
  if kind == 'CONSTR_FOREIGN' then
    return { lock(relation, 'SHARE ROW EXCLUSIVE', 'ADD FOREIGN KEY' .. name, { scans = scans }),
      lock(constraint.pktable, 'SHARE ROW EXCLUSIVE', 'REFERENCES') }
  end
  if constraint.indexname then scans = nil end
  return { lock(relation, 'ACCESS EXCLUSIVE', 'ADD CONSTRAINT' .. name, { scans = scans }) }
end

-- ALTER TABLE by subcommand; all others take ACCESS EXCLUSIVE.
local alters = {
  AT_AddColumn = add_column,
  AT_AddConstraint = add_constraint,
  AT_AlterColumnType = function(relation, command)
    return { lock(relation, 'ACCESS EXCLUSIVE', 'ALTER COLUMN ' .. command.name .. ' TYPE',
      { rewrites = true, column = command.name }) }
  end,
  AT_SetNotNull = function(relation, command)
    return { lock(relation, 'ACCESS EXCLUSIVE', 'SET NOT NULL ' .. command.name, { scans = true }) }
  end,
  AT_ValidateConstraint = function(relation, command)
    return { lock(relation, 'SHARE UPDATE EXCLUSIVE', 'VALIDATE CONSTRAINT ' .. command.name, { scans = true }) }
  end,
  AT_AttachPartition = function(relation, command)
    return { lock(relation, 'SHARE UPDATE EXCLUSIVE', 'ATTACH PARTITION'),
      lock(command.def.PartitionCmd.name, 'ACCESS EXCLUSIVE', 'ATTACH PARTITION', { scans = true }) }
  end,
  AT_DetachPartition = function(relation, command)
    local partition = command.def.PartitionCmd
    local mode = partition.concurrent and 'SHARE UPDATE EXCLUSIVE' or 'ACCESS EXCLUSIVE'
    return { lock(relation, mode, 'DETACH PARTITION'),
      lock(partition.name, 'ACCESS EXCLUSIVE', 'DETACH PARTITION') }
  end,
}
for kind in ([[AT_SetStatistics AT_SetOptions AT_ResetOptions AT_ClusterOn AT_DropCluster AT_SetRelOptions
  AT_ResetRelOptions AT_ReplaceRelOptions AT_DetachPartitionFinalize]]):gmatch('%S+') do
  alters[kind] = function(relation)
    return { lock(relation, 'SHARE UPDATE EXCLUSIVE', 'ALTER TABLE') }
  end
end
for kind in ([[AT_EnableTrig AT_EnableAlwaysTrig AT_EnableReplicaTrig AT_DisableTrig AT_EnableTrigAll AT_DisableTrigAll
  AT_EnableTrigUser AT_DisableTrigUser]]):gmatch('%S+') do
  alters[kind] = function(relation)
    return { lock(relation, 'SHARE ROW EXCLUSIVE', 'ENABLE/DISABLE TRIGGER') }
  end
end
local rewriting = { AT_SetLogged = 'SET LOGGED', AT_SetUnLogged = 'SET UNLOGGED', AT_SetTableSpace = 'SET TABLESPACE',
  AT_SetAccessMethod = 'SET ACCESS METHOD' }
for kind, words in pairs(rewriting) do
  alters[kind] = function(relation)
    return { lock(relation, 'ACCESS EXCLUSIVE', words, { rewrites = true }) }
  end
end

local words_of = { AT_DropColumn = 'DROP COLUMN', AT_DropConstraint = 'DROP CONSTRAINT',
  AT_DropNotNull = 'DROP NOT NULL',
  AT_ColumnDefault = 'SET DEFAULT', AT_ChangeOwner = 'OWNER TO', AT_SetStorage = 'SET STORAGE' }

local function alter_table(node)
  local list = {}
  if node.objtype and node.objtype ~= 'OBJECT_TABLE' then
    return { lock(node.relation, 'ACCESS EXCLUSIVE', 'ALTER') }
  end
  for _, item in ipairs(node.cmds) do
    local command = item.AlterTableCmd
    local of = alters[command.subtype]
    local found = of and of(node.relation, command) or { lock(node.relation, 'ACCESS EXCLUSIVE',
      (words_of[command.subtype] or 'ALTER TABLE') .. (command.name and ' ' .. command.name or '')) }
    for _, one in ipairs(found) do list[#list + 1] = one end
  end
  return list
end

local function drop(node)
  local list = {}
  for _, object in ipairs(node.objects or {}) do
    local names = object.List and object.List.items
    if names and node.removeType == 'OBJECT_INDEX' then
      local mode = node.concurrent and 'SHARE UPDATE EXCLUSIVE' or 'ACCESS EXCLUSIVE'
      list[#list + 1] = lock(named(names), mode, 'DROP INDEX' .. (node.concurrent and ' CONCURRENTLY' or ''),
        { of_index = true })
    elseif names and (node.removeType == 'OBJECT_TRIGGER' or node.removeType == 'OBJECT_POLICY'
        or node.removeType == 'OBJECT_RULE') then
      local parts = { unpack(names, 1, #names - 1) }
      list[#list + 1] = lock(named(parts), 'ACCESS EXCLUSIVE', 'DROP ' .. node.removeType:sub(8))
    elseif names and (node.removeType == 'OBJECT_TABLE' or node.removeType == 'OBJECT_VIEW'
        or node.removeType == 'OBJECT_MATVIEW' or node.removeType == 'OBJECT_SEQUENCE') then
      list[#list + 1] = lock(named(names), 'ACCESS EXCLUSIVE', 'DROP ' .. node.removeType:sub(8))
    end
  end
  return list
end

local function each(relations, mode, what, more)
  local list = {}
  for i, item in ipairs(relations or {}) do list[i] = lock(item.RangeVar, mode, what, more) end
  return list
end

local function create_table(node)
  local list = {}
  for _, element in ipairs(node.tableElts or {}) do
    local all = element.Constraint and { { Constraint = element.Constraint } }
      or element.ColumnDef and element.ColumnDef.constraints or {}
    for _, item in ipairs(all) do
      if item.Constraint.contype == 'CONSTR_FOREIGN' then
        list[#list + 1] = lock(item.Constraint.pktable, 'SHARE ROW EXCLUSIVE', 'REFERENCES')
      end
    end
  end
  return list
end

local function concurrently(node)
  return node.concurrent or statement.option(node.params, 'concurrently') ~= nil
end

local function vacuum(node)
  local full = statement.option(node.options, 'full') ~= nil
  local words = node.is_vacuumcmd and (full and 'VACUUM FULL' or 'VACUUM') or 'ANALYZE'
  local list = {}
  for i, item in ipairs(node.rels or {}) do
    list[i] = lock(item.VacuumRelation.relation, full and 'ACCESS EXCLUSIVE' or 'SHARE UPDATE EXCLUSIVE', words,
      { rewrites = full or nil })
  end
  return list
end

-- Tables that a query reads, anywhere inside it.
local function reads(node, list, seen)
  if type(node) ~= 'table' then return list end
  if node.RangeVar and not seen[statement.relation(node.RangeVar)] then
    seen[statement.relation(node.RangeVar)] = true
    list[#list + 1] = lock(node.RangeVar, 'ACCESS SHARE', 'SELECT')
  end
  for _, inner in pairs(node) do reads(inner, list, seen) end
  return list
end

local function changes(what)
  return function(node)
    local list = { lock(node.relation, 'ROW EXCLUSIVE', what) }
    local seen = { [statement.relation(node.relation)] = true }
    for key, inner in pairs(node) do
      if key ~= 'relation' then reads(inner, list, seen) end
    end
    return list
  end
end

---@type table<number, string|nil>
local lock_words = { 'ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE',
  'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE' }

---@type table<string, nil|fun(node: table): lugger.lock[]>
local by_tag = {
  AlterTableStmt = alter_table,
  DropStmt = drop,
  CreateStmt = create_table,
  IndexStmt = function(node)
    return { lock(node.relation, node.concurrent and 'SHARE UPDATE EXCLUSIVE' or 'SHARE',
      'CREATE INDEX' .. (node.concurrent and ' CONCURRENTLY' or ''), { scans = true }) }
  end,
  ReindexStmt = function(node)
    if not node.relation then return {} end
    return { lock(node.relation, concurrently(node) and 'SHARE UPDATE EXCLUSIVE' or 'SHARE', 'REINDEX'
      .. (concurrently(node) and ' CONCURRENTLY' or ''), { scans = true,
        of_index = node.kind == 'REINDEX_OBJECT_INDEX' }) }
  end,
  RenameStmt = function(node)
    if not node.relation then return {} end
    if node.renameType == 'OBJECT_INDEX' then
      return { lock(node.relation, 'SHARE UPDATE EXCLUSIVE', 'RENAME', { of_index = true }) }
    end
    return { lock(node.relation, 'ACCESS EXCLUSIVE', 'RENAME') }
  end,
  AlterObjectSchemaStmt = function(node)
    return node.relation and { lock(node.relation, 'ACCESS EXCLUSIVE', 'SET SCHEMA') } or {}
  end,
  CreateTrigStmt = function(node) return { lock(node.relation, 'SHARE ROW EXCLUSIVE', 'CREATE TRIGGER') } end,
  RuleStmt = function(node) return { lock(node.relation, 'ACCESS EXCLUSIVE', 'CREATE RULE') } end,
  CreatePolicyStmt = function(node) return { lock(node.table, 'ACCESS EXCLUSIVE', 'CREATE POLICY') } end,
  AlterPolicyStmt = function(node) return { lock(node.table, 'ACCESS EXCLUSIVE', 'ALTER POLICY') } end,
  RefreshMatViewStmt = function(node)
    return { lock(node.relation, node.concurrent and 'EXCLUSIVE' or 'ACCESS EXCLUSIVE', 'REFRESH MATERIALIZED VIEW',
      { rewrites = not node.concurrent or nil }) }
  end,
  VacuumStmt = vacuum,
  ClusterStmt = function(node)
    return node.relation and { lock(node.relation, 'ACCESS EXCLUSIVE', 'CLUSTER', { rewrites = true }) } or {}
  end,
  TruncateStmt = function(node) return each(node.relations, 'ACCESS EXCLUSIVE', 'TRUNCATE') end,
  LockStmt = function(node)
    return each(node.relations, lock_words[tonumber(node.mode) or 8] or 'ACCESS EXCLUSIVE', 'LOCK TABLE')
  end,
  InsertStmt = changes 'INSERT', UpdateStmt = changes 'UPDATE', DeleteStmt = changes 'DELETE',
    MergeStmt = changes 'MERGE',
  CopyStmt = function(node)
    if not node.relation then return {} end
    return { lock(node.relation, node.is_from and 'ROW EXCLUSIVE' or 'ACCESS SHARE', 'COPY') }
  end,
  SelectStmt = function(node)
    local list = reads(node, {}, {})
    for _, one in ipairs(node.lockingClause and list or {}) do one.mode, one.what = 'ROW SHARE', 'SELECT FOR UPDATE' end
    return list
  end,
  CreateTableAsStmt = function(node) return reads(node.query, {}, {}) end,
  ViewStmt = function(node) return reads(node.query, {}, {}) end,
  CreateStatsStmt = function(node)
    return each(node.relations, 'SHARE UPDATE EXCLUSIVE', 'CREATE STATISTICS')
  end,
}

--- The locks of a statement; empty when none matter, or when the grammar does not know the statement.
---@param st lugger.statement
---@return lugger.lock[]
function locks.of(st)
  local of = st.tag and by_tag[st.tag]
  return of and of(st.node) or {}
end

local strength = {}
for i, mode in ipairs(locks.modes) do strength[mode] = i end

--- The strength of a mode, from 1 to 8.
---@param mode string
---@return integer
function locks.strength(mode)
  return strength[mode]
end

return locks
