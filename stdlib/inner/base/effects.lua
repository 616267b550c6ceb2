-- Counts changes outside the program. The difference shows whether a statement at the prompt changed something or only
-- displayed something.
-- watched: true at the prompt, because :save needs the count; barred: why nothing may be changed now.
local effects = { count = 0, watched = false, barred = nil }

--- Counts one change.
function effects.note()
  effects.count = effects.count + 1
end

--- Calls a function in which nothing outside the program may be changed: what would raises an error with this message.
---@param why string
---@param work fun()
---@return boolean ok
---@return any err
function effects.without(why, work)
  local before = effects.barred
  effects.barred = why
  local ok, err = pcall(work)
  effects.barred = before
  return ok, err
end

--- Raises an error where nothing may be changed.
function effects.check()
  if effects.barred then require('lugger.inner.base.fault').raise('config', effects.barred) end
end

return effects
