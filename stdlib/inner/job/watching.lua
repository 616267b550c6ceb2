-- Looks at jobs that are moved while they are: tells their ledgers, raises the alarm, serves the metrics.
local json = require 'lugger.inner.base.json_text'
local metrics = require 'lugger.inner.job.metrics'
local native = require 'lugger.native'
local seen = require 'lugger.inner.job.seen'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system
local tonumber = tonumber --[[@as fun(count: any): number|nil]]

local function whole(seconds)
  return math.floor(seconds or 0)
end

local look_every_s = 1
local ask_every_s = 5
local rate_over_s = 10

---@class lugger.watching
---@field steps lugger.move_step[]
---@field options table
---@field watch lugger.native.watch
---@field figures lugger.move_figures[] of each step, as of the last look
---@field samples table<integer, { [1]: number, [2]: number }[]> seconds and what was read until then
---@field looked_at number
---@field port lugger.native.metrics|nil
local watching = {}
watching.__index = watching

--- Begins to look at them. Their places are open.
---@param steps lugger.move_step[]
---@param options lugger.move_options
---@return lugger.watching
function watching.new(steps, options)
  local handles, samples = {}, {}
  for i, step in ipairs(steps) do handles[i], samples[i] = step.job:handle(), {} end
  return setmetatable({ steps = steps, options = options, watch = native.watch(handles, ask_every_s), figures = {},
    samples = samples, looked_at = 0, port = options.metrics }, watching)
end

--- Changes or documents a second, over the last seconds and not over the weeks.
---@param place integer of the step
---@param read number how many were read until now
---@return number
function watching:rate(place, read)
  local now, samples = system.monotonic(), self.samples[place]
  samples[#samples + 1] = { now, read }
  while #samples > 2 and now - samples[1][1] > rate_over_s do table.remove(samples, 1) end
  local first = assert(samples[1])
  return now - first[1] < look_every_s / 2 and 0 or math.max(0, (read - first[2]) / (now - first[1]))
end

--- Tells when an alarm begins or ends.
---@param figures table
---@param before table|nil the figures of the look before
function watching:tell_alarm(figures, before)
  local had = before and before.alarm
  if not had == not figures.alarm or self.options.quiet then return end
  if self.options.log == 'json' then
    terminal.event('alarm', { job = figures.job, alarm = figures.alarm or '' })
  elseif figures.alarm then
    terminal.warn(('%s: %s'):format(figures.job, figures.alarm))
  else
    terminal.say(figures.job, figures.log_state and ': the source keeps no more of its log than it may'
      or ': the oplog reaches back far enough again')
  end
end

--- Takes the figures of each step that is under way, once a second. `clear`: called before a line is written.
---@param clear fun()
function watching:look(clear)
  local now = system.monotonic()
  if now - self.looked_at < look_every_s then return end
  self.looked_at = now
  if self.options.tidy then self.options.tidy() end
  for i, step in ipairs(self.steps) do
    if step.phase ~= 'ended' then
      local before, figures = self.figures[i], step:figures()
      seen.measure(figures, self.watch:seen(i))
      figures.process = system.process()
      local rejects, stale = self.watch:rejects(i)
      figures.rejects, figures.stale = tonumber(rejects), tonumber(stale)
      figures.read_per_s = math.floor(self:rate(i, figures.read or 0) * 10 + 0.5) / 10
      self.figures[i] = figures
      if figures.alarm or before and before.alarm then clear() end
      self:tell_alarm(figures, before)
      local news = not before or before.phase ~= figures.phase or not before.alarm ~= not figures.alarm
      self.watch:tell(i, whole(figures.position_s), json.encode(figures), news)
    elseif not self.figures[i] or not self.figures[i].ended then
      self:tell_end(i, step)
    end
  end
  if self.port then self.port:set(metrics.text(self.figures)) end
end

--- Keeps why a job is not worked on any more.
---@param place integer of the step
---@param step lugger.move_step
function watching:tell_end(place, step)
  local result, figures = assert(step.result), self.figures[place] or step:figures()
  figures.phase, figures.ended = result.position_lost and 'lost' or 'stopped', true
  figures.alarm, figures.waits_for, figures.waits_s, figures.read_per_s = nil, nil, nil, 0
  figures.reason = result.error ~= '' and result.error or 'it was stopped'
  figures.hint = result.hint ~= '' and result.hint or nil
  self.figures[place] = figures
  self.watch:tell(place, whole(figures.position_s), json.encode(figures), true)
end

--- Tells what became of all, and ends.
function watching:close()
  for i, step in ipairs(self.steps) do
    if step.phase == 'ended' and not (self.figures[i] and self.figures[i].ended) then self:tell_end(i, step) end
  end
  self.watch:close()
  if self.port then self.port:close() end
end

return watching
