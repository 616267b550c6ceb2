-- Runs a fix or an undo: progress, pauses, stop, exit status.
local native = require 'lugger.native'
local progress = require 'lugger.inner.job.progress'
local runner = require 'lugger.inner.job.runner'
local script = require 'lugger.inner.script.script'
local summary = require 'lugger.inner.job.summary'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local fix_runner = {}

---@class lugger.fix_settings
---@field apply boolean|nil write; without it nothing is written
---@field restart boolean|nil forget an unfinished run of this fix
---@field accept_changes boolean|nil go on although the script changed
---@field limit integer|nil rows to look at
---@field limit_shown integer|nil rows shown, of each kind; 10 when not given
---@field window string|nil hours it works in: '22:00-05:00'

---@class lugger.fix_outcome
---@field result lugger.run_result
---@field report lugger.fix_report

local outcome_meta = {
  __name = 'fix_outcome',
  __tostring = function(self) return require('lugger.inner.fix.view').text(self) end,
}

local plain_every_s = 5

---@class lugger.fix.reporter
---@field job string
---@field mode string "none", "live", "plain" or "json"
---@field told_at number
---@field live boolean|nil a line is being written over
local Reporter = {}
Reporter.__index = Reporter
Reporter.pause, Reporter.remark = progress.pause, progress.remark

local function reporter(name, options)
  local live = terminal.is_terminal(2) and system.getenv('TERM') ~= 'dumb' and not options.log
  local quiet = options.quiet or options.log == 'none'
  return setmetatable({ job = name, mode = quiet and 'none' or options.log or live and 'live' or 'plain',
    told_at = system.monotonic() }, Reporter)
end

---@private
function Reporter:finish()
  if self.live then io.stderr:write('\r\27[K') end
  self.live = false
end

---@private
function Reporter:update(snapshot)
  if self.mode == 'none' or snapshot.waits_for ~= '' then return end
  local tally = snapshot.tally
  local counting = snapshot.stage == 'counting'
  local line = ('%s: %s looked at, %s %s'):format(self.job, terminal.count(tally.read, 'row'),
    terminal.group(tally.updated), counting and 'would change' or 'changed')
  if tonumber(tally.rejected) > 0 then line = line .. ', ' .. terminal.group(tally.rejected) .. ' rejected' end
  if self.mode == 'live' then
    io.stderr:write('\r\27[K', table_view.cut(line, terminal.width() - 1))
    self.live = true
    return
  end
  local now = system.monotonic()
  if now - self.told_at < plain_every_s then return end
  self.told_at = now
  if self.mode == 'json' then
    terminal.event('progress', { job = self.job, run = snapshot.run, stage = snapshot.stage,
      read = tonumber(tally.read), changed = tonumber(tally.updated), rejected = tonumber(tally.rejected),
      seconds = snapshot.seconds })
  else
    terminal.say(line)
  end
end

--- Runs it to its end. Raises errors that occur before the first row; later ones are in the result.
---@param work lugger.fix|lugger.undo
---@param settings lugger.fix_settings
---@param options { log: string|nil, quiet: boolean|nil }
---@return lugger.fix_outcome
function fix_runner.run(work, settings, options)
  local before = system.interrupt_raises(false)
  local ok, outcome = pcall(function()
    local run = work:start(settings)
    local told = reporter(work:name(), options)
    local out = setmetatable({ result = runner.watch(run, told, options), report = run:report() }, outcome_meta)
    run:close()
    return out
  end)
  system.interrupt_raises(before)
  if not ok then error(outcome, 0) end
  return outcome
end

--- The exit status of an outcome.
---@param outcome lugger.fix_outcome
---@return integer
function fix_runner.status(outcome)
  local result = outcome.result
  if result.status == 'failed' then return 1 end
  if result.status == 'stopped' then return 130 end
  if not summary.balanced(result.tally) then return 1 end
  return tonumber(result.tally.rejected) > 0 and 3 or 0
end

--- For scripts and the prompt: returns the outcome or raises an error.
---@param work lugger.fix|lugger.undo
---@param settings lugger.fix_settings|nil
---@param apply boolean
---@return lugger.fix_outcome
function fix_runner.run_or_raise(work, settings, apply)
  local all = {} ---@type table<string, any>
  for key, v in pairs(settings or {}) do all[key] = v end
  all.apply = apply
  local outcome = fix_runner.run(work, all --[[@as lugger.fix_settings]], { quiet = script.context() ~= nil })
  local result = outcome.result
  if result.status == 'failed' then
    error(native.error(result.error_code ~= '' and result.error_code or 'bug', result.error, result.hint), 0)
  end
  return outcome
end

return fix_runner
