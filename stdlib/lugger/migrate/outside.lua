-- Statements that PostgreSQL refuses inside a transaction. They cannot commit with their record, so it is written
-- before
-- and behind them; after a cut between the two, the catalog tells whether they were done.
local native = require 'lugger.native'
local retry = require 'lugger.migrate.retry'
local statement = require 'lugger.migrate.statement'

local outside = {}

local function spelled(relation)
  return (relation.schemaname and native.sql.name(relation.schemaname) .. '.' or '')
    .. native.sql.name(relation.relname)
end

local function indexes_of(connection, table)
  local names = {}
  local found = connection:query('SELECT i.indexrelid::regclass::text, i.indisvalid FROM pg_index i'
    .. ' WHERE i.indrelid = to_regclass($1)', { table })
  for _, row in ipairs(found.rows) do names[row[1]] = row[2] == 't' end
  return names
end

-- The indexes that were not there before the first attempt.
local function new_indexes(connection, note)
  local old, list = {}, {}
  for _, name in ipairs(note.indexes) do old[name] = true end
  for name, valid in pairs(indexes_of(connection, note.table)) do
    if not old[name] then list[#list + 1] = { name = name, valid = valid } end
  end
  return list
end

-- The server goes on building for a while after whoever asked for it is gone.
local function wait_for_builder(self, table)
  local told = false
  while true do
    local found = self.run.main:query('SELECT pid FROM pg_stat_progress_create_index'
      .. ' WHERE relid = to_regclass($1) AND pid <> pg_backend_pid()', { table })
    if #found.rows == 0 then return end
    if not told then self.run.say('  the server still builds an index on ', table, ' (process ', found.rows[1][1],
      '); waiting for it') end
    told = true
    retry.check_stop()
    native.system.sleep(200)
  end
end

local function drop_invalid(self, found)
  for _, index in ipairs(found) do
    if not index.valid then
      self.run.say('  dropping what an earlier attempt left: the invalid index ', index.name)
      self.run.main:query_patiently('DROP INDEX CONCURRENTLY IF EXISTS ' .. index.name)
    end
  end
end

local index = {}

---@private
function index.before(connection, node)
  local table = spelled(node.relation)
  local list = {}
  for name in pairs(indexes_of(connection, table)) do list[#list + 1] = name end
  return { table = table, indexes = list }
end

-- True when an earlier attempt made the index.
---@private
function index.done(self, note)
  wait_for_builder(self, note.table)
  local found = new_indexes(self.run.main, note)
  drop_invalid(self, found)
  for _, one in ipairs(found) do
    if one.valid then return true end
  end
  return false
end

---@private
function index.failed(self, note)
  drop_invalid(self, new_indexes(self.run.main, note))
end

local drop_index = {}

local function index_names(node)
  local names = {}
  for i, object in ipairs(node.objects) do
    local parts = {}
    for k, item in ipairs(object.List.items) do parts[k] = native.sql.name(item.String.sval) end
    names[i] = table.concat(parts, '.')
  end
  return names
end

---@private
function drop_index.before(_, node)
  return { names = index_names(node) }
end

---@private
function drop_index.done(self, note)
  for _, name in ipairs(note.names) do
    local row = self.run.main:query('SELECT to_regclass($1) IS NULL', { name }).rows[1]
    if row[1] ~= 't' then return false end
  end
  return true
end

local detach = {}

---@private
function detach.before(_, node)
  local partition = node.cmds[1].AlterTableCmd.def.PartitionCmd
  return { table = spelled(node.relation), partition = spelled(partition.name) }
end

---@private
function detach.done(self, note)
  local found = self.run.main:query('SELECT inhdetachpending FROM pg_inherits WHERE inhparent = to_regclass($1)'
    .. ' AND inhrelid = to_regclass($2)', { note.table, note.partition })
  if #found.rows == 0 then return true end
  if found.rows[1][1] == 't' then
    self.run.main:query_patiently(('ALTER TABLE %s DETACH PARTITION %s FINALIZE'):format(note.table, note.partition))
    return true
  end
  return false
end

local reindex = {}

---@private
function reindex.before(connection, node)
  if not node.relation or node.kind ~= 'REINDEX_OBJECT_TABLE' then return {} end
  return index.before(connection, node)
end

-- What a broken REINDEX CONCURRENTLY leaves is invalid and ends in _ccnew or _ccold.
---@private
function reindex.done(self, note)
  if not note.table then return false end
  wait_for_builder(self, note.table)
  drop_invalid(self, new_indexes(self.run.main, note))
  return false
end

local database = {}

---@private
function database.before(connection, node)
  local row = connection:query('SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)', { node.dbname }).rows[1]
  return { name = node.dbname, existed = row[1] == 't' }
end

---@private
function database.done(self, note)
  local row = self.run.main:query('SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)', { note.name }).rows[1]
  return (row[1] == 't') ~= note.existed
end

local kinds = { IndexStmt = index, DropStmt = drop_index, AlterTableStmt = detach, ReindexStmt = reindex,
  CreatedbStmt = database, DropdbStmt = database }

--- What must be known before the first attempt, so that a later one can tell how it ended.
---@param connection lugger.migrate.connection
---@param st lugger.statement
---@return table
function outside.before(connection, st)
  local kind = kinds[st.tag]
  return kind and kind.before(connection, st.node) or {}
end

--- Runs a statement whose step is recorded as running. An earlier attempt that ended unseen is found out first.
---@param self table the executor
---@param st lugger.statement
---@param note table what `before` gave at the first attempt
---@param again boolean there was an earlier attempt
---@return table|nil
function outside.run(self, st, note, again)
  local kind = kinds[st.tag]
  local spec = { tries = self.run.options.tries, tell = self.run.say,
    recover = function(err)
      again = true
      if kind and kind.failed and not retry.is_lost(err) then pcall(kind.failed, self, note) end
    end,
    about = function() return self.run:blockers(self:last_tables()) end }
  return retry.run(spec, function()
    if again and kind and kind.done(self, note) then
      self.run.say('  an earlier attempt had done it: ', statement.brief(st.text))
      return nil
    end
    return self:send(self.run.main, st, nil, true)
  end)
end

return outside
