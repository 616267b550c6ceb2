-- Why jobs failed, as it is told on standard error.
local terminal = require 'lugger.inner.view.terminal'

---@class lugger.failed_job
---@field job string
---@field status "failed"
---@field error string
---@field cause any
---@field told boolean|nil

local failures = {}

local function cause_of(result)
  local text = result.error
  if result.hint and result.hint ~= '' and not text:find(result.hint, 1, true) then
    text = text .. '; ' .. result.hint
  end
  return text
end

local shown_jobs = 3

-- A text that begins with the job's name says itself which job it is of.
local function of_job(name, text)
  local begins = text:sub(1, #name) == name and text:sub(#name + 1, #name + 1):match '^[ :]'
  return begins and text or name .. ': ' .. text
end

local function list_jobs(names)
  local more = #names - shown_jobs
  return table.concat(names, ', ', 1, math.min(#names, shown_jobs))
    .. (more > 0 and (' and %d more'):format(more) or '')
end

-- Failures that were told when they came about.
local function tell_told(results)
  local names = {}
  for _, result in ipairs(results) do
    if result.status == 'failed' and result.told then names[#names + 1] = result.job end
  end
  if #names > 0 then
    terminal.say(list_jobs(names), ': failed before, as is told above')
  end
end

--- Tells why jobs failed. A cause that several share, such as a server that cannot be reached, is printed once; a
--- failure that was told before is only mentioned.
---@param results (lugger.attempt_result|lugger.failed_job)[]
function failures.tell(results)
  local causes, jobs = {}, {} ---@type string[], table<string, string[]>
  for _, result in ipairs(results) do
    if result.status == 'failed' and not result.told then
      local cause = cause_of(result)
      if not jobs[cause] then
        causes[#causes + 1] = cause
        jobs[cause] = {}
      end
      table.insert(jobs[cause], result.job)
    end
  end
  for _, cause in ipairs(causes) do
    local names = jobs[cause]
    terminal.fail(#names == 1 and of_job(names[1], cause) or list_jobs(names) .. ': ' .. cause)
  end
  tell_told(results)
end

return failures
