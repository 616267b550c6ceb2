-- Finds the index that a CREATE INDEX made, by name and definition, and what a failed build left. The index of another
-- session is never mistaken for ours, and never dropped.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'
local sql = native.sql

local index_build = {}

-- The definition of an index without its name and table, as text: the same for two indexes with the same content.
local definition = [[pg_catalog.concat_ws(E'\1', i.indisunique,
    pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct', am.amname,
    i.indnkeyatts,
    (SELECT pg_catalog.string_agg(pg_catalog.pg_get_indexdef(i.indexrelid, k, false), E'\2' ORDER BY k)
      FROM pg_catalog.generate_series(1, i.indnatts) k),
    coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), ''), i.indclass::text, i.indcollation::text,
    i.indoption::text,
    coalesce(c.reloptions::text, ''), (SELECT pg_catalog.string_agg(a.attoptions::text, E'\2' ORDER BY a.attnum)
      FROM pg_attribute a WHERE a.attrelid = i.indexrelid))
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam]]

local of_table = ('SELECT i.indexrelid, c.relname, i.indisvalid, %s WHERE i.indrelid = $1::oid ORDER BY 1'):format(
  definition)

--- The OIDs of a table's indexes, and the table's own; nil when the table does not exist.
---@param connection lugger.migrate.connection
---@param name string as SQL spells it
---@return string|nil table
---@return string[] indexes
function index_build.of(connection, name)
  local oid = connection:query('SELECT pg_catalog.to_regclass($1)::oid', { name }).rows[1][1]
  if oid == native.null then return nil, {} end
  local list = {}
  for i, row in ipairs(connection:query('SELECT indexrelid FROM pg_index WHERE indrelid = $1::oid', { oid }).rows) do
    list[i] = row[1]
  end
  return oid, list
end

-- The text of CREATE INDEX for another table, without its name, CONCURRENTLY and IF NOT EXISTS.
local function retold(text, table)
  local tokens, at = sql.tokens(text), 1
  local function word()
    while tokens[at] and tokens[at].kind == 'comment' do at = at + 1 end
    return tokens[at] and tokens[at].text:lower()
  end
  local function take(wanted)
    local is = word() == wanted
    if is then at = at + 1 end
    return is
  end
  take 'create'
  local unique = take 'unique'
  take 'index'
  take 'concurrently'
  if take 'if' then at = at + 2 end
  if not take 'on' then
    at = at + 1
    if not take 'on' then return nil end
  end
  take 'only'
  word()
  at = at + 1
  while take '.' do
    word()
    at = at + 1
  end
  word()
  local rest = tokens[at] and text:sub(tokens[at].offset + 1)
  return rest and ('CREATE %sINDEX ON %s %s'):format(unique and 'UNIQUE ' or '', table, rest)
end

--- What a statement would create: tried on an empty table of the same shape, and rolled back.
---@param connection lugger.migrate.connection
---@param text string CREATE INDEX
---@param table_oid string
---@return string|nil definition nil when it cannot be told
function index_build.definition(connection, text, table_oid)
  local ok, found = pcall(function()
    connection:begin()
    local row = connection:query([[SELECT pg_catalog.format('%I.%I', relnamespace::regnamespace::text, relname),
      relnamespace::regnamespace::text FROM pg_class WHERE oid = $1::oid]], { table_oid }).rows[1]
    if not row then return nil end
    local like = ('%s.lugger_like_%s'):format(row[2], table_oid)
    local statement = retold(text, like)
    if not statement then return nil end
    connection:query(('CREATE TABLE %s (LIKE %s)'):format(like, row[1]))
    connection:query(statement)
    local asked = ('SELECT %s WHERE i.indrelid = pg_catalog.to_regclass($1)'):format(definition)
    return connection:query(asked, { like }).rows[1][1]
  end)
  connection:rollback()
  if not ok and retry.is_lost(found) then error(found, 0) end
  return ok and found or nil
end

---@class lugger.migrate.made_index
---@field oid string
---@field name string
---@field valid boolean

--- The indexes that were added to a table since a note was taken and that match a statement, by name and definition.
---@param connection lugger.migrate.connection
---@param text string CREATE INDEX
---@param note { table: string, name: string|nil, there: string[] }
---@return lugger.migrate.made_index[]
function index_build.made(connection, text, note)
  local there, found, wanted = {}, {}, nil
  for _, oid in ipairs(note.there) do there[oid] = true end
  for _, row in ipairs(connection:query(of_table, { note.table }).rows) do
    local one = { oid = row[1], name = row[2], valid = row[3] == 't' }
    if not there[one.oid] then
      if one.name == index_build.broken_name(one.oid) then
        found[#found + 1] = one -- ours, being dropped
      elseif not note.name or note.name == one.name then
        wanted = wanted or index_build.definition(connection, text, note.table)
        if row[4] == wanted then found[#found + 1] = one end
      end
    end
  end
  return found
end

local named = ([[SELECT i.indexrelid, i.indrelid, c.relname, c.oid::regclass::text, %s
  WHERE c.relname = $2 AND c.relkind = 'i' AND NOT i.indisvalid
    AND c.relnamespace =
      (SELECT relnamespace FROM pg_class WHERE oid = pg_catalog.to_regclass($1))]]):format(definition)

--- The index because of which CREATE INDEX IF NOT EXISTS would do nothing, although that index is INVALID and serves no
--- query; nil: none.
---@param connection lugger.migrate.connection
---@param st lugger.statement
---@return { oid: string, table: string, name: string, spelled: string, definition: string }|nil
function index_build.in_the_way(connection, st)
  local node = st.node
  if not node.if_not_exists or not node.idxname then return nil end
  local relation = node.relation
  local name = (relation.schemaname and sql.name(relation.schemaname) .. '.' or '') .. sql.name(relation.relname)
  local row = connection:query(named, { name, node.idxname }).rows[1]
  return row and { oid = row[1], table = row[2], name = row[3], spelled = row[4], definition = row[5] } or nil
end

--- Raises when IF NOT EXISTS did nothing because of an INVALID index.
---@param connection lugger.migrate.connection
---@param st lugger.statement
function index_build.refuse_invalid(connection, st)
  local one = index_build.in_the_way(connection, st)
  if not one then return end
  config.raise(('the index %s is there, but INVALID: a build of it failed, and no query uses it'):format(one.spelled),
    ('drop it first (DROP INDEX %s), or write CREATE INDEX CONCURRENTLY IF NOT EXISTS, which rebuilds it'):format(
      one.spelled))
end

--- Drops an INVALID index that matches the statement, so that IF NOT EXISTS builds it. Another index of that name is an
--- error.
---@param run lugger.migrate.run
---@param st lugger.statement
function index_build.clear_the_way(run, st)
  local one = index_build.in_the_way(run.main, st)
  if not one then return end
  local wanted = index_build.definition(run.main, st.text, one.table)
  if one.definition ~= wanted then
    config.raise(('the index %s is there, but INVALID, and %s'):format(one.spelled,
      wanted and 'not what the statement says' or 'whether it is what the statement says cannot be told'),
      ('it is left of another build; drop it first: DROP INDEX CONCURRENTLY %s'):format(one.spelled))
  end
  index_build.drop_broken(run, one.table, one)
end

--- The name that a broken index gets before it is dropped, so that no other index can be meant.
---@param oid string
---@return string
function index_build.broken_name(oid)
  return 'lugger_broken_' .. oid
end

-- A session that builds an index holds this lock on its table. So once we have it, nobody is still building an index
-- that is INVALID.
local function lock_table(main, oid)
  local row = main:query("SELECT oid::regclass::text, relkind FROM pg_class WHERE oid = $1::oid", { oid }).rows[1]
  if row and row[2] ~= 'm' then main:query(('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE'):format(row[1])) end
end

--- Drops what a build left if it is still INVALID: renames it under the lock that every builder holds, then drops it
--- while others read and write.
---@param run lugger.migrate.run
---@param table_oid string
---@param one { oid: string, name: string }
---@return boolean dropped
function index_build.drop_broken(run, table_oid, one)
  local main, broken = run.main, index_build.broken_name(one.oid)
  main:begin()
  main:query "SET LOCAL lock_timeout = 0" -- nobody who reads or writes has to wait behind us
  lock_table(main, table_oid)
  local row = main:query([[SELECT relnamespace::regnamespace::text, pg_catalog.quote_ident(relname) FROM pg_class c
    JOIN pg_index i ON i.indexrelid = c.oid WHERE c.oid = $1::oid AND NOT i.indisvalid]], { one.oid }).rows[1]
  if not row then
    main:rollback()
    return false
  end
  run.say('  dropping what an earlier build left: the invalid index ', one.name)
  if row[2] ~= broken then main:query(('ALTER INDEX %s.%s RENAME TO %s'):format(row[1], row[2], broken)) end
  main:commit()
  main:query_patiently(('DROP INDEX CONCURRENTLY IF EXISTS %s.%s'):format(row[1], broken))
  return true
end

local rebuilt = [[SELECT i.indexrelid, i.indrelid, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AND NOT i.indexrelid = ANY ($1::oid[])
    AND ($2 = '' OR i.indrelid IN (SELECT nullif($2, '')::oid
      UNION SELECT relid FROM pg_catalog.pg_partition_tree(nullif($2, '')::oid)))]]

--- Indexes that a failed REINDEX CONCURRENTLY left since a note was taken.
---@param connection lugger.migrate.connection
---@param note { table: string|nil, there: string[] }
---@return { oid: string, table: string, name: string }[]
function index_build.left_by_reindex(connection, note)
  local list = {}
  local there = '{' .. table.concat(note.there, ',') .. '}'
  for i, row in ipairs(connection:query(rebuilt, { there, note.table or '' }).rows) do
    list[i] = { oid = row[1], table = row[2], name = row[3], valid = false }
  end
  return list
end

return index_build
