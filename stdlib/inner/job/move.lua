-- Moves: each job is copied while the keys of what changes are kept, then follows the changes until it is stopped.
local attempt = require 'lugger.inner.job.attempt'
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'
local seen = require 'lugger.inner.job.seen'
local summary = require 'lugger.inner.job.summary'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local watching = require 'lugger.inner.job.watching'
local system = native.system
local tonumber = tonumber --[[@as fun(count: any): number]]

local move = {}

local look_ms = 200
local longest_wait_s = 30 -- before a server that was lost behind the copy is asked again
local tell_s = 5 -- on a terminal the line is updated at each look

---@class lugger.move_options
---@field log string|nil
---@field quiet boolean|nil
---@field script string
---@field resume string
---@field metrics lugger.native.metrics|nil
---@field tidy fun()|nil called from time to time

---@class lugger.move_settings
---@field copy lugger.run_settings of the copies
---@field follow lugger.run_settings
---@field follow_only boolean|nil begin with the changes
---@field restart boolean|nil

--- One job on its way: "copying", "following", "ended".
---@class lugger.move_step
---@field job lugger.job
---@field name string
---@field phase "copying"|"following"|"ended"
---@field settings lugger.move_settings
---@field options table
---@field spooler lugger.native.spooler|nil
---@field copy lugger.attempt|nil
---@field run lugger.native.run|nil the run that follows
---@field kept lugger.spool_snapshot|nil the spooler's last word
---@field again_at number|nil when it is begun again, because a server was away
---@field lost_at number|nil since when it is
---@field tries integer
---@field result lugger.attempt_result|nil
---@field asked integer the level of the stop that was passed on
local step = {}
step.__index = step

local function new_step(job, settings, options)
  return setmetatable({ job = job, name = job:name(), phase = 'copying', settings = settings, options = options,
    asked = 0, tries = 0 }, step)
end

--- Calls `work`; an error of it ends the step.
---@param work fun()
---@return boolean
function step:try(work)
  local one = attempt.new(self.job, self.settings.follow, self.options)
  one:try(work)
  if one.result then self:finish(one.result) end
  return one.result == nil
end

--- Ends it with this result.
---@param result lugger.attempt_result
function step:finish(result)
  if result.error_code == 'interrupted' then result.status = 'stopped' end
  self.phase, self.result, self.spooler = 'ended', result, nil
end

--- Tells of a new phase.
---@param text string
function step:tell(text)
  if self.options.log == 'json' then
    terminal.event('phase', { job = self.name, phase = self.phase })
  elseif not self.options.quiet then
    terminal.say(self.name, ': ', text)
  end
end

--- Begins with the copy, or where an earlier process stopped.
function step:begin()
  self:try(function()
    local handle = self.job:handle()
    local follows = self.settings.follow_only
      or not self.settings.restart and handle:move_stage() == 'follow'
    if follows then return self:follow('goes on with its changes') end
    -- What would keep its changes from being applied is told before the copy, not behind it.
    local later = attempt.new(self.job, { follow = true, create = self.settings.copy.create }, self.options)
    later:look()
    if later.result then return self:finish(later.result) end
    self.spooler = handle:spool(self.settings.restart or false)
    local copy = attempt.new(self.job, self.settings.copy, self.options)
    self.copy = copy
    copy:look()
    copy:announce()
    if not copy.result then copy:start() end
    if copy.result then return self:end_copy() end
    self:tell('copying; what changes meanwhile is kept')
  end)
end

--- Begins to apply the changes.
---@param text string what is told of it
function step:follow(text)
  self.run = self.job:start(self.settings.follow)
  self.phase = 'following'
  self:tell(text)
end

--- The same behind the copy: a server that is away now comes back, as during a run.
function step:follow_copy()
  self.phase, self.again_at = 'following', nil
  local ok, err = pcall(function() self:follow('copied; its changes are applied') end)
  if ok then return end
  if type(err) ~= 'table' or rawget(err, 'code') ~= 'connect' then error(err, 0) end
  self.lost_at = self.lost_at or system.monotonic()
  if self.tries == 0 then self:tell('the connection to the server is lost; trying again') end
  self.again_at = system.monotonic() + math.min(2 ^ self.tries / 2, longest_wait_s)
  self.tries = self.tries + 1
end

--- Begins it again when it is time; a stop ends the wait.
function step:wait_to_follow()
  if self.asked > 0 then fault.raise('interrupted', 'stopped while a server was away') end
  if system.monotonic() >= self.again_at then self:follow_copy() end
end

--- Takes the end of the copy; when it is done, the changes are next.
function step:end_copy()
  local result = assert(assert(self.copy).result)
  local spooler = assert(self.spooler)
  if result.status ~= 'done' or self.asked > 0 then
    spooler:stop()
    if result.status == 'done' then result.status = 'stopped' end
    return self:finish(result)
  end
  if not self.options.quiet and self.options.log ~= 'json' then
    summary.print({ result }, 1, self.options)
  end
  self.kept = spooler:stop()
  self.spooler = nil
  self:follow_copy()
end

--- Sees to the spooler, which ends by itself only with a failure: the copy would have a gap behind it.
function step:check_spooler()
  local kept = self.spooler and self.spooler:poll(0)
  if not kept or not kept.ended or kept.error == '' then return end
  local copy = assert(self.copy)
  if copy.run then
    copy.run:stop('now')
    copy:finish()
  end
  self:try(function()
    fault.raise(kept.error_code, ('the changes cannot be kept any more: %s'):format(kept.error), kept.hint)
  end)
  assert(self.result).position_lost = kept.position_lost
end

--- Passes a stop on to its runs.
---@param level integer
function step:pass_on_stop(level)
  if level <= self.asked then return end
  self.asked = level
  local run = self.run or self.copy and self.copy.run
  if run then run:stop(level >= 2 and 'now' or 'finish') end
end

--- Looks after it: what has ended is followed by what comes next.
function step:look_after()
  if self.phase == 'copying' then
    local copy = assert(self.copy)
    if copy.run and copy.run:ended() then
      self:look(copy.run)
      copy:finish()
      self:try(function() self:end_copy() end)
    else
      self:try(function() self:check_spooler() end)
    end
  elseif self.again_at then
    self:try(function() self:wait_to_follow() end)
  elseif self.phase == 'following' and assert(self.run):ended() then
    self:try(function() self:finish(assert(self.run):result()) end)
  end
end

--- A snapshot of its run; what is to be said of the source is said.
---@param run lugger.native.run
---@return lugger.run_snapshot
function step:look(run)
  local snapshot = run:poll(0)
  for _, remark in ipairs(snapshot.remarks) do
    if not self.options.quiet then terminal.warn(('%s: %s'):format(self.name, remark)) end
  end
  return snapshot
end

--- What is known of it now.
---@return lugger.move_figures
function step:figures()
  if self.phase == 'copying' then
    return seen.copying(self.name, self:look(assert(assert(self.copy).run)), assert(self.spooler):poll(0))
  end
  if self.run and not self.again_at then return seen.following(self.name, self:look(self.run), self.kept) end
  local since = self.lost_at and system.monotonic() - self.lost_at
  return { job = self.name, phase = 'catching up', read = 0, read_per_s = 0, rejected = 0, kept = 0,
    position_s = self.kept and tonumber(self.kept.seconds), waits_for = self.again_at and 'for a server',
    waits_s = since }
end

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
    local lines = {}
    for i, one in ipairs(steps) do
      local figures = one.phase ~= 'ended' and watch.figures[i]
      if figures and mode == 'json' then terminal.event('progress', figures) end
      if figures and mode ~= 'json' then lines[#lines + 1] = seen.sentence(figures) end
    end
    if mode == 'live' then
      io.stderr:write('\r\27[K', table_view.cut(table.concat(lines, ' | '), terminal.width() - 1))
      live = true
    elseif mode ~= 'json' then
      for _, line in ipairs(lines) do terminal.say(line) end
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
    summary.tell_failures { ended.result }
    terminal.say('the other jobs go on')
  end
end

--- Moves jobs side by side until they are stopped or fail; a failed one does not keep the others from going on.
---@param jobs lugger.job[]
---@param settings lugger.move_settings
---@param options lugger.move_options
---@return lugger.attempt_result[]
function move.run(jobs, settings, options)
  local steps, tell, asked = {}, teller(options), 0
  for i, job in ipairs(jobs) do
    steps[i] = new_step(job, settings, options)
    steps[i]:begin()
  end
  for _, one in ipairs(steps) do
    if one.phase == 'ended' then tell_ended(one, steps, options) end
  end
  local watch = watching.new(steps, options)
  while at_work(steps) do
    system.sleep(look_ms)
    local level = system.stop_level()
    if level > asked then
      asked = level
      tell.clear()
      if not options.quiet and options.log ~= 'json' then
        terminal.say(level >= 2 and 'stopping at once; open batches are rolled back'
          or 'finishing the batches; once more stops at once')
      end
    end
    for _, one in ipairs(steps) do
      if one.phase ~= 'ended' then
        one:pass_on_stop(level)
        one:look_after()
        if one.phase == 'ended' then
          tell.clear()
          tell_ended(one, steps, options)
        end
      end
    end
    watch:look(tell.clear)
    if at_work(steps) then tell.update(steps, watch) end
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
  return spec.jobs
end

return move
