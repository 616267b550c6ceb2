-- Files that the jobs of a script write. A run writes its file from the start, so each job needs its own.
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'

local outputs = {}

-- nil: the place is no file, or several jobs may write to it.
local function file_of(job)
  if not job.plan or not job.target then return nil end
  local place = job:target()
  if place == '-' then return nil end
  for _, option in ipairs(native.target_options(place)) do
    if option.name == 'documents' then return (place:gsub('^%./', '')) end
  end
end

--- Refuses two jobs that write to one file: the second would put its lines in the place of the first one's.
---@param jobs table[]
function outputs.refuse_shared(jobs)
  local writers = {} ---@type table<string, string>
  for _, job in ipairs(jobs) do
    local file = file_of(job)
    local other = file and writers[file] ---@type string|nil
    if other then
      fault.raise('config', ('%s and %s both write to %s: a run writes its file from the start, so the lines of the '
        .. 'first would be lost'):format(other, job:name(), file), 'give each of them a file of its own')
    elseif file then
      writers[file] = job:name()
    end
  end
end

return outputs
