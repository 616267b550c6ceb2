-- lugger describe PLACE --full: the census from flags to exit status.
local census = require 'lugger.census'
local census_view = require 'lugger.census_view'
local terminal = require 'lugger.terminal'

local census_command = {}

local function is_broken(taken)
  for _, item in ipairs(taken.collections) do
    if #item.breaks > 0 then return true end
  end
  return false
end

--- Takes the census and shows it. Status 1 when a source broke before its end: what was readable is shown.
---@param args table
---@param options table
---@return integer status
function census_command.run(args, options)
  local taken = census.take(args.place, options, {
    jobs = args.jobs, limit = args.limit, sample = args.sample,
  })
  if args.json then
    terminal.line(census.json(taken))
  else
    terminal.line(census_view.place(taken))
  end
  if taken.stopped then
    terminal.say('stopped: this is what was counted until then')
    return 130
  end
  if is_broken(taken) then
    terminal.fail('the source broke before its end; what was readable was counted')
    return 1
  end
  return 0
end

return census_command
