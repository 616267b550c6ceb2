-- `migrate up --dry-run`: runs all pending migrations in one transaction, shows what they changed, and rolls it back.
local apply = require 'lugger.inner.migrate.apply'
local catalog = require 'lugger.inner.migrate.catalog'
local executor = require 'lugger.inner.migrate.executor'
local one_transaction = require 'lugger.inner.migrate.one_transaction'
local row_diff = require 'lugger.inner.migrate.row_diff'
local session_state = require 'lugger.inner.migrate.session_state'
local terminal = require 'lugger.inner.view.terminal'

local dry_run = {}

--- Prints what changed: rows first, then the schema.
---@param lines string[]
---@param schema string[]
function dry_run.show(lines, schema)
  terminal.line(#lines > 0 and 'rows' or 'rows: none changed')
  for _, line in ipairs(lines) do terminal.line(line) end
  terminal.line(#schema > 0 and 'schema' or 'schema: nothing changed')
  for _, line in ipairs(schema) do terminal.line('  ', line) end
end

-- `up` ends the sessions after each file. Here all files share a transaction, so what a file has made in its session is
-- removed.
local function end_file(ex)
  for connection, before in pairs(ex.before) do
    if connection.pooled then
      session_state.refuse_temporary(connection:session(), before, connection.ends_itself)
    end
    session_state.restore(connection:session(), before, true, connection.touched)
  end
end

-- True when the migration ran; false when it cannot run in a transaction.
local function try(run, migration)
  run.say('dry run of ', migration.version, ' ', migration.name)
  if not apply.in_one_transaction(migration, 'up') then return false end
  local ex = one_transaction.rehearsal(run, migration)
  local ok, err = pcall(function()
    apply.run_parts(ex, migration:body().up)
    apply.check_verified(ex, migration:body().verify)
    end_file(ex)
  end)
  run.dry_others = run.dry_others or {}
  for connection in pairs(ex.joined) do run.dry_others[connection] = true end
  if ok then return true end
  if executor.is_switch(err) then return false end
  error(err, 0)
end

local function take_back(run)
  run.main:rollback()
  for connection in pairs(run.dry_others or {}) do connection:rollback() end
  run:end_sessions()
end

--- Runs items in a transaction, shows what changed and rolls it back.
---@param run lugger.migrate.run
---@param items lugger.migrate.pending_item[]
---@return integer status
function dry_run.run(run, items)
  local before ---@type table
  local stopped ---@type lugger.migration|nil
  local rows, schema ---@type table[], string[]
  run.main:begin()
  local ok, err = pcall(function()
    before = catalog.read(run.main, run.options.schema)
    for _, item in ipairs(items) do
      if not try(run, item.migration) then
        stopped = item.migration
        break
      end
    end
    -- If a file must switch to steps midway, its changes up to there remain.
    rows = row_diff.within(run.main, run.options.schema)
    schema = catalog.diff(before, catalog.read(run.main, run.options.schema))
  end)
  take_back(run)
  if not ok then error(err, 0) end
  row_diff.behind(run.main, rows)
  dry_run.show(row_diff.lines(rows), schema)
  terminal.say('all of it was rolled back (sequences keep the numbers they gave)')
  if stopped then
    terminal.say(('the dry run ended before %s: it cannot run in one transaction; `lugger migrate up --rehearse` runs '
      .. 'it on a copy'):format(stopped.file))
    return 1
  end
  return 0
end

return dry_run
