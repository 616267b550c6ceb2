-- Progress of a run, on standard error: a line that is updated on a terminal, otherwise a line from time to time, or
-- JSON lines.
local native = require 'lugger.native'
local stage_view = require 'lugger.inner.view.stage'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system
local tonumber = tonumber --[[@as fun(count: any): integer]]

---@class lugger.progress
---@field job string
---@field mode string
---@field samples table<integer, { [1]: number, [2]: integer, [3]: integer }> seconds, documents and bytes
---@field told_at number
---@field live boolean whether a line is shown that is updated
---@field waits_for string|nil
---@field on_progress nil|fun(figures: lugger.progress_figures)
local progress = {}
progress.__index = progress

local plain_every_s = 5
local window_s = 10 -- the rate is measured over this time, not over the whole run

--- A reporter for one job. Modes: "live", "plain", "json", "none"; nil picks live on a terminal, plain elsewhere.
---@param job string
---@param mode string|nil
---@return lugger.progress
function progress.new(job, mode)
  mode = mode or (terminal.is_terminal(2) and system.getenv('TERM') ~= 'dumb' and 'live' or 'plain')
  return setmetatable({ job = job, mode = mode, samples = {}, told_at = system.monotonic(), live = false }, progress)
end

local function share(snapshot)
  local total = tonumber(snapshot.total_bytes) or 0
  if total <= 0 then return nil end
  return math.min(1, tonumber(snapshot.tally.bytes) / total)
end

--- Documents and bytes a second, over the last seconds.
---@param snapshot lugger.run_snapshot
---@return number rows_per_s
---@return number bytes_per_s
function progress:rates(snapshot)
  local now, samples = system.monotonic(), self.samples
  samples[#samples + 1] = { now, tonumber(snapshot.tally.read), tonumber(snapshot.tally.bytes) }
  while #samples > 2 and now - samples[1][1] > window_s do table.remove(samples, 1) end
  local first = samples[1]
  local seconds = now - first[1]
  if seconds <= 0.2 then return 0, 0 end
  return (tonumber(snapshot.tally.read) - first[2]) / seconds, (tonumber(snapshot.tally.bytes) - first[3]) / seconds
end

---@class lugger.progress_figures
---@field job string
---@field run string
---@field stage string
---@field read integer documents
---@field rejected integer
---@field bytes integer
---@field total_bytes integer 0 when unknown
---@field rows_per_s integer
---@field bytes_per_s integer
---@field percent number|nil
---@field seconds number
---@field seconds_left integer|nil
---@field waits_for string|nil why it does nothing at the moment

--- All figures that are shown.
---@param snapshot table
---@return lugger.progress_figures
function progress:figures(snapshot)
  local rows_s, bytes_s = self:rates(snapshot)
  local part = share(snapshot)
  local left
  local building = snapshot.stage == 'index' or snapshot.stage == 'constrain'
  if part and bytes_s > 0 then left = (tonumber(snapshot.total_bytes) - tonumber(snapshot.tally.bytes)) / bytes_s end
  local figures = {
    job = self.job, run = snapshot.run, stage = snapshot.stage, read = tonumber(snapshot.tally.read),
    bytes = tonumber(snapshot.tally.bytes), total_bytes = tonumber(snapshot.total_bytes),
    rows_per_s = math.floor(rows_s),
    bytes_per_s = math.floor(bytes_s), percent = part and math.floor(part * 1000) / 10 or nil,
    seconds_left = left and math.max(0, math.floor(left + 0.5)) or nil, rejected = tonumber(snapshot.tally.rejected),
    seconds = math.floor(tonumber(snapshot.seconds) * 1000) / 1000,
    waits_for = (snapshot.waits_for or '') ~= '' and snapshot.waits_for or nil,
  }
  if building then
    for key, value in pairs(stage_view.fields(snapshot)) do figures[key] = value end
    figures.building = stage_view.sentence(snapshot)
  end
  return figures
end

local function joined(parts)
  return table.concat(parts, ' · ')
end

-- On a narrow terminal, parts are dropped in this order.
local dropped_first = { 'rates', 'bytes', 'left', 'percent' }

--- One line for people, of at most `width` columns.
---@param figures table
---@param width integer|nil
---@return string
function progress.sentence(figures, width)
  if figures.building then
    return joined { ('%s: %s'):format(figures.job, figures.building), terminal.duration(figures.seconds) }
  end
  local count = ('%s: %s'):format(figures.job, terminal.count(figures.read, 'document'))
  if figures.stage == 'finishing' then
    return joined { count, 'finishing (keys, statistics)', terminal.duration(figures.seconds) }
  end
  local moving = figures.rows_per_s > 0
  local facts = {
    bytes = terminal.bytes(figures.bytes),
    percent = figures.percent and ('%.0f%%'):format(figures.percent),
    rates = moving and ('%s/s, %s/s'):format(terminal.group(figures.rows_per_s), terminal.bytes(figures.bytes_per_s)),
    left = moving and figures.seconds_left and terminal.duration(figures.seconds_left) .. ' left',
    rejects = figures.rejected > 0 and terminal.count(figures.rejected, 'reject'),
  }
  local line = ''
  for dropping = 0, #dropped_first do
    if dropping > 0 then facts[dropped_first[dropping]] = nil end
    local parts = { count }
    for _, name in ipairs { 'bytes', 'percent', 'rates', 'left', 'rejects' } do
      if facts[name] then parts[#parts + 1] = facts[name] end
    end
    line = joined(parts)
    if not width or table_view.text_width(line) <= width then break end
  end
  return line
end

--- Passes on what is to be said of the source.
---@param snapshot table
function progress:remark(snapshot)
  for _, remark in ipairs(snapshot.remarks or {}) do
    if self.mode ~= 'none' then
      self:finish()
      terminal.warn(('%s: %s'):format(self.job, remark))
    end
  end
end

--- Reports that a run waits, with the reason, and that it continues.
---@param snapshot table
function progress:pause(snapshot)
  self:remark(snapshot)
  local reason = snapshot.waits_for or ''
  if reason == (self.waits_for or '') then return end
  self.waits_for = reason
  if self.mode == 'none' then return end
  self:finish()
  if self.mode == 'json' then
    terminal.event(reason == '' and 'goes_on' or 'waits', { job = self.job, run = snapshot.run, reason = reason })
  else
    terminal.say(self.job, reason == '' and ': goes on' or ': waits: ' .. reason)
  end
end

--- Reports the state of the run, if enough time has passed.
---@param snapshot table
function progress:update(snapshot)
  if self.mode == 'none' and not self.on_progress then return end
  local figures = self:figures(snapshot)
  if self.on_progress then self.on_progress(figures) end
  if self.mode == 'none' then return end
  -- Falling rates of a run that waits would look as if it went on.
  if (self.waits_for or '') ~= '' and self.mode ~= 'json' then return end
  if self.mode == 'live' then
    local width = terminal.width() - 1
    local line = table_view.cut(progress.sentence(figures, width), width)
    io.stderr:write('\r\27[K', line)
    self.live = true
    return
  end
  local now = system.monotonic()
  if now - self.told_at < plain_every_s then return end
  self.told_at = now
  if self.mode == 'json' then
    terminal.event('progress', figures)
  else
    terminal.say(progress.sentence(figures))
  end
end

--- Reports the end of the run to the script that asked for it.
---@param snapshot table
function progress:ended(snapshot)
  if self.on_progress then self.on_progress(self:figures(snapshot)) end
end

--- Clears the live line, so that other text can follow.
function progress:finish()
  if self.live then io.stderr:write('\r\27[K') end
  self.live = false
end

return progress
