-- Batches step back while the server is busy. For now by the rows a second alone; see `throttle`.
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'

local health = {}

---@class lugger.column_health
---@field rate number|nil rows a second
---@field begun number
---@field rows number
local object = {}
local object_meta = { __index = object }

--- Counts a batch; waits while it was too fast.
---@param rows integer
function object:after(rows)
  self.rows = self.rows + rows
  if not self.rate then return end
  local wait = self.begun + self.rows / self.rate - native.system.monotonic()
  while wait > 0 do
    retry.check_stop()
    native.system.sleep(math.floor(math.min(wait, 0.2) * 1000))
    wait = self.begun + self.rows / self.rate - native.system.monotonic()
  end
end

--- Closes its session.
function object:close()
  self.rate = nil
end

--- Watches the database of a change.
---@param db lugger.migration_db
---@param limits table|nil
---@return lugger.column_health
---@diagnostic disable-next-line: unused
function health.new(db, limits) -- luacheck: ignore db
  return setmetatable({ rate = limits and limits.rows_per_s, begun = native.system.monotonic(), rows = 0 }, object_meta)
end

return health
