-- One job of a move, on its way: copied while the keys of what changes are kept, then following the changes.
local attempt = require 'lugger.inner.job.attempt'
local fault = require 'lugger.inner.base.fault'
local notices = require 'lugger.inner.view.notices'
local seen = require 'lugger.inner.job.seen'
local summary = require 'lugger.inner.job.summary'
local terminal = require 'lugger.inner.view.terminal'
local system = require('lugger.native').system

-- A job whose failure passes is begun again after so long, twice as long each time; from anew when it went well for a
-- while.
local first_pause_s, longest_pause_s, well_s = 5, 300, 600

---@class lugger.move_settings
---@field copy lugger.run_settings of the copies; jobs: of each, see move.allot
---@field follow lugger.run_settings
---@field follow_only boolean|nil begin with the changes
---@field restart boolean|nil

--- One job on its way: "waiting" until it begins, or begins again, "copying", "following", "ended".
---@class lugger.move_step
---@field job lugger.job
---@field name string
---@field phase "waiting"|"copying"|"following"|"ended"
---@field copies lugger.run_settings
---@field follows lugger.run_settings
---@field follow_only boolean|nil
---@field restart boolean|nil
---@field options table
---@field spooler lugger.native.spooler|nil
---@field kept lugger.spool_snapshot|nil the spooler's last word
---@field position_lost boolean|nil
---@field copy lugger.attempt|nil
---@field run lugger.native.run|nil the run that follows
---@field begun boolean|nil its servers have been reached: what it then fails by may pass
---@field again_at number when it begins
---@field since number when it began to work
---@field tries integer
---@field failed lugger.attempt_result|nil how it ended, while it waits to begin again
---@field bytes integer of its source
---@field result lugger.attempt_result|nil
---@field told integer how much of the run's news was told
---@field asked integer the level of the stop that was passed on
local step = {}
step.__index = step

--- Settings with some of them changed.
---@param settings table
---@param changes table
---@return table
function step.with(settings, changes)
  local out = {} ---@type table<string, any>
  for key, setting in pairs(settings) do out[key] = setting end
  for key, setting in pairs(changes) do out[key] = setting end
  return out
end

--- A job that has not begun yet.
---@param job lugger.job
---@param settings lugger.move_settings
---@param options { log: string|nil, quiet: boolean|nil }
---@return lugger.move_step
function step.new(job, settings, options)
  return setmetatable({ job = job, name = job:name(), phase = 'waiting', options = options, asked = 0, told = 0,
    tries = 0, copies = settings.copy, follows = settings.follow, follow_only = settings.follow_only, bytes = 0,
    restart = settings.restart, again_at = 0, since = 0 }, step)
end

--- Calls `work`; an error of it ends the step.
---@param work fun()
---@return boolean
function step:try(work)
  local one = attempt.new(self.job, self.follows, self.options)
  one:try(work)
  if one.result then self:finish(one.result) end
  return one.result == nil
end

--- May it go well the next time, with nothing changed? A lost connection comes back; what a script, a right or the data
--- is to blame for does not pass. A server that is not found when it first begins is more likely a typing error.
---@param result lugger.attempt_result
---@return boolean
function step:passes(result)
  return self.begun == true and self.asked == 0 and result.status == 'failed'
    and (result.error_code == 'connect' or result.error_code == 'timeout')
end

--- Ends it with this result, or lets it wait to begin again.
---@param result lugger.attempt_result
function step:finish(result)
  if result.error_code == 'interrupted' then result.status = 'stopped' end
  result.position_lost = result.position_lost or self.position_lost or false
  if self.spooler then self.spooler:close() end -- another one may take its lease
  self.spooler, self.copy, self.run = nil, nil, nil
  if not self:passes(result) then
    self.phase, self.result = 'ended', result
    return
  end
  local now = system.monotonic()
  if now - self.since > well_s then self.tries = 0 end
  local pause = math.min(first_pause_s * 2 ^ self.tries, longest_pause_s)
  self.phase, self.failed, self.tries, self.again_at = 'waiting', result, self.tries + 1, now + pause
  if self.options.log == 'json' then
    terminal.event('again', { job = self.name, error = result.error, in_s = pause })
  elseif not self.options.quiet then
    terminal.say(self.name, (': failed: %s; begins again in %d s'):format(result.error, pause))
  end
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
  self.since = system.monotonic()
  self:try(function()
    local handle = self.job:handle()
    local stage = handle:move_stage()
    self.begun = true -- both servers have answered: one that goes away from here on comes back
    local follows = self.follow_only or not self.restart and stage == 'follow'
    if follows then return self:follow('goes on with its changes') end
    -- What would keep its changes from being applied is told before the copy, not behind it.
    local later = attempt.new(self.job, { follow = true, create = self.copies.create }, self.options)
    later:look()
    if later.result then return self:finish(later.result) end
    self.spooler = handle:spool(self.restart or false)
    self.restart = false
    local copy = attempt.new(self.job, self.copies, self.options)
    copy:look()
    copy:announce()
    if not copy.result then copy:start() end
    if copy.result then return self:end_copy(copy.result) end
    -- What was asked of the beginning is not asked again.
    self.copy, self.copies = copy, step.with(self.copies, { restart = false })
    self.phase = 'copying'
    self:tell('copying; what changes meanwhile is kept')
  end)
end

-- True for a new collection that another job has told of.
local function told_before(told, notice)
  if notice.kind ~= 'collection' then return false end
  local before = told[notice.name]
  told[notice.name] = true
  return before
end

--- Tells what was noticed since it was told last.
---@param news lugger.notice[]
---@param told table<string, boolean> collections
function step:tell_news(news, told)
  for i = self.told + 1, #news do
    local notice = news[i]
    local silent = told_before(told, notice) or self.options.quiet and notice.kind == 'field'
    if not silent and self.options.log == 'json' then
      terminal.event('notice', { job = self.name, kind = notice.kind, name = notice.name, done = notice.done,
        count = tonumber(notice.count) })
    elseif notice.kind == 'accepted' then
      self:tell(notices.sentence(notice))
    elseif not silent then
      terminal.warn(('%s: %s'):format(self.name, notices.sentence(notice)))
    end
  end
  self.told = #news
end

--- Begins to apply the changes.
---@param text string what is told of it
function step:follow(text)
  self.copy = nil
  self.run, self.told = self.job:start(self.follows), 0
  self.follows = { follow = true, jobs = 1, patient = true, redact = self.follows.redact,
    accept_changes = self.follows.accept_changes }
  self.phase = 'following'
  self:tell(text)
end

--- Begins, or begins again, when it is time; a stop ends the wait.
function step:wait()
  if self.asked == 0 then
    if system.monotonic() >= self.again_at then self:begin() end
  elseif self.failed then
    self:finish(self.failed)
  else
    self:try(function() fault.raise('interrupted', 'stopped before it began') end)
  end
end

--- Takes the end of the copy; when it is done, the changes are next.
---@param result lugger.attempt_result
function step:end_copy(result)
  local spooler = assert(self.spooler)
  if result.status ~= 'done' or self.asked > 0 then
    spooler:stop()
    if result.status == 'done' then result.status = 'stopped' end
    return self:finish(result)
  end
  if not self.options.quiet and self.options.log ~= 'json' then
    summary.print({ result }, 1, self.options)
  end
  local tally = result.tally
  if tonumber(tally.rejected) > 0 and tally.rejected == tally.read and not self.options.quiet then
    terminal.warn(('%s: every document was rejected: its mapping may be meant for others; `lugger rejects` says why')
      :format(self.name))
  end
  self.kept = spooler:stop()
  self.spooler = nil
  self:follow('copied; its changes are applied')
end

--- Sees to the spooler, which ends by itself only with a failure: the copy would have a gap behind it.
function step:check_spooler()
  local kept = assert(self.spooler):poll(0)
  if not kept.ended or kept.error == '' then return end
  self.position_lost = kept.position_lost
  local copy = assert(self.copy)
  if copy.run then
    copy.run:stop('now')
    copy:finish()
  end
  fault.raise(kept.error_code, ('the changes cannot be kept any more: %s'):format(kept.error), kept.hint)
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
---@param told table<string, boolean> collections that were told of
function step:look_after(told)
  if self.phase == 'waiting' then
    self:wait()
  elseif self.phase == 'following' then
    local ended = assert(self.run):ended()
    self:tell_news(self:look(assert(self.run)).news, told)
    if not ended then return end
    self:try(function() self:finish(assert(self.run):result()) end)
  elseif self.phase == 'copying' then
    local copy = assert(self.copy)
    self:try(function()
      if not assert(copy.run):ended() then return self:check_spooler() end
      self:look(assert(copy.run))
      copy:finish()
      self:end_copy(assert(copy.result))
    end)
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
  if self.run then return seen.following(self.name, self:look(self.run), self.kept) end
  return seen.waiting(self.name, self.kept, self.failed and math.max(0, self.again_at - system.monotonic()),
    self.failed and self.failed.error)
end

return step
