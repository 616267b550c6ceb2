-- lugger.now(): one instant for the whole run, the same in every worker.
local value = require 'lugger.inner.base.value'

local clock = {}

local fixed = nil

--- The instant as text, which capture.lua sends to workers.
---@return string
function clock.text()
  return tostring(clock.now())
end

--- Fixes the instant.
---@param text string
function clock.set(text)
  fixed = value.date(text)
end

--- The instant of the run. The first call sets it.
---@return lugger.date
function clock.now()
  fixed = fixed or value.clock()
  return fixed
end

return clock
