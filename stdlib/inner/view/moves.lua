-- How far the jobs of a target are that are moved: what the process that moves them told last, and what the ledger has.
local json = require 'lugger.inner.base.json_text'
local json_value = require 'lugger.inner.base.json_value'
local native = require 'lugger.native'
local notices = require 'lugger.inner.view.notices'
local seen = require 'lugger.inner.job.seen'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system
local tonumber = tonumber --[[@as fun(count: any): number|nil]]

local moves = {}

-- What is told every few seconds was not told for as long: its process is stuck, or cannot reach the ledger.
local silent_s = 30

---@class lugger.move_status: lugger.move_figures
---@field phase "waiting"|"copying"|"catching up"|"following"|"done"|"stopped"|"failed"|"abandoned"|"lost"|"not known"
---@field holder string|nil the process that works on it
---@field told_s number|nil since that told of it
---@field reason string|nil why nobody works on it
---@field hint string|nil what to do then
---@field noticed lugger.notice[]
---@field changes integer the same as read, of a job that follows
---@field resume string|nil the command that goes on with what was stopped

local texts = { 'phase', 'stage', 'run', 'changes_to', 'alarm', 'waits_for', 'server_said', 'source_fault', 'reason',
  'hint', 'own_stream', 'process', 'log_state' }
local numbers = { 'position_s', 'lag_s', 'read', 'read_per_s', 'percent', 'kept', 'keys_left', 'rejected', 'rejects',
  'stale', 'oplog_s', 'oplog_left_s', 'waits_s', 'log_kept_bytes' }

-- The time that a position begins with.
local function time_of(position)
  return position and position:match('^time:(%S-)Z') or nil
end

-- Of a job that no process told of: what the ledger has.
local function of_ledger(state, job)
  local feed, run = state:feed(job), state:latest_follow(job)
  if run and (not feed or run.status == 'running') then
    local position
    for _, partition in ipairs(state:partitions(run.run)) do
      if partition.id == 'changes' then
        position = partition.position ~= '' and partition.position or partition.start
      end
    end
    local phase = run.status == 'running' and (feed and 'catching up' or 'following') or run.status
    return { job = job, phase = phase, run = run.run,
      changes_to = time_of(feed and feed.position or position), kept = feed and tonumber(feed.spooled) or 0,
      changes = tonumber(run.tally.read), rejected = tonumber(run.tally.rejected) }
  end
  if not feed then return nil end
  return { job = job, phase = 'copying', changes_to = time_of(feed.position), kept = tonumber(feed.spooled),
    changes = 0, rejected = 0 }
end

-- Does the process live? nil: it cannot be seen from here. A number may be another program's by now.
local function lives(process)
  local host, pid = (process or ''):match('^(.*) pid (%d+)$')
  if not host or host ~= system.process():match('^(.*) pid %d+$') then return nil end
  local found, command = pcall(system.read_file, ('/proc/%s/cmdline'):format(pid))
  return found and command:find('lugger', 1, true) ~= nil
end

-- A process without its lock has ended, or has lost its connection to the ledger and not found back yet.
local function without_lock(out, age)
  local alive, ago = lives(out.process), terminal.duration(age)
  if alive == false then
    out.reason = ('its process ended without a word; it was last heard of %s ago'):format(ago)
    out.phase, out.waits_for, out.waits_s, out.alarm, out.read_per_s = 'stopped', nil, nil, nil, 0
    return
  end
  if out.phase == 'waiting' and age < silent_s then return end -- it works on nothing yet
  out.lag_s, out.read_per_s = out.lag_s and out.lag_s + age, 0
  seen.name_lag(out)
  if alive then
    out.waits_for = ('%s lives, and has no connection to this ledger'):format(out.process)
    out.waits_s, out.server_said = age, nil
    return
  end
  out.phase, out.waits_for, out.waits_s, out.alarm = 'not known', nil, nil, nil
  out.reason = ('%s has told nothing for %s, and has no connection to this ledger: it ended, or cannot reach it')
    :format(out.process or 'its process', ago)
end

-- What a process told; one that is gone without a word is stopped.
local function of_process(told, ledger)
  local facts = json_value.of(told.facts, native.json_decode(told.facts))
  local out = { job = told.job } ---@type table<string, any>
  for _, name in ipairs(texts) do out[name] = facts[name] end
  for _, name in ipairs(numbers) do out[name] = tonumber(facts[name]) end
  out.oplog_probed, out.oplog_young = facts.oplog_probed or nil, facts.oplog_young or nil
  out.told_s = math.floor(told.age * 10 + 0.5) / 10
  out.holder = told.holder ~= '' and told.holder or nil
  local ended = out.phase == 'stopped' or out.phase == 'lost'
  if not ended and told.holder == '' then without_lock(out, told.age) end
  -- The ledger has more of what was committed at the very end.
  if ledger and ended or out.reason then out.changes_to = ledger and ledger.changes_to or out.changes_to end
  -- One that was refused has applied nothing; the run that it is to go on with has.
  out.changes = math.max(out.phase ~= 'copying' and out.read or 0, ended and ledger and ledger.changes or 0)
  out.rejected, out.kept = out.rejected or 0, out.kept or 0
  return out
end

-- What was noticed, without what was there at first.
local function noticed(state, job)
  local out = json.list {}
  for _, notice in ipairs(state:notices(job)) do
    if notice.kind ~= 'collections' then table.insert(out, notice) end
  end
  return out
end

--- What is known of moves, by job.
---@param state lugger.native.state
---@param jobs table<string, boolean>|nil of these names alone
---@return lugger.move_status[]
function moves.of(state, jobs)
  local out, known, told = {}, {}, {}
  for _, one in ipairs(state:told()) do told[one.job] = one end
  for _, run in ipairs(state:runs(1000)) do
    if not known[run.job] and (not jobs or jobs[run.job]) then
      known[run.job] = true
      local ledger = of_ledger(state, run.job)
      local one = ledger and told[run.job] and of_process(told[run.job], ledger) or ledger
      if one then
        local ended = one.phase == 'stopped' or one.phase == 'failed'
        one.resume = ended and run.command ~= '' and run.command or nil
        if one.phase == 'not known' and run.command ~= '' then
          one.hint = 'look for it there; where it is gone, go on with: ' .. run.command
        end
        one.noticed = noticed(state, run.job)
        out[#out + 1] = one
      end
    end
  end
  table.sort(out, function(a, b) return a.job < b.job end)
  return out
end

-- What a column of the table cannot say.
local function notes(one)
  local out = {}
  local function add(text) out[#out + 1] = text end
  if one.alarm then add('alarm: ' .. one.alarm) end
  if one.waits_for then add(seen.wait(one) .. (one.server_said and ': ' .. one.server_said or '')) end
  if one.holder and one.told_s and one.told_s > silent_s and not one.reason then
    add(('%s has told nothing for %s'):format(one.holder, terminal.duration(one.told_s)))
  end
  if one.reason then add(one.phase .. ': ' .. one.reason) end
  if one.hint then add(one.hint) end
  if one.source_fault and not one.waits_for then
    add('the source cannot be asked how far it is: ' .. one.source_fault)
  end
  return out
end

-- The jobs that have the same text, by text in the order of the jobs: "a -> b and 2 others".
local function grouped(found, text_of)
  local texts_found, of = {}, {} ---@type string[], table<string, string[]>
  for _, one in ipairs(found) do
    local text = text_of(one)
    if text and not of[text] then texts_found[#texts_found + 1], of[text] = text, {} end
    if text then table.insert(of[text], one.job) end
  end
  local out = {}
  for i, text in ipairs(texts_found) do
    local jobs = of[text] or {}
    local others = #jobs > 1 and (' and %s'):format(terminal.count(#jobs - 1, 'other')) or ''
    out[i] = { text = text, jobs = jobs[1] .. others, all = #jobs == #found }
  end
  return out
end

-- Of jobs whose changes come by streams of their own.
local function streams(found)
  for _, one in ipairs(grouped(found, function(job) return not job.reason and job.own_stream or nil end)) do
    terminal.line('  ', one.jobs, ': ', (terminal.printable(one.text)))
  end
end

-- How those go on that have stopped.
local function ways_on(found)
  for _, one in ipairs(grouped(found, function(job) return job.resume end)) do
    terminal.line('  ', one.all and '' or one.jobs .. ': ', 'go on with: ', one.text)
  end
end

local function seconds(value)
  return value and terminal.duration(value) or ''
end

-- Of an oplog that has let nothing go yet only its age is known; of one that may not be read not even that.
local function oplog_left(one)
  if one.log_kept_bytes then return one.reason and '' or terminal.bytes(one.log_kept_bytes) .. ' kept' end
  if not one.oplog_left_s then return one.lag_s and not one.reason and 'not known' or '' end
  return (one.oplog_young and 'at least ' or '') .. seconds(math.max(0, one.oplog_left_s))
end

--- Shows them as a table; nothing where there is none.
---@param state lugger.native.state
---@param jobs table<string, boolean>|nil of these names alone
function moves.show(state, jobs)
  local found = moves.of(state, jobs)
  if #found == 0 then return end
  local rows = {}
  for _, one in ipairs(found) do
    local share = one.percent and one.phase == 'copying' and (' %d %%'):format(one.percent) or ''
    rows[#rows + 1] = { one.job, one.phase .. share, one.changes_to and one.changes_to:gsub('T', ' ') or '',
      seconds(one.lag_s), one.read_per_s and ('%.0f'):format(one.read_per_s) or '', terminal.group(one.kept),
      terminal.group(one.changes), terminal.group(one.rejects or one.rejected),
      one.stale and terminal.group(one.stale) or '',
      oplog_left(one) }
  end
  terminal.line('moves')
  local right = {} -- all columns of numbers
  for column = 4, 10 do right[column] = true end
  local heads = { 'job', 'phase', 'changes up to (UTC)', 'lag', 'per s', 'kept', 'applied', 'rejected', 'stale',
    'oplog left' }
  terminal.line(table_view.render(heads, rows, { indent = '  ', right = right }))
  for _, one in ipairs(found) do
    for _, note in ipairs(notes(one)) do
      terminal.line('  ', one.job, ': ', (terminal.printable(note)))
    end
  end
  ways_on(found)
  streams(found)
  notices.show(found)
end

return moves
