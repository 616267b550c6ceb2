-- What is seen of a job that is moved, as figures: from them come progress, `lugger status` and the metrics.
local terminal = require 'lugger.inner.view.terminal'
local tonumber = tonumber --[[@as fun(count: any): number]]

local seen = {}

-- A quiet server writes something each ten seconds: less is no lag.
local quiet_s = 15
-- Behind this it catches up; until then it follows.
local near_s = 10
-- It is asked every five seconds, and answers within one.
local silent_s, silence = 15, 'no answer from the source'
-- What the source said longer ago says nothing of now.
local fresh_s = 30

---@class lugger.move_figures
---@field job string
---@field phase "waiting"|"copying"|"catching up"|"following"|"stopped"|"lost"
---@field stage string|nil of a copy whose documents are read
---@field run string|nil that copies or follows
---@field position_s number|nil all changes before this are kept (copying, settling) or applied, in seconds of the
---source
---@field changes_to string|nil the same as a time, UTC
---@field lag_s number|nil from there to where the source is
---@field read number documents that were copied, or changes that were applied
---@field read_per_s number
---@field percent number|nil of a copy
---@field kept number keys of changes that wait for the end of the copy, or to be settled
---@field keys_left number|nil the same, while they are settled
---@field rejected number by the run, whatever became of it
---@field oplog_s number|nil how far back the source's oplog reaches
---@field oplog_left_s number|nil how much of it lies before the position
---@field oplog_young boolean|nil it has let nothing go yet: it will reach back further than that
---@field oplog_probed boolean|nil it was measured by asking: it may reach back an eighth less
---@field rejects number|nil documents that are rejected, as it stands
---@field stale number|nil rows that are older than a document that was rejected
---@field log_kept_bytes number|nil how much of its log a PostgreSQL source keeps for the job's slot
---@field log_state string|nil the server's word for it
---@field alarm string|nil
---@field waits_for string|nil why it does nothing at the moment
---@field waits_s number|nil since a server that it waits for was heard of
---@field server_said string|nil what that said last
---@field ended boolean|nil it is not worked on any more
---@field reason string|nil why
---@field hint string|nil
---@field own_stream string|nil why its changes come by a stream of their own, and not by one that jobs share
---@field process string|nil that works on it: its host and pid
---@field source_fault string|nil why the source could not be asked how far it is

--- What has fallen behind follows no longer: it catches up.
---@param figures lugger.move_figures|table
function seen.name_lag(figures)
  if figures.phase == 'following' and (figures.lag_s or 0) > near_s then figures.phase = 'catching up' end
end

--- Adds what follows from the position and from what the source told of itself.
---@param figures lugger.move_figures
---@param source lugger.source_seen
function seen.measure(figures, source)
  local head, oldest, position = tonumber(source.head), tonumber(source.oldest), figures.position_s
  if source.fault ~= '' then figures.source_fault = source.fault end
  if source.own_stream ~= '' then figures.own_stream = source.own_stream end
  if source.slot ~= '' then seen.measure_log(figures, source) end
  -- Changes may come from a stream that jobs share, which waits by itself.
  if not figures.waits_for and source.age > silent_s then
    figures.waits_for, figures.waits_s, figures.server_said = silence, source.age, figures.source_fault
  end
  if not position or position <= 0 then return end
  figures.changes_to = os.date('!%Y-%m-%dT%H:%M:%S', position) --[[@as string]]
  local is_fresh = head > 0 and source.age >= 0 and source.age < fresh_s
  local apart = math.max(0, head - position)
  -- How far behind it was when its server was last heard of; since then nothing was applied.
  local waited = figures.waits_s and (figures.lag_s or not is_fresh and apart or 0) + figures.waits_s
  if is_fresh and (not figures.lag_s or apart > quiet_s) then figures.lag_s = math.max(figures.lag_s or 0, apart) end
  if waited then figures.lag_s = math.max(is_fresh and figures.lag_s or 0, waited) end
  seen.name_lag(figures)
  if head <= 0 or oldest <= 0 or oldest >= head then return end
  figures.oplog_s, figures.oplog_left_s = head - oldest, position - oldest
  figures.oplog_probed, figures.oplog_young = source.probed or nil, source.young or nil
  local lag = is_fresh and apart or figures.lag_s or 0
  if not source.young and lag > quiet_s and lag * 2 >= figures.oplog_s then figures.alarm = seen.alarm(figures, lag) end
end

--- Adds what the server keeps of its log for the job's slot.
---@param figures lugger.move_figures
---@param source lugger.source_seen
function seen.measure_log(figures, source)
  figures.log_kept_bytes, figures.log_state = tonumber(source.kept_bytes), source.kept_state
  local left = tonumber(source.kept_left)
  local bound = left < 0 and '' or (': %s more, and they are lost'):format(terminal.bytes(left))
  if source.kept_state == 'unreserved' then
    figures.alarm = ('the source removes changes that it has not read at its next checkpoint: its slot %s keeps %s, '
      .. 'more than max_slot_wal_keep_size'):format(source.slot, terminal.bytes(figures.log_kept_bytes))
  elseif source.kept_state == 'extended' then
    figures.alarm = ('the source keeps %s of its log for the slot %s, more than max_wal_size%s'):format(
      terminal.bytes(figures.log_kept_bytes), source.slot, bound)
  end
end

--- Why somebody should look now.
---@param figures lugger.move_figures
---@param lag number
---@return string
function seen.alarm(figures, lag)
  if figures.oplog_left_s < 0 then return 'the oplog no longer reaches back to its position' end
  return ('it is %s behind, and the oplog reaches back %s: %s are left'):format(terminal.duration(lag),
    terminal.duration(figures.oplog_s or 0), terminal.duration(figures.oplog_left_s or 0))
end

--- Of a copy and the spooler beside it.
---@param job string
---@param run lugger.run_snapshot
---@param spool lugger.spool_snapshot
---@return lugger.move_figures
function seen.copying(job, run, spool)
  local total, bytes = tonumber(run.total_bytes), tonumber(run.tally.bytes)
  local waits = spool.waits_for ~= '' and spool or run.waits_for ~= '' and run or nil
  return { job = job, phase = 'copying', stage = run.stage ~= 'reading' and run.stage or nil, run = run.run,
    position_s = tonumber(spool.seconds),
    read = tonumber(run.tally.read), rejected = tonumber(run.tally.rejected), read_per_s = 0,
    kept = tonumber(spool.spooled), percent = total > 0 and math.min(100, math.floor(bytes * 100 / total)) or nil,
    waits_for = waits and waits.waits_for, waits_s = waits and waits.silent_s > 0 and waits.silent_s or nil,
    server_said = waits and waits.lost ~= '' and waits.lost or nil }
end

--- Of a run that follows; `kept`: the last word of the copy's spooler, where this process had one.
---@param job string
---@param run lugger.run_snapshot
---@param kept lugger.spool_snapshot|nil
---@return lugger.move_figures
function seen.following(job, run, kept)
  local behind, settles = tonumber(run.behind_s), run.stage == 'settling'
  local waits = run.waits_for ~= '' and run or nil
  local position = tonumber(run.followed)
  if position == 0 and kept then position = tonumber(kept.seconds) end
  local read = tonumber(run.tally.read)
  return { job = job, phase = (settles or behind > near_s) and 'catching up' or 'following', run = run.run,
    position_s = position, lag_s = not settles and behind >= 0 and behind or nil, read = read, read_per_s = 0,
    rejected = tonumber(run.tally.rejected), kept = tonumber(run.kept),
    keys_left = settles and tonumber(run.kept) or nil,
    waits_for = waits and waits.waits_for, waits_s = waits and waits.silent_s > 0 and waits.silent_s or nil,
    server_said = waits and waits.lost ~= '' and waits.lost or nil }
end

--- Of a job that is not at work: it has not begun, or begins again.
---@param job string
---@param kept lugger.spool_snapshot|nil
---@param left_s number|nil until it begins again
---@param why string|nil what it failed by
---@return lugger.move_figures
function seen.waiting(job, kept, left_s, why)
  return { job = job, phase = 'waiting', read = 0, read_per_s = 0, rejected = 0,
    kept = kept and tonumber(kept.spooled) or 0, position_s = kept and tonumber(kept.seconds), server_said = why,
    waits_for = left_s and ('begins again in %d s'):format(math.ceil(left_s)) or 'for its turn' }
end

--- One line for people.
---@param figures lugger.move_figures
---@return string
function seen.sentence(figures)
  if figures.phase == 'waiting' then return ('%s: %s'):format(figures.job, figures.waits_for) end
  local share = figures.stage and (' (%s)'):format(figures.stage)
    or figures.percent and (' %d %%'):format(figures.percent) or ''
  local parts = { ('%s: %s%s'):format(figures.job, figures.phase, share) }
  local function add(text) parts[#parts + 1] = text end
  if figures.phase == 'copying' then
    add(terminal.count(figures.read, 'document'))
    add(terminal.count(figures.kept, 'change') .. ' kept')
  else
    -- How far it is behind is not known while nobody answers.
    if figures.lag_s and not figures.waits_for then add(('%d s behind'):format(figures.lag_s)) end
    if figures.keys_left then add(terminal.count(figures.keys_left, 'change') .. ' to be settled') end
    add(terminal.count(figures.read, 'change'))
  end
  local rejects = tonumber(figures.rejects or figures.rejected)
  if rejects > 0 then add(terminal.count(rejects, 'reject')) end
  if figures.stale and tonumber(figures.stale) > 0 then add(terminal.count(figures.stale, 'stale row')) end
  local line = table.concat(parts, ', ')
  if figures.waits_for then line = line .. '; ' .. seen.wait(figures) end
  return line
end

--- Why it waits, and for how long it has.
---@param figures lugger.move_figures
---@return string
function seen.wait(figures)
  local since = figures.waits_s and (' for %s'):format(terminal.duration(figures.waits_s)) or ''
  return ('waits%s: %s'):format(since, figures.waits_for)
end

return seen
