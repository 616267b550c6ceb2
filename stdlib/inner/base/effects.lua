-- Counts changes outside the program. The difference shows whether a statement at the prompt changed something or only
-- displayed something.
-- watched: true at the prompt, because :save needs the count; barred: why nothing may be changed now.
---@class lugger.effects
---@field count integer
---@field watched boolean
---@field barred string|nil
local effects = { count = 0, watched = false, barred = nil }

--- Counts one change.
function effects.note()
  effects.count = effects.count + 1
end

--- How many changes were counted until now.
---@return integer
function effects.counted()
  return effects.count
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

-- What holds for the runs that a script starts itself: refused, or as dry runs, or with a limit.
---@type { dry_run: boolean|nil, limit: integer|nil, refused: { [1]: string, [2]: string }|nil }
local runs = {}

--- Runs that begin from now on write nothing (`dry_run`), or read only so many documents (`limit`), whoever asks.
---@param settings { dry_run: boolean|nil, limit: integer|nil }
function effects.confine_runs(settings)
  runs.dry_run, runs.limit = settings.dry_run or nil, settings.limit
end

--- Calls a function in which no run may begin: a script that would start one gets this error.
---@param why string
---@param hint string
---@param work fun(): any
---@return any
function effects.without_runs(why, hint, work)
  local before = runs.refused
  runs.refused = { why, hint }
  local results = { pcall(work) }
  runs.refused = before
  if not results[1] then error(results[2], 0) end
  return results[2]
end

--- The settings of a run that a script asks for, as the command allows it. Raises where it allows none.
---@param settings table|nil
---@return table|nil
function effects.run_settings(settings)
  effects.check()
  if runs.refused then require('lugger.inner.base.fault').raise('config', runs.refused[1], runs.refused[2]) end
  if not runs.dry_run and not runs.limit then return settings end
  local out = {}
  for key, setting in pairs(settings or {}) do out[key] = setting end
  out.dry_run = runs.dry_run or out.dry_run
  out.limit = runs.limit or out.limit
  return out
end

--- The same for a fix or a repair, which write only with `apply`.
---@param settings table|nil
---@param takes_limit boolean|nil
---@return table|nil
function effects.apply_settings(settings, takes_limit)
  local apply, limit = settings and settings.apply, takes_limit and runs.limit
  if apply then effects.run_settings() end
  if not limit and not (apply and runs.dry_run) then return settings end
  local out = {}
  for key, setting in pairs(settings or {}) do out[key] = setting end
  out.apply = apply and not runs.dry_run
  out.limit = limit or out.limit
  return out
end

return effects
