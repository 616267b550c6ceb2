-- The other way to change a type: ALTER TABLE ... TYPE, which needs no second column and lets nobody read meanwhile.
local exchange = require 'lugger.inner.column.exchange'
local native = require 'lugger.native'
local steps = require 'lugger.inner.column.steps'
local terminal = require 'lugger.inner.view.terminal'
local sql = native.sql

local downtime = {}

local sample_rows = 10000

-- The server makes most indexes again by itself, with the operator class of the new type. Not those that name one.
local function is_named(index)
  return index.class ~= nil and index.class.opclass ~= nil and not index.constraint_type
end

local function alter_sql(one, quoted)
  return ('ALTER TABLE %s ALTER COLUMN %s TYPE %s USING %s'):format(quoted, sql.name(one.column),
    one.found.to.spelled, one:forth(one.column))
end

local function index_sql(one, index)
  local text = steps.index_sql(one, index, { hidden = one.column, suffix = '', forth = true })
  return (text:gsub(' CONCURRENTLY ', ' ', 1))
end

local function measured(connection, one, like)
  connection:begin()
  connection:query(('CREATE TABLE %s (LIKE %s)'):format(like, one.quoted))
  connection:query(('INSERT INTO %s SELECT * FROM %s LIMIT %d'):format(like, one.quoted, sample_rows))
  local begun = native.system.monotonic()
  connection:query(alter_sql(one, like))
  for _, index in ipairs(one.found.indexes) do
    connection:query((index_sql(one, index):gsub('(INDEX) .- ON .- USING ', function(head)
      return head .. ' ON ' .. like .. ' USING '
    end, 1)))
  end
  local seconds = native.system.monotonic() - begun
  local rows = tonumber(connection:query('SELECT pg_catalog.count(*) FROM ' .. like).rows[1][1])
  return seconds, rows
end

--- How long nobody could read the table, by what a sample of it takes; the sample is rolled back.
---@param connection lugger.migrate.connection
---@param one lugger.column_job
---@return number seconds
function downtime.estimate(connection, one)
  local like = ('%s.lugger_like_%s'):format(one.found.schema, one.found.oid)
  local seconds, rows = 0, 0
  local ok, err = pcall(function() seconds, rows = measured(connection, one, like) end)
  connection:rollback()
  if not ok then error(err, 0) end
  return seconds * math.max(1, one.found.rows / math.max(1, rows))
end

--- Tells what it will cost.
---@param connection lugger.migrate.connection
---@param one lugger.column_job
---@param indexed boolean|nil its statements too
function downtime.show(connection, one, indexed)
  terminal.say(('nobody reads or writes %s for about %s (measured on %s rows at most), and there is no way back')
    :format(one.table, terminal.duration(downtime.estimate(connection, one)), terminal.group(sample_rows)))
  if not indexed then return end
  for _, index in ipairs(one.found.indexes) do
    if is_named(index) then terminal.line(('DROP INDEX %s.%s'):format(one.found.schema, sql.name(index.name))) end
  end
  terminal.line(alter_sql(one, one.quoted))
  for _, index in ipairs(one.found.indexes) do
    if is_named(index) then terminal.line(index_sql(one, index)) end
  end
end

--- Does it, in one transaction.
---@param db lugger.migration_db
---@param one lugger.column_job
function downtime.run(db, one)
  local found = one.found
  local alter = ('ALTER TABLE %s ALTER COLUMN %s '):format(one.quoted, sql.name(one.column))
  local default ---@type string|nil
  if found.default then default = exchange.default_of(one, one.to_new) end
  exchange.alone(db, one, function()
    for _, index in ipairs(found.indexes) do
      if is_named(index) then db:exec(('DROP INDEX %s.%s'):format(found.schema, sql.name(index.name))) end
    end
    if default then db:exec(alter .. 'DROP DEFAULT') end
    db:exec(alter_sql(one, one.quoted))
    if default then db:exec(alter .. 'SET DEFAULT ' .. default) end
    for _, index in ipairs(found.indexes) do
      if is_named(index) then
        db:exec(index_sql(one, index))
        if index.comment then
          db:exec(('COMMENT ON INDEX %s.%s IS %s'):format(found.schema, sql.name(index.name),
            sql.literal(index.comment)))
        end
      end
    end
    one:mark(db, 'drop')
  end)
  db:exec(('ANALYZE %s (%s)'):format(one.quoted, sql.name(one.column)))
end

return downtime
