-- Moves: jobs that are copied and then follow the changes of their sources, side by side, until they are stopped.
local clearing = require 'lugger.inner.job.clearing'
local failures = require 'lugger.inner.job.failures'
local fault = require 'lugger.inner.base.fault'
local move_line = require 'lugger.inner.job.move_line'
local native = require 'lugger.native'
local seen = require 'lugger.inner.job.seen'
local step = require 'lugger.inner.job.move_step'
local summary = require 'lugger.inner.job.summary'
local terminal = require 'lugger.inner.view.terminal'
local watching = require 'lugger.inner.job.watching'
local system = native.system
local tonumber = tonumber --[[@as fun(count: any): number]]

local move = {}

local look_ms = 200
local tell_s = 5 -- on a terminal the line is updated at each look

---@class lugger.move_options
---@field log string|nil
---@field quiet boolean|nil
---@field script string
---@field resume string
---@field metrics lugger.native.metrics|nil
---@field tidy fun()|nil called from time to time

-- The progress of all, on standard error.
local function teller(options)
  local mode = options.log or (terminal.is_terminal(2) and system.getenv('TERM') ~= 'dumb' and 'live' or 'plain')
  if options.quiet then mode = 'none' end
  local told_at, live = system.monotonic(), false
  local self = {}
  function self.clear()
    if live then io.stderr:write('\r\27[K') end
    live = false
  end
  function self.update(steps, watch)
    local now = system.monotonic()
    if mode == 'none' or mode ~= 'live' and now - told_at < tell_s then return end
    told_at = now
    local list = {}
    for i, one in ipairs(steps) do
      if one.phase ~= 'ended' then list[#list + 1] = watch.figures[i] end
    end
    if mode == 'live' then
      io.stderr:write('\r\27[K', move_line.text(list, terminal.width() - 1))
      live = true
      return
    end
    for _, figures in ipairs(list) do
      if mode == 'json' then terminal.event('progress', figures) else terminal.say(seen.sentence(figures)) end
    end
  end
  return self
end

local function at_work(steps)
  for _, one in ipairs(steps) do
    if one.phase ~= 'ended' then return true end
  end
  return false
end

-- A job that fails while others go on is told of at once: they may go on for weeks.
local function tell_ended(ended, steps, options)
  if options.log == 'json' then
    terminal.event('end', summary.fields(ended.result))
  elseif ended.result.status == 'failed' and at_work(steps) then
    failures.tell { ended.result }
    ended.result.told = true
    terminal.say('the other jobs go on')
  end
end

--- How many connections each copy gets: all begin at once, so each has one, and the largest have more: up to `each`,
--- and four times that together.
---@param sizes number[] bytes of the sources
---@param each integer
---@return integer[]
function move.allot(sizes, each)
  local out, left = {}, 4 * each - #sizes
  for i = 1, #sizes do out[i] = 1 end
  while left > 0 do
    local best
    for i, bytes in ipairs(sizes) do
      local more = out[i] < each and (not best or bytes / out[i] > sizes[best] / out[best])
      if more then best = i end
    end
    if not best then break end
    out[best], left = out[best] + 1, left - 1
  end
  return out
end

-- Opens the sources of all, so that the stream which they share is opened for all of them at once.
local function share(steps, settings)
  local hub, sizes = native.feed_hub(), {}
  for i, one in ipairs(steps) do
    one:try(function() sizes[i] = tonumber(one.job:handle():share(hub)) end)
    sizes[i] = sizes[i] or 0
  end
  local allotted = move.allot(sizes, settings.copy.jobs or native.default_jobs())
  for i, one in ipairs(steps) do one.copies = step.with(one.copies, { jobs = allotted[i] }) end
  return hub
end

local function tell_stop(level, options)
  if options.quiet or options.log == 'json' then return end
  terminal.say(level >= 2 and 'stopping at once; open batches are rolled back'
    or 'finishing the batches; once more stops at once')
end

--- Moves jobs side by side until they are stopped or fail; a failed one does not keep the others from going on.
---@param jobs lugger.job[]
---@param settings lugger.move_settings
---@param options lugger.move_options
---@return lugger.attempt_result[]
function move.run(jobs, settings, options)
  local steps, tell, asked, told = {}, teller(options), 0, {}
  for i, job in ipairs(jobs) do steps[i] = step.new(job, settings, options) end
  local hub = share(steps, settings)
  for _, one in ipairs(steps) do
    if one.phase == 'ended' then tell_ended(one, steps, options) end
  end
  local watch = watching.new(steps, options)
  while at_work(steps) do
    local level = system.stop_level()
    if level > asked then
      asked = level
      tell.clear()
      tell_stop(level, options)
    end
    for _, one in ipairs(steps) do
      if one.phase ~= 'ended' then
        one:pass_on_stop(system.stop_level())
        one:look_after(told)
        if one.phase == 'ended' then
          tell.clear()
          tell_ended(one, steps, options)
        end
      end
    end
    if not options.quiet then
      for _, text in ipairs(hub:told()) do terminal.warn_once(text) end
    end
    watch:look(tell.clear)
    if at_work(steps) then
      tell.update(steps, watch)
      system.sleep(look_ms)
    end
  end
  tell.clear()
  watch:close()
  local results = {}
  for i, one in ipairs(steps) do results[i] = one.result end
  return results
end

--- What lugger.move returns: its jobs as a list, checked.
---@param spec lugger.move_spec
---@return lugger.job[]
function move.new(spec)
  if type(spec) ~= 'table' then
    fault.raise('config', ('lugger.move wants a table, not a %s'):format(type(spec)))
  end
  fault.check_keys('a move', spec, { 'jobs' })
  if type(spec.jobs) ~= 'table' or #spec.jobs == 0 then
    fault.raise('config', 'a move has jobs', 'jobs = { lugger.copy { ... }, lugger.copy { ... } }')
  end
  for i, job in ipairs(spec.jobs) do
    if type(job) ~= 'table' or not job.plan then
      fault.raise('config', ('job %d of the move is no lugger.copy'):format(i),
        'only copies can be followed: a task reads its source once')
    end
  end
  clearing.check(spec.jobs)
  for _, job in ipairs(spec.jobs) do job.moves = true end
  return spec.jobs
end

return move
