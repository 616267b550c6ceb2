-- Small jobs of one script at work side by side, and told of as if one ran after the other. A job of two hundred small
-- ones spends its time waiting for the server and the disk: its neighbours use it.
local attempt = require 'lugger.inner.job.attempt'
local native = require 'lugger.native'
local system = native.system

---@class lugger.abreast
---@field at_work table<integer, lugger.attempt> begun and not yet told of, in their order
---@field jobs table<integer, table>
---@field next integer the next of them
---@field settings lugger.run_settings
---@field one_each lugger.run_settings those of a job that has others beside it
---@field options { log: string|nil, quiet: boolean|nil }
---@field most integer at work at a time
---@field side_by_side boolean
---@field ready lugger.attempt|nil the next one, when it waits for room
---@field blocked boolean|nil
---@field ended boolean|nil no others begin
---@field asked integer the level of the stop that was passed on
---@field shown_at number
---@field alone fun(one: lugger.attempt): lugger.attempt_result
---@field on_end fun(result: lugger.attempt_result, others_at_work: boolean): boolean
---@field on_stop fun(level: integer, snapshot: lugger.run_snapshot)
local abreast = {}

---@class lugger.abreast.calls
---@field alone fun(one: lugger.attempt): lugger.attempt_result
---@field on_end fun(result: lugger.attempt_result, others_at_work: boolean): boolean says whether others may begin
---@field on_stop fun(level: integer, snapshot: lugger.run_snapshot)

abreast.__index = abreast

local glance_ms, look_ms = 2, 200

-- Settings that concern what all jobs do together, or work that is never small.
local function suits(settings)
  return not (settings.retry_rejects or settings.join or settings.window or settings.source_mbps
    or (settings.stage or 'load') ~= 'load')
end

--- Is the job one that others may run beside, as far as its source can tell?
---@param job table
---@return boolean
function abreast.is_small(job)
  if not job.plan or not job.spec or job.spec.throttle then return false end
  local ok, small = pcall(function() return job:handle():is_small() end)
  return ok and small --[[@as boolean]] -- what cannot be opened says so in its turn
end

-- By their last part: what a table without a schema is called depends on the search_path.
local function tables_of(job)
  local names = {}
  for _, one in ipairs(job:shape().tables) do names[one.name:match('[^.]*$')] = true end
  return names
end

--- Does a job share its name or a table with one that is at work?
---@param job table
---@return boolean
function abreast:meets(job)
  if #self.at_work == 0 then return false end
  local own, name = tables_of(job), job:name()
  for _, other in ipairs(self.at_work) do
    if other.name == name then return true end
    for table_name in pairs(tables_of(other.job)) do
      if own[table_name] then return true end
    end
  end
  return false
end

--- The next job's attempt, and whether it may run beside others. nil: those at work must end first, since what was seen
--- of it while they worked may have changed by then.
---@param job table
---@return lugger.attempt|nil
---@return boolean
function abreast:consider(job)
  if not self.side_by_side or not abreast.is_small(job) then
    return attempt.new(job, self.settings, self.options), false
  end
  local alone = #self.at_work == 0
  local ok, meets = pcall(self.meets, self, job)
  if not ok or meets then return nil, false end
  local next_one = attempt.new(job, self.one_each, self.options)
  next_one:look()
  local plan = not next_one.result and next_one.plan
  if plan and plan.report.self_contained then return next_one, true end
  next_one.settings = self.settings
  return alone and next_one or nil, false
end

local function under_way(at_work)
  local count = 0
  for _, one in ipairs(at_work) do
    if one.run then count = count + 1 end
  end
  return count
end

--- Begins jobs as long as there is room.
function abreast:begin()
  while not self.ended and self.next <= #self.jobs do
    local asked_to_stop = system.stop_level() > 0
    if #self.at_work > 0 and (self.blocked or asked_to_stop) then return end
    self.blocked = false
    if not self.ready then
      local one, beside = self:consider(self.jobs[self.next])
      if not one or (not beside and #self.at_work > 0) then
        self.blocked = true
        return
      end
      if beside then
        self.ready = one
      else
        self.next = self.next + 1
        self:tell(self.alone(one))
      end
    end
    if self.ready then
      if under_way(self.at_work) >= self.most then return end
      self.ready:start()
      table.insert(self.at_work, self.ready)
      self.next, self.ready = self.next + 1, nil
      self:tell_ended()
    end
  end
end

--- Tells of one that has ended.
---@param result lugger.attempt_result
function abreast:tell(result)
  if not self.on_end(result, #self.at_work > 0) then self.ended = true end
end

--- Tells of those that have ended, up to the first that has not.
function abreast:tell_ended()
  for _, one in ipairs(self.at_work) do
    if one.run and one.run:ended() then one:finish() end
  end
  while self.at_work[1] do
    local first = self.at_work[1]
    if not first.reporter then
      first:announce()
      first.reporter = first:new_reporter()
    end
    if not first.result then return end
    first.reporter:finish()
    table.remove(self.at_work, 1)
    self:tell(first.result)
  end
end

--- Passes Ctrl-C on to all of them, and tells it once.
---@param snapshot lugger.run_snapshot
function abreast:pass_on_stop(snapshot)
  local level = system.stop_level()
  for _, one in ipairs(self.at_work) do
    if one.run and level > (one.asked or 0) then
      one.asked = level
      one.run:stop(level >= 2 and 'now' or 'finish')
    end
  end
  if level <= self.asked then return end
  self.asked = level
  assert(self.at_work[1].reporter):finish()
  self.on_stop(level, snapshot)
end

--- Waits a moment for the first of them, whose progress is shown.
function abreast:wait()
  local first = self.at_work[1]
  local run, reporter = assert(first.run), assert(first.reporter) -- tell_ended has seen to both
  local busy = #self.at_work > 1 or (self.next <= #self.jobs and not self.ended)
  local snapshot = run:poll(busy and glance_ms or look_ms)
  self:pass_on_stop(snapshot)
  local now = system.monotonic()
  if run:ended() or now - self.shown_at < look_ms / 1000 then return end
  self.shown_at = now
  reporter:pause(snapshot)
  reporter:update(snapshot)
end

--- Runs jobs to their end, small ones side by side.
---@param jobs table[]
---@param settings lugger.run_settings
---@param options { log: string|nil, quiet: boolean|nil }
---@param calls lugger.abreast.calls
function abreast.run(jobs, settings, options, calls)
  local one_each = {} ---@type table<string, any>
  for key, setting in pairs(settings) do one_each[key] = setting end
  one_each.jobs = 1
  local most = settings.jobs or native.default_jobs()
  local self = setmetatable({ jobs = jobs, settings = settings, one_each = one_each, options = options, most = most,
    side_by_side = most > 1 and #jobs > 1 and suits(settings), at_work = {}, next = 1, asked = 0, shown_at = 0,
    alone = calls.alone, on_end = calls.on_end, on_stop = calls.on_stop }, abreast)
  repeat
    self:begin()
    if #self.at_work > 0 then self:wait() end
    self:tell_ended()
  until #self.at_work == 0 and (self.ended or self.next > #jobs)
end

return abreast
