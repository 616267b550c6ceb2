-- What a change of a column's type rests on, as the catalog has it: taken when the change begins and again behind the
-- swap, and compared before every step and under the lock of the exchange.
local config = require 'lugger.inner.cli.config'
local found = require 'lugger.inner.column.found'
local views = require 'lugger.inner.column.views'
local concat = table.concat

local unchanged = {}

local table_sql = [[WITH t AS (SELECT * FROM pg_class WHERE oid = pg_catalog.to_regclass($1))
  SELECT 'the number of the table', oid::text FROM t
  UNION ALL SELECT 'the owner', pg_catalog.pg_get_userbyid(relowner)::text FROM t
  UNION ALL SELECT 'row security', CASE WHEN NOT relrowsecurity THEN 'off' ELSE 'on' END
    || CASE WHEN relforcerowsecurity THEN ' and forced' ELSE '' END FROM t
  UNION ALL SELECT 'the tree of tables that inherit', CASE WHEN relispartition OR EXISTS (SELECT FROM pg_inherits i
    WHERE i.inhparent = t.oid OR i.inhrelid = t.oid) THEN 'there' ELSE 'not there' END FROM t
  UNION ALL SELECT 'the replica identity', CASE relreplident WHEN 'd' THEN 'the primary key' WHEN 'f' THEN 'the row'
    WHEN 'n' THEN 'nothing' ELSE pg_catalog.concat('index ', (SELECT i.indexrelid::regclass FROM pg_index i
      WHERE i.indrelid = t.oid AND i.indisreplident)) END FROM t
  UNION ALL SELECT pg_catalog.concat('trigger ', g.tgname), pg_catalog.concat(pg_catalog.pg_get_triggerdef(g.oid),
      CASE g.tgenabled WHEN 'D' THEN ', disabled' WHEN 'A' THEN ', always' WHEN 'R' THEN ', as replica' END)
    FROM t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgname !~ '^~.*__(new|old)_sync$']]

-- The columns that a conversion reads: its own, the key, and with expressions any other. A second column that a change
-- has made is its own business.
local columns_sql = [[SELECT pg_catalog.concat('the column ', a.attname),
    pg_catalog.concat(pg_catalog.format_type(a.atttypid, a.atttypmod), CASE WHEN a.attgenerated <> '' THEN ', generated'
      END, ' (number ', a.attnum, ')')
  FROM pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attname = ANY ($2::name[])]]

local column_sql = [[WITH c AS (SELECT * FROM pg_attribute WHERE attrelid = pg_catalog.to_regclass($1)
    AND attname = $2 AND NOT attisdropped)
  SELECT 'NOT NULL', CASE WHEN attnotnull THEN 'there' ELSE 'not there' END FROM c
  UNION ALL SELECT 'identity', CASE attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' ELSE 'none' END FROM c
  UNION ALL SELECT 'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid)
    FROM c JOIN pg_attrdef d ON d.adrelid = c.attrelid AND d.adnum = c.attnum
  UNION ALL SELECT 'storage', attstorage::text FROM c
  UNION ALL SELECT 'the target of statistics', pg_catalog.concat(coalesce(attstattarget, -1)) FROM c
  UNION ALL SELECT 'options', pg_catalog.array_to_string(attoptions, ', ') FROM c WHERE attoptions IS NOT NULL
  UNION ALL SELECT 'collation', attcollation::regcollation::text FROM c WHERE attcollation <> 0
  UNION ALL SELECT 'comment', pg_catalog.col_description(attrelid, attnum) FROM c
    WHERE pg_catalog.col_description(attrelid, attnum) IS NOT NULL
  UNION ALL SELECT pg_catalog.concat('grant of ', x.privilege_type, ' to ', CASE x.grantee WHEN 0 THEN 'PUBLIC'
      ELSE pg_catalog.pg_get_userbyid(x.grantee) END), CASE WHEN x.is_grantable THEN 'with grant option'
      ELSE 'without grant option' END FROM c, pg_catalog.aclexplode(c.attacl) AS x
  UNION ALL SELECT pg_catalog.concat('index ', x.relname), pg_catalog.concat(pg_catalog.pg_get_indexdef(i.indexrelid),
      CASE WHEN NOT i.indisvalid THEN ', invalid' END, CASE WHEN i.indisclustered THEN ', clustered' END,
      ', comment ' || pg_catalog.obj_description(x.oid, 'pg_class'))
    FROM c JOIN pg_index i ON i.indrelid = c.attrelid JOIN pg_class x ON x.oid = i.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
    WHERE EXISTS (SELECT FROM pg_depend d WHERE d.refobjid = i.indrelid AND d.refobjsubid = c.attnum
      AND (d.objid = i.indexrelid OR d.objid = k.oid))
  UNION ALL SELECT pg_catalog.concat('constraint ', k.conname),
      pg_catalog.concat(pg_catalog.pg_get_constraintdef(k.oid),
      ', comment ' || pg_catalog.obj_description(k.oid, 'pg_constraint'))
    FROM c JOIN pg_constraint k ON k.contype <> 'n' AND (k.conrelid = c.attrelid AND c.attnum = ANY (k.conkey)
      OR k.confrelid = c.attrelid AND c.attnum = ANY (k.confkey))]]

local generated_sql = [[SELECT attname FROM pg_attribute WHERE attrelid = pg_catalog.to_regclass($1)
  AND attname = ANY ($2::name[]) AND attgenerated <> '' AND NOT attisdropped]]

local names_sql = [[SELECT attname FROM pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attnum > 0
  AND NOT attisdropped AND attname !~ '__(new|old)$']]

local function array_of(names)
  local out = {}
  for i, name in ipairs(names) do out[i] = '"' .. name:gsub('[\\"]', '\\%0') .. '"' end
  return '{' .. concat(out, ',') .. '}'
end

local function names_of(connection, one)
  local names = { one.column }
  for _, name in ipairs(one.key) do names[#names + 1] = name end
  if not one.using and not one.back then return names end
  for _, row in ipairs(connection:query(names_sql, { one.quoted }).rows) do names[#names + 1] = row[1] end
  return names
end

local function put(facts, connection, text, params)
  for _, row in ipairs(connection:query(text, params).rows) do facts[row[1]] = row[2] end
end

-- Without a search_path, so that a definition is the same text for everybody who asks.
local function facts_of(connection, one)
  return views.without_path(connection, function()
    local facts = {} ---@type table<string, string|nil>
    put(facts, connection, table_sql, { one.quoted })
    put(facts, connection, columns_sql, { one.quoted, array_of(names_of(connection, one)) })
    put(facts, connection, column_sql, { one.quoted, one.column })
    for _, view in ipairs(views.over(connection, one.found.oid, one.column)) do
      facts['view ' .. view.name] = concat(view.made, '; ')
    end
    return facts
  end)
end

--- Keeps with a new change what it rests on; raises for a key that its trigger would not see.
---@param connection lugger.migrate.connection
---@param one lugger.column_job
function unchanged.begin(connection, one)
  local row = connection:query(generated_sql, { one.quoted, array_of(one.key) }).rows[1] ---@type table|nil
  if row then
    config.raise(('%s of the key of %s is a generated column: a trigger does not see its value, so a refused value '
      .. 'could not be noted'):format(row[1], one.table), '--key names columns that are written, and are unique')
  end
  one.found.begun = facts_of(connection, one)
end

--- Keeps with the change how all is behind the swap, in the transaction of the swap.
---@param db lugger.migration_db
---@param one lugger.column_job
function unchanged.swapped(db, one)
  local ex = db.executor
  if ex.only_records or not ex.known then return end
  one.found.swapped = facts_of(db.connection, one)
  ex.run.ledger:query(([[UPDATE %s.column_changes SET spec = $3
    WHERE "table" = $1 AND "column" = $2 AND finished_at IS NULL]]):format(ex.run.ledger.schema),
    { one.quoted, one.column, one:kept() })
end

local function lines_of(before, after, locked)
  local lines = {}
  local function add(text, ...) lines[#lines + 1] = '\n  ' .. text:format(...) end
  for what, value in pairs(after) do
    local was = before[what]
    if not was then
      add('new: %s: %s', what, value)
    elseif was ~= value then
      add('%s was %s, and is %s now', what, was, value)
    end
  end
  for what, value in pairs(before) do
    -- Under the lock of the exchange the views are dropped already.
    if not after[what] and not (locked and what:match '^view ') then add('gone: %s: %s', what, value) end
  end
  table.sort(lines)
  return lines
end

local hidden_sql = 'SELECT pg_catalog.row_security_active(pg_catalog.to_regclass($1))'

--- Raises when something that the change rests on was made, changed or dropped since.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param to lugger.column_way the exchange that would lose it
---@param locked boolean|nil nobody else reads or writes the table
function unchanged.check(db, one, to, locked)
  local before = to.forth and one.found.begun or not to.forth and one.found.swapped
  if db.executor.only_records or not before then return end
  local lines = lines_of(before, facts_of(db.connection, one), locked)
  if #lines > 0 then
    config.raise(('of %s.%s this has changed since the %s:%s'):format(one.table, one.column, to.forth
      and 'change began' or 'swap', concat(lines)), to.forth
      and 'put it back as it was, or begin the change anew: --step back'
      or 'the way back would lose it: put it back as it was, drop what is new, and make that again afterwards')
  end
  if db:value(hidden_sql, one.quoted) then
    config.raise(('row security hides rows of %s from this role: they would be passed over'):format(one.table),
      'go on as the owner of the table, or as a role with BYPASSRLS')
  end
  found.refuse_others(db, one.table, one.column)
end

local notes_sql = 'SELECT pg_catalog.to_regclass($1) IS NOT NULL'

--- Raises when the table of notes is gone.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param to lugger.column_way
function unchanged.check_notes(db, one, to)
  if db:value(notes_sql, one.refused) then return end
  config.raise(('the table %s is gone: nobody knows what was refused'):format(one.refused),
    to.forth and '--step back takes the change away; begin it anew' or '--step drop ends the change')
end

local left_sql = [[SELECT pg_catalog.concat('index ', x.relname)
  FROM pg_attribute a JOIN pg_index i ON i.indrelid = a.attrelid JOIN pg_class x ON x.oid = i.indexrelid
  WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2 AND x.relname !~ '__old$'
    AND EXISTS (SELECT FROM pg_depend d WHERE d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
      AND d.objid = i.indexrelid)]]

--- Raises when somebody has made an index on the old column, which would go with it.
---@param db lugger.migration_db
---@param one lugger.column_job
function unchanged.check_left(db, one)
  local lines = {}
  for i, row in ipairs(db.connection:query(left_sql, { one.quoted, one.old }).rows) do lines[i] = '\n  ' .. row[1] end
  if #lines == 0 then return end
  config.raise(('with the old column %s of %s this would go, too:%s'):format(one.old, one.table, concat(lines)),
    'drop it first')
end

return unchanged
