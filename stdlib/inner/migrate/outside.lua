-- Statements that PostgreSQL refuses inside a transaction. They cannot commit with their record, so the record is
-- written before and after them. An answer of the server is trusted. Only when no answer came, the catalog is searched
-- for the outcome, with the help of the note taken before the attempt and of the statement's text.
local index_build = require 'lugger.inner.migrate.index_build'
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'
local statement = require 'lugger.inner.migrate.statement'

local outside = {}

---@class lugger.migrate.outside_kind
---@field before fun(connection: lugger.migrate.connection, st: lugger.statement): table what a later attempt must know
---@field done (fun(self: table, st: lugger.statement, note: table): boolean)|nil whether an unseen attempt did it
---@field begun (fun(self: table, note: table): boolean)|nil whether half of it is done and waits for the other
---@field clear (fun(self: table, st: lugger.statement))|nil takes away what would make the statement do nothing
---@field tidy (fun(self: table, st: lugger.statement, note: table))|nil takes away what a broken attempt of ours left

local function spelled(relation)
  return (relation.schemaname and native.sql.name(relation.schemaname) .. '.' or '')
    .. native.sql.name(relation.relname)
end

local function value(connection, sql, params)
  local row = connection:query(sql, params).rows[1]
  if row and row[1] ~= native.null then return row[1] end
end

local index = {}

---@private
function index.before(connection, st)
  local table_oid, there = index_build.of(connection, spelled(st.node.relation))
  return { table = table_oid, name = st.node.idxname, there = there }
end

---@private
function index.clear(self, st) index_build.clear_the_way(self.run, st) end

---@private
function index.done(self, st, note)
  if not note.table then return false end
  for _, one in ipairs(index_build.made(self.run.main, st.text, note)) do
    if one.valid then return true end
  end
  return false
end

---@private
function index.tidy(self, st, note)
  if not note.table then return end
  local broken = {}
  for _, one in ipairs(index_build.made(self.run.main, st.text, note)) do
    if not one.valid then broken[#broken + 1] = one end
  end
  -- Among several broken indexes without a name of ours, nobody can tell which is ours.
  if #broken > 1 and not note.name then return end
  for _, one in ipairs(broken) do index_build.drop_broken(self.run, note.table, one) end
end

local reindex = {}

---@private
function reindex.before(connection, st)
  local node, note = st.node, { there = {} }
  if node.relation then
    local name = spelled(node.relation)
    note.table = value(connection, [[SELECT coalesce((SELECT indrelid FROM pg_index
      WHERE indexrelid = pg_catalog.to_regclass($1)), pg_catalog.to_regclass($1)::oid)]], { name })
  end
  for i, one in ipairs(index_build.left_by_reindex(connection, note)) do note.there[i] = one.oid end
  return note
end

-- A failed REINDEX CONCURRENTLY leaves an INVALID index with a name that ends in _ccnew or _ccold.
---@private
function reindex.tidy(self, _, note)
  for _, one in ipairs(index_build.left_by_reindex(self.run.main, note)) do
    index_build.drop_broken(self.run, one.table, one)
  end
end

local drop_index = {}

---@private
function drop_index.before(connection, st)
  local oids = {}
  for _, object in ipairs(st.node.objects) do
    local parts = {}
    for k, item in ipairs(object.List.items) do parts[k] = native.sql.name(item.String.sval) end
    oids[#oids + 1] = value(connection, 'SELECT pg_catalog.to_regclass($1)::oid', { table.concat(parts, '.') })
  end
  return { oids = oids }
end

-- Done when an index that existed is gone. If it never existed, the server must decide.
---@private
function drop_index.done(self, _, note)
  for _, oid in ipairs(note.oids) do
    if value(self.run.main, 'SELECT oid FROM pg_class WHERE oid = $1::oid', { oid }) then return false end
  end
  return #note.oids > 0
end

local detach = {}
local pending = 'SELECT inhdetachpending FROM pg_inherits WHERE inhparent = $1::oid AND inhrelid = $2::oid'

---@private
function detach.before(connection, st)
  local partition = st.node.cmds[1].AlterTableCmd.def.PartitionCmd
  local note = { table = value(connection, 'SELECT pg_catalog.to_regclass($1)::oid', { spelled(st.node.relation) }),
    partition = value(connection, 'SELECT pg_catalog.to_regclass($1)::oid', { spelled(partition.name) }) }
  note.state = note.table and note.partition and value(connection, pending, { note.table, note.partition })
  return note
end

-- True when an attempt of ours, even a failed one, left the detach pending.
---@private
function detach.begun(self, note)
  return note.state == 'f' and value(self.run.main, pending, { note.table, note.partition }) == 't'
end

---@private
function detach.done(self, _, note)
  local main = self.run.main
  if note.state ~= 'f' then return false end
  if detach.begun(self, note) then
    local names = main:query('SELECT $1::oid::regclass::text, $2::oid::regclass::text', { note.table, note.partition })
    main:query_patiently(('ALTER TABLE %s DETACH PARTITION %s FINALIZE'):format(names.rows[1][1], names.rows[1][2]))
  end
  return value(main, pending, { note.table, note.partition }) == nil
end

-- An object of the whole server, or a subscription: whether it exists, and who owns it.
local function object(catalog, name_column, owner_column, is_made, name_of)
  local kind = {}
  local find = ('SELECT oid FROM %s WHERE %s = $1'):format(catalog, name_column)
  local made = ('%s AND pg_catalog.pg_get_userbyid(%s) = coalesce($2, current_user)'):format(find, owner_column)

  function kind.before(connection, st)
    return { name = name_of(st.node), oid = value(connection, find, { name_of(st.node) }) }
  end

  function kind.done(self, st, note)
    local now = value(self.run.main, find, { note.name })
    if not is_made then return note.oid ~= nil and now ~= note.oid end
    if note.oid or not now then return false end
    local owner = statement.option(st.node.options, 'owner')
    local name = owner and owner.arg and owner.arg.String and owner.arg.String.sval or native.null
    return value(self.run.main, made, { note.name, name }) ~= nil
  end

  return kind
end

local function named(key)
  return function(node) return node[key] end
end

local kinds = {
  IndexStmt = index, DropStmt = drop_index, AlterTableStmt = detach, ReindexStmt = reindex,
  CreatedbStmt = object('pg_database', 'datname', 'datdba', true, named 'dbname'),
  DropdbStmt = object('pg_database', 'datname', 'datdba', false, named 'dbname'),
  CreateTableSpaceStmt = object('pg_tablespace', 'spcname', 'spcowner', true, named 'tablespacename'),
  DropTableSpaceStmt = object('pg_tablespace', 'spcname', 'spcowner', false, named 'tablespacename'),
  CreateSubscriptionStmt = object('pg_subscription', 'subname', 'subowner', true, named 'subname'),
  DropSubscriptionStmt = object('pg_subscription', 'subname', 'subowner', false, named 'subname'),
}

local function kind_of(st)
  if st.transactional and st.tag ~= 'ReindexStmt' then return {} end
  return kinds[st.tag] or {}
end

-- The server may continue after its client is gone. So this looks for the session of the attempt, then for any session
-- that builds an index.
local still_runs = [[SELECT a.pid FROM pg_stat_activity a, unnest($1::int[], $2::text[]) AS b (pid, since)
  WHERE a.pid = b.pid AND a.backend_start = b.since::timestamptz AND a.state = 'active'
    AND a.pid <> pg_catalog.pg_backend_pid()
    AND pg_catalog.starts_with($3, a.query)]]
local still_builds = [[SELECT p.pid FROM pg_stat_progress_create_index p JOIN pg_index i ON i.indexrelid = p.index_relid
  JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::oid AND ($2::text IS NULL OR c.relname = $2)
    AND p.pid <> pg_catalog.pg_backend_pid()]]

local function array(list)
  local quoted = {}
  for i, item in ipairs(list) do quoted[i] = '"' .. item .. '"' end
  return '{' .. table.concat(quoted, ',') .. '}'
end

local function wait_for_earlier(self, st, note)
  local main, told = self.run.main, false
  while true do
    local pid = value(main, still_runs, { array(note.pids or {}), array(note.since or {}), st.text })
      or note.table and st.tag == 'IndexStmt' and value(main, still_builds, { note.table, note.name or native.null })
    if not pid then return end
    if not told then self.run.say('  the server still runs an earlier attempt (process ', pid, '); waiting for it') end
    told = true
    retry.check_stop()
    native.system.sleep(200)
  end
end

-- Records the session that runs the attempt, if a session is a single process of the server.
local function note_session(self, note)
  local main = self.run.main
  main:session()
  if main.pooled then return end
  local own = 'SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()'
  local row = main:query(own).rows[1]
  note.pids, note.since = note.pids or {}, note.since or {}
  if note.pids[#note.pids] == row[1] then return end
  note.pids[#note.pids + 1], note.since[#note.since + 1] = row[1], row[2]
end

local function settle(self, kind, st, note)
  wait_for_earlier(self, st, note)
  if kind.done and kind.done(self, st, note) then return true end
  if kind.tidy then kind.tidy(self, st, note) end
  return false
end

--- Settles what an attempt with an earlier text left, because nobody will run that text again.
---@param self table the executor
---@param earlier lugger.migrate.step
function outside.settle_former(self, earlier)
  local st = statement.read(earlier.statement)
  local kind, note = kind_of(st), earlier.note and native.json_tables(earlier.note)
  if not note then return end
  if earlier.state == 'running' then
    if settle(self, kind, st, note) then
      self:say('an earlier attempt had done this before the file was changed, and it stays: ', statement.brief(st.text))
    end
  elseif kind.tidy then
    kind.tidy(self, st, note)
  end
end

--- Runs a statement whose step is recorded as running.
---@param self table the executor
---@param st lugger.statement
---@param params any[]|nil
---@param earlier lugger.migrate.step|nil an attempt with the same text: "failed" when the server refused it, "running"
--- when its answer was never seen
---@param write fun(note: table) records the step as running
---@return "done"|"failed"|"unseen" state
---@return any result or the error
function outside.run(self, st, params, earlier, write)
  local kind, main, answered = kind_of(st), self.run.main, false
  local note = earlier and earlier.note and native.json_tables(earlier.note)
  local begun = note ~= nil and kind.begun ~= nil and kind.begun(self, note)
  local unseen = note ~= nil and earlier ~= nil and (earlier.state == 'running' or begun)
  if begun then write(note) end
  if note and not unseen and kind.tidy then kind.tidy(self, st, note) end
  if not unseen then note = kind.before and kind.before(main, st) or {} end
  -- A statement that commits in between is not repeated automatically.
  local spec = { tries = st.may_commit and 1 or self.run.options.tries, tell = self.run.say,
    recover = function(err)
      if retry.is_lost(err) then
        unseen = true
      elseif kind.tidy and retry.sqlstate(err) ~= '42P07' then -- then the name belongs to somebody else
        local ok, why = pcall(kind.tidy, self, st, note)
        if not ok then
          self.run.say('  what the attempt left is still there (', tostring(why), '); the next run drops it')
        end
      end
    end,
    about = function() return self.run:blockers(self:last_tables()) end }
  local function had_done()
    self.run.say('  an earlier attempt had done it: ', statement.brief(st.text))
  end
  local ok, given = pcall(retry.run, spec, function()
    if unseen and settle(self, kind, st, note) then return had_done() end
    if kind.clear then kind.clear(self, st) end
    note_session(self, note)
    write(note)
    answered = false
    local sent, result = pcall(self.send, self, main, st, params, not st.may_commit)
    if sent then return result end
    answered = not retry.is_lost(result)
    -- The attempt without an answer may have ended only now.
    if unseen and not retry.is_lost(result) and settle(self, kind, st, note) then return had_done() end
    error(result, 0)
  end)
  return ok and 'done' or answered and 'failed' or 'unseen', given
end

return outside
