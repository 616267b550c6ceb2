-- What `lugger move` and `lugger follow` share.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local detached = require 'lugger.inner.cli.detached'
local move = require 'lugger.inner.job.move'
local native = require 'lugger.native'
local renewal = require 'lugger.inner.cli.renewal'
local runner = require 'lugger.inner.job.runner'
local summary = require 'lugger.inner.job.summary'
local terminal = require 'lugger.inner.view.terminal'

local following = {}

--- The flags that both have behind their own.
following.flags = {
  { 'accept-changes', 'go on although the script changed since' },
  { 'redact', 'keep rejects without their documents; such rejects cannot be retried' },
  { 'metrics', 'serve figures to Prometheus on this port of this machine: http://127.0.0.1:PORT/metrics',
    value = 'PORT', type = 'int', least = 1 },
  { 'detach', 'go on when the terminal closes; output goes to ./.lugger/' },
  { 'log', 'form of the progress', value = 'FORM', choices = { 'json', 'plain', 'none' } },
  { 'quiet', 'tell only errors', short = 'q' },
}

--- The jobs of the command's script, behind the terminal's back where --detach says so.
---@param args table
---@return table[] jobs
---@return boolean create whether the script asks for missing tables
function following.load(args)
  if args.detach then detached.go(args) end
  local loaded = cli.load(args)
  return cli.jobs(loaded), loaded.create
end

-- Serves the figures, if that is asked for.
local function metrics_of(args)
  if not args.metrics then return nil end
  if args.metrics > 65535 then
    config.raise(('%d is no port'):format(args.metrics), 'name one, as in --metrics 9187')
  end
  local port = native.metrics(args.metrics)
  if not args.quiet then terminal.say(('metrics: http://127.0.0.1:%d/metrics'):format(port:port())) end
  return port
end

-- What is seen to from time to time by whatever runs for weeks.
local function tidy()
  renewal.look()
  detached.keep_small()
end

--- Runs the move of a command and returns its exit status.
---@param jobs table[]
---@param args table
---@param settings lugger.move_settings
---@return integer
function following.run(jobs, args, settings)
  for _, job in ipairs(jobs) do
    if not job.plan then
      config.raise(job:name() .. ' is a task: it reads its source once, and follows no changes',
        'put copies into the script: return lugger.move { jobs = { lugger.copy { ... } } }')
    end
  end
  local options = { log = args.log, quiet = args.quiet, script = cli.script_line(args), resume = cli.resume_line(args),
    same = cli.same_line(args), metrics = metrics_of(args), tidy = tidy }
  tidy()
  local results = {}
  runner.without_interrupts(function() results = move.run(jobs, settings, options) end)
  if args.log ~= 'json' then summary.print(results, #jobs, options) end
  return runner.status(results)
end

return following
