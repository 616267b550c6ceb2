-- The flag --max-source-mbps.
local config = require 'lugger.inner.cli.config'

local source_speed = {}

local least = 0.1 -- below it a cursor could wait longer for its next batch than the server keeps it

--- What the flag leaves to each of `jobs` that read side by side; nil: as fast as it goes.
---@param args table
---@param jobs integer|nil 1 when not given
---@return number|nil
function source_speed.of(args, jobs)
  local all = args.max_source_mbps
  if not all then return nil end
  local each = all / math.max(jobs or 1, 1)
  if each < least then
    config.raise(('--max-source-mbps %g leaves less than %g MB a second to each of %d jobs'):format(all, least,
      jobs or 1), 'give it more, or take the jobs one by one')
  end
  return each
end

return source_speed
