-- schema.change_type: the steps of a change of a column's type within a migration.
local config = require 'lugger.inner.cli.config'
local found = require 'lugger.inner.column.found'
local job = require 'lugger.inner.column.job'
local native = require 'lugger.native'
local refusals = require 'lugger.inner.column.refusals'
local steps = require 'lugger.inner.column.steps'
local terminal = require 'lugger.inner.view.terminal'

local change_type = {}

--- The disk that a change needs at most: each row is written once more, and its old version stays until VACUUM.
---@param one lugger.column_job
---@return number bytes
function change_type.bytes(one)
  local indexes = 0
  for _, index in ipairs(one.found.indexes) do indexes = indexes + index.bytes end
  return one.found.bytes + indexes * 2
end

local function estimate(db, one, most)
  local bytes = change_type.bytes(one)
  db:say(('%s.%s %s -> %s: about %s rows; needs up to %s of disk until the next vacuum'):format(one.table, one.column,
    one.found.type, one.type, terminal.group(one.found.rows), terminal.bytes(bytes)))
  if most and bytes > most then
    config.raise(('changing the type of %s.%s needs up to %s of disk; max_bytes allows %s'):format(one.table,
      one.column, terminal.bytes(bytes), terminal.bytes(most)), 'make room, or raise max_bytes')
  end
end

--- Implements schema.change_type.
---@param db lugger.migration_db
---@param table string
---@param column string
---@param type string
---@param options table
function change_type.run(db, table, column, type, options)
  db:by_steps()
  local label = ('change the type of %s.%s to %s'):format(table, column, type)
  local kept = db:remember(label, function()
    local one = job.new(db, found.inspect(db, table, column, type), column, type, options)
    one:refuse_open(db)
    steps.try(db.connection, one)
    refusals.check(db, one)
    return native.json_tables(one:kept())
  end)
  local one = job.of(kept)
  estimate(db, one, options.max_bytes)
  steps.add(db, one)
  steps.backfill(db, one)
  steps.compare(db, one)
  steps.index(db, one)
  steps.swap(db, one)
  if not options.keep_old then steps.drop(db, one) end
  db:say(('%s: every row was written once more; VACUUM %s when convenient'):format(table, one.quoted))
end

return change_type
