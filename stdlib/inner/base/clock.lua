-- lugger.now(): one instant for all of a run, the same in every worker.
local value = require 'lugger.inner.base.value'

local clock = {}

local fixed = nil

--- The instant, as text that capture.lua sends to workers.
---@return string
function clock.text()
  return tostring(clock.now())
end

--- Fixes the instant.
---@param text string
function clock.set(text)
  fixed = value.date(text)
end

--- The instant of the run: the first call fixes it.
---@return lugger.date
function clock.now()
  fixed = fixed or value.clock()
  return fixed
end

return clock
