-- lugger describe PLACE --full: the census from flags to exit status.
local census = require 'lugger.inner.census.census'
local census_forecast = require 'lugger.inner.census.forecast'
local census_view = require 'lugger.inner.census.view'
local native = require 'lugger.native'
local oplog_view = require 'lugger.inner.view.oplog'
local terminal = require 'lugger.inner.view.terminal'

local census_command = {}

local newest_server = 8

local function is_broken(taken)
  for _, item in ipairs(taken.collections) do
    if #item.breaks > 0 then return true end
  end
  return false
end

local function write_page(file, taken)
  native.system.write_file(file, require('lugger.inner.census.html').page(taken))
  terminal.say('wrote ', file)
end

local function warn_of_size(taken)
  local total = taken.forecast
  if total and math.max(total.source_bytes, total.table_bytes) > census_forecast.large_bytes then
    terminal.warn(('%s is more than 50 GB: check disk space for twice that on the target, and consider splitting '
      .. 'the run'):format(terminal.bytes(math.max(total.source_bytes, total.table_bytes))))
  end
end

-- A newer server may write types that this version does not know.
local function warn_of_version(taken)
  local major = tonumber((taken.server_version or ''):match('^(%d+)%.'))
  if major and major > newest_server then
    terminal.warn(('the dump was written by MongoDB %s; lugger is tested with versions up to %d'):format(
      taken.server_version, newest_server))
  end
end

--- Takes the census and shows it. Status 1 when a source could not be read to its end; what was read is shown.
---@param args table
---@param options table
---@return integer status
function census_command.run(args, options)
  local taken = census.take(args.place, options, {
    jobs = args.jobs, limit = args.limit, sample = args.sample, references = args.references,
    trial = not args.no_trial,
  })
  if args.html then write_page(args.html, taken) end
  if args.json then
    terminal.line(census.json(taken))
  elseif not args.html then
    terminal.line(census_view.place(taken))
  end
  warn_of_size(taken)
  warn_of_version(taken)
  for _, item in ipairs(taken.collections) do
    for _, warning in ipairs(item.info.warnings) do terminal.warn(item.name .. ': ' .. warning) end
    oplog_view.advise(item.info.advice)
    if item.trial_failed then terminal.warn(item.name .. ': no forecast: ' .. item.trial_failed) end
  end
  local failed = false
  for _, item in ipairs(taken.passed) do
    terminal.warn(('%s: not counted: %s'):format(item.name, item.reason))
    failed = failed or item.failed
  end
  if taken.stopped then
    terminal.say('stopped: this is what was counted until then')
    return 130
  end
  if is_broken(taken) then
    terminal.fail('the source broke before its end; what was readable was counted')
    return 1
  end
  return failed and 1 or 0
end

return census_command
