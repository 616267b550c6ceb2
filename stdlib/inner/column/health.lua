-- Between two batches nothing is open: there a change waits while the server is busy, or while it was too fast.
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'
local system = native.system

local health = {}

local function sleep(seconds)
  retry.check_stop()
  system.sleep(math.floor(math.min(math.max(seconds, 0.01), 0.2) * 1000))
end

-- Another step of the same command watches in the session of the one before.
local watches = setmetatable({}, { __mode = 'k' }) ---@type table<any, lugger.native.throttle>

local function watch_of(db, limits)
  local connection = db.connection
  if not watches[connection] then
    watches[connection] = native.throttle(connection.place, limits, connection.pooled)
  end
  return watches[connection]
end

--- What is called behind each batch.
---@param db lugger.migration_db
---@param limits table as stdlib/inner/job/throttle.lua gives them
---@return fun(rows: integer)
function health.waiter(db, limits)
  local watch = (limits.max_lag or limits.max_lock_waits or limits.max_long_transaction or limits.canary)
    and watch_of(db, limits)
  local begun, done = system.monotonic(), 0
  local told ---@type string|nil
  return function(rows)
    done = done + rows
    while limits.rows_per_s and begun + done / limits.rows_per_s > system.monotonic() do
      sleep(begun + done / limits.rows_per_s - system.monotonic())
    end
    local reason = watch and watch:reason() or ''
    while watch and reason ~= '' do
      if told ~= reason then db:say('waits: ', reason) end
      told = reason
      sleep(0.2)
      reason = watch:reason()
    end
    if told then db:say 'goes on' end
    told = nil
  end
end

return health
