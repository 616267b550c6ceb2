-- Objects that are created, dropped, renamed or moved: running code may know them by name.
local names = require 'lugger.inner.lint.names'
local statement = require 'lugger.inner.migrate.statement'

local objects = { by_tag = {} }
local by_tag = objects.by_tag

-- What a statement creates, as a name.
local makers = {
  CreateStmt = function(node) return node.relation end,
  CreateForeignTableStmt = function(node) return node.base and node.base.relation or node.relation end,
  CreateTableAsStmt = function(node) return node.into and node.into.rel end,
  ViewStmt = function(node) return node.view end,
  CreateSeqStmt = function(node) return node.sequence end,
  CompositeTypeStmt = function(node) return node.typevar end,
  CreateEnumStmt = function(node) return names.of_list(node.typeName) end,
  CreateRangeStmt = function(node) return names.of_list(node.typeName) end,
  CreateDomainStmt = function(node) return names.of_list(node.domainname) end,
  CreateFunctionStmt = function(node) return names.of_list(node.funcname) end,
}
for tag, made_by in pairs(makers) do
  by_tag[tag] = function(state, _, node)
    local name = made_by(node)
    if name then names.make(state, name) end
  end
end

---@private
function by_tag.SelectStmt(state, _, node)
  if node.intoClause and node.intoClause.rel then names.make(state, node.intoClause.rel) end
end

---@private
function by_tag.CreateSchemaStmt(state, _, node)
  if node.schemaname then state.made['schema ' .. node.schemaname] = true end
end

---@type table<string, boolean>
local rebuilt = { ViewStmt = true, CreateFunctionStmt = true, CreateTableAsStmt = true, CreateEnumStmt = true,
  CompositeTypeStmt = true, CreateDomainStmt = true }

--- Looks ahead for objects that are created again after their DROP, and for indexes that partitions are attached to.
---@param state lugger.lint.state
---@param statements lugger.statement[]
function objects.foresee(state, statements)
  state.again, state.attached = {}, {}
  for place, st in ipairs(statements) do
    if rebuilt[st.tag] then
      local node = assert(st.node)
      local name = makers[st.tag](node)
      local is_table = st.tag == 'CreateTableAsStmt' and node.objtype ~= 'OBJECT_MATVIEW'
      if name and not is_table then state.again[name.relname] = place end
    elseif st.tag == 'AlterTableStmt' then
      local node = assert(st.node)
      if node.objtype == 'OBJECT_INDEX' then state.attached[node.relation.relname] = true end
    end
  end
end

---@private
function by_tag.IndexStmt(state, emit, node)
  local columns = {}
  for i, item in ipairs(node.indexParams or {}) do columns[i] = item.IndexElem.name or '(an expression)' end
  local made = names.is_made(state, node.relation)
  if node.idxname then
    local name = { relname = node.idxname, schemaname = node.relation.schemaname }
    state.indexes[names.key(state, name)] = columns
    if made then names.make(state, name) end
  end
  -- ON ONLY is for partitioned tables, which have no rows of their own to read.
  if not made and not node.concurrent and node.relation.inh then
    emit('blocking-index', node.idxname or statement.relation(node.relation))
  end
end

---@private
function by_tag.ReindexStmt(state, emit, node)
  local made = node.relation and names.is_made(state, node.relation)
  if not made and not statement.option(node.params, 'concurrently') then
    emit('blocking-reindex', node.relation and statement.relation(node.relation) or node.name)
  end
end

---@private
function by_tag.RefreshMatViewStmt(state, emit, node)
  if not node.concurrent and not names.is_made(state, node.relation) then
    emit('blocking-refresh', statement.relation(node.relation))
  end
end

-- Kinds of objects that code refers to by name, in words; a table needs no word.
local in_use = { OBJECT_TABLE = '', OBJECT_FOREIGN_TABLE = 'foreign table ', OBJECT_VIEW = 'view ',
  OBJECT_MATVIEW = 'materialized view ', OBJECT_SEQUENCE = 'sequence ', OBJECT_FUNCTION = 'function ',
  OBJECT_PROCEDURE = 'procedure ', OBJECT_ROUTINE = 'routine ', OBJECT_AGGREGATE = 'aggregate ', OBJECT_TYPE = 'type ',
  OBJECT_DOMAIN = 'domain ', OBJECT_SCHEMA = 'schema ', OBJECT_EXTENSION = 'extension ', OBJECT_COLUMN = '',
  OBJECT_ATTRIBUTE = 'attribute ', OBJECT_OPERATOR = 'operator ', OBJECT_COLLATION = 'collation ' }

local function list_of(object)
  local with_arguments, type_name = object.ObjectWithArgs, object.TypeName
  if object.List then return object.List.items end
  return with_arguments and with_arguments.objname or type_name and type_name.names or object.String and { object }
end

local function is_made(state, kind, list)
  if kind == 'OBJECT_SCHEMA' then return state.made['schema ' .. list[#list].String.sval] end
  return names.is_made(state, names.of_list(list))
end

-- True for an object that is dropped and created again in one transaction: nobody sees it missing. The rows of a table
-- are lost even so.
local function comes_back(state, kind, list, place)
  local made = kind ~= 'OBJECT_TABLE' and state.again[list[#list].String.sval]
  return made and place and made > place
end

---@private
function by_tag.DropStmt(state, emit, node, on)
  for _, object in ipairs(node.objects or {}) do
    local list = list_of(object)
    if list then
      local name, kind = statement.dotted(list), in_use[node.removeType]
      local made = is_made(state, node.removeType, list)
      if node.removeType == 'OBJECT_INDEX' and not node.concurrent and not made then
        emit('blocking-index-drop', name)
      end
      if kind and not made and not (on.in_transaction and comes_back(state, node.removeType, list, on.place)) then
        emit('drop-in-use', kind .. name)
      end
      if node.behavior == 'DROP_CASCADE' and not made then emit('drop-cascade', kind and kind .. name or name) end
    end
  end
end

---@private
function by_tag.DropdbStmt(_, emit, node)
  emit('drop-in-use', 'database ' .. node.dbname)
end

---@private
function by_tag.DropOwnedStmt(_, emit, node)
  emit('drop-in-use', 'all that a role owns')
  if node.behavior == 'DROP_CASCADE' then emit('drop-cascade') end
end

local function named_object(node)
  if node.relation then return node.relation, statement.relation(node.relation) end
  local list = node.object and list_of(node.object)
  if list then return names.of_list(list), statement.dotted(list) end
end

---@private
function by_tag.RenameStmt(state, emit, node)
  local kind = in_use[node.renameType]
  if not kind then return end
  if node.renameType == 'OBJECT_SCHEMA' then
    if not state.made['schema ' .. node.subname] then emit('rename-in-use', 'schema ' .. node.subname) end
    return
  end
  local relation, name = named_object(node)
  if not relation then return end
  if names.is_made(state, relation) then
    if node.renameType ~= 'OBJECT_COLUMN' and node.renameType ~= 'OBJECT_ATTRIBUTE' then
      names.make(state, { relname = node.newname, schemaname = relation.schemaname })
    end
    return
  end
  emit('rename-in-use', kind .. (node.subname or name))
end

---@private
function by_tag.AlterObjectSchemaStmt(state, emit, node)
  local kind, relation, name = in_use[node.objectType], named_object(node)
  if not kind or not relation then return end
  if names.is_made(state, relation) then
    names.make(state, { relname = relation.relname, schemaname = node.newschema })
  else
    emit('rename-in-use', ('%s%s moves to the schema %s'):format(kind, name, node.newschema))
  end
end

---@private
function by_tag.AlterEnumStmt(state, emit, node)
  if node.oldVal and not names.is_made(state, names.of_list(node.typeName)) then
    emit('rename-in-use', ('the value %s of %s'):format(node.oldVal, statement.dotted(node.typeName)))
  end
end

---@private
function by_tag.ClusterStmt(state, emit, node)
  if node.relation and names.is_made(state, node.relation) then return end
  emit('table-rewrite', node.relation and statement.relation(node.relation) or 'all tables')
end

---@private
function by_tag.VacuumStmt(state, emit, node)
  if not statement.option(node.options, 'full') then return end
  if not node.rels then emit('table-rewrite', 'all tables') end
  for _, item in ipairs(node.rels or {}) do
    local relation = item.VacuumRelation.relation
    if not names.is_made(state, relation) then emit('table-rewrite', statement.relation(relation)) end
  end
end

return objects
