-- How far the jobs of a target are that follow changes, as the ledger has it.
local json = require 'lugger.inner.base.json_text'
local notices = require 'lugger.inner.view.notices'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local moves = {}

---@class lugger.move_status
---@field job string
---@field phase "copying"|"following"|"done"|"stopped"|"failed"|"abandoned"
---@field run string|nil that follows
---@field changes_to string|nil all changes before this are kept (copying) or applied; the source's own time, UTC
---@field kept integer keys of changes that wait for the end of the copy
---@field changes integer documents that were applied
---@field rejected integer
---@field noticed lugger.notice[]

-- The time that a position begins with.
local function time_of(position)
  return position and position:match('^time:(%S-)Z') or nil
end

local function stage_of(state, job)
  local feed, run = state:feed(job), state:latest_follow(job)
  if run and (not feed or run.status == 'running') then
    local position
    for _, partition in ipairs(state:partitions(run.run)) do
      if partition.id == 'changes' then position = partition.position end
    end
    return { job = job, phase = run.status == 'running' and 'following' or run.status, run = run.run,
      changes_to = time_of(position), kept = feed and tonumber(feed.spooled) or 0,
      changes = tonumber(run.tally.read), rejected = tonumber(run.tally.rejected) }
  end
  if not feed then return nil end
  return { job = job, phase = 'copying', changes_to = time_of(feed.position), kept = tonumber(feed.spooled),
    changes = 0, rejected = 0 }
end

local function of_job(state, job)
  local out = stage_of(state, job)
  if not out then return nil end
  out.noticed = json.list {}
  for _, notice in ipairs(state:notices(job)) do
    if notice.kind ~= 'collections' then table.insert(out.noticed, notice) end -- those that were there at first
  end
  return out
end

--- What the ledger knows of moves, by job.
---@param state lugger.native.state
---@return lugger.move_status[]
function moves.of(state)
  local out, seen = {}, {}
  for _, run in ipairs(state:runs(1000)) do
    if not seen[run.job] then
      seen[run.job] = true
      out[#out + 1] = of_job(state, run.job)
    end
  end
  table.sort(out, function(a, b) return a.job < b.job end)
  return out
end

--- Shows them as a table; nothing where there is none.
---@param state lugger.native.state
function moves.show(state)
  local found = moves.of(state)
  if #found == 0 then return end
  local rows = {}
  for _, one in ipairs(found) do
    rows[#rows + 1] = { one.job, one.phase, one.changes_to and one.changes_to:gsub('T', ' ') or '',
      terminal.group(one.kept), terminal.group(one.changes), terminal.group(one.rejected) }
  end
  terminal.line('moves')
  terminal.line(table_view.render({ 'job', 'phase', 'changes up to (UTC)', 'kept', 'applied', 'rejected' }, rows,
    { indent = '  ', right = { [4] = true, [5] = true, [6] = true } }))
  notices.show(found)
end

return moves
