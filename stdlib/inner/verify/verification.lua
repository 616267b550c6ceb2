-- Runs verifications and repairs to the end with progress, for the command line and for scripts.
local abreast = require 'lugger.inner.job.abreast'
local fault = require 'lugger.inner.base.fault'
local lossy = require 'lugger.inner.verify.lossy'
local native = require 'lugger.native'
local progress = require 'lugger.inner.job.progress'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local verdict_object = require 'lugger.inner.verify.verdict_object'
local system = native.system
local tonumber = tonumber --[[@as fun(count: any): number]]

local verification = {}

local known = { 'jobs', 'sample', 'seed', 'where', 'since', 'columns', 'limit_shown', 'rechecks', 'group_rows',
  'overwrite_newer', 'live', 'recall', 'where_of_all' }

-- "updatedAt=2026-01-01" names a field; a time alone refers to the _id.
local function since_of(text)
  local field, time = text:match('^([^=]+)=(.+)$')
  return time or text, field
end

local of_recall = { 'column', 'k', 'sample', 'queries', 'metric', 'least' }

local function check_recall(recall)
  fault.check_keys('recall', recall, of_recall)
  local least = recall.least
  if least ~= nil and not (type(least) == 'number' and least >= 0 and least <= 1) then
    fault.raise('config', ('the least recall is a share from 0 to 1, not %s'):format(tostring(least)),
      '--min-recall 0.95, or recall = { least = 0.95 }')
  end
  if recall.queries and recall.sample then
    fault.raise('config', ('recall: the queries are those of %s, so no sample is drawn'):format(
      tostring(recall.queries)), 'name a file of queries or the size of a sample, not both')
  end
end

--- Converts options for native.verify.
---@param options lugger.verify_options|nil
---@return table
function verification.options(options)
  local out, is_known = {}, {}
  for _, key in ipairs(known) do is_known[key] = true end
  for key, value in pairs(options or {}) do
    if not is_known[key] then
      fault.raise('config', ('verify does not know the option "%s"'):format(tostring(key)), fault.near(key, known))
    end
    if key == 'recall' and value == true then value = {} end
    if key == 'recall' and type(value) == 'table' then check_recall(value) end
    out[key] = value
  end
  if out.since then
    local time, field = since_of(tostring(out.since))
    out.since, out.since_field = time, field
  end
  if out.sample and out.sample <= 0 then
    fault.raise('config', 'a sample is a number of rows, or a confidence between 0 and 1', 'as in 10000, or 0.99')
  end
  if type(out.columns) == 'string' then
    local names = {}
    for name in out.columns:gmatch('[^,]+') do names[#names + 1] = name:match('^%s*(.-)%s*$') end
    out.columns = names
  end
  return out
end

local narrowing = { 'sample', 'where', 'since', 'live' }

--- Checks what a job says of its own verification.
---@param own table
function verification.check(own)
  if type(own) ~= 'table' then
    fault.raise('config', ('verify is a table of options, not a %s'):format(type(own)), 'verify = { recall = true }')
  end
  verification.options(own)
end

-- What the job says of recall, and what is asked for now. A file of queries and a sample take each other's place.
local function merged_recall(own, asked)
  local merged = {}
  for key, v in pairs(own) do merged[key] = v end
  if asked.queries then merged.sample = nil end
  if asked.sample then merged.queries = nil end
  for key, v in pairs(asked) do merged[key] = v end
  return merged
end

-- The path in the source that a column of the target comes from.
local function path_of(job, name)
  local columns = job.spec.columns
  for _, column in ipairs(type(columns) == 'table' and columns or {}) do
    if column[1] == name then return column.from or name end
  end
  return name
end

-- Both sides are asked with vectors of the model that made theirs.
local function check_models(job, column)
  local place, same_model = require 'lugger.inner.job.place', require 'lugger.inner.vector.same_model'
  local source, target = job.spec.from, job.spec.into
  local function check(side, model, name)
    same_model.check(model, place.manifests(side), name, system.mask_secrets(side:resolved()))
  end
  if not (source.embed or target.embed) then return end
  check(source, source.embed or target.embed, column and path_of(job, column))
  check(target, target.embed or source.embed, column)
end

-- What is asked for now wins over what the job says, key by key, also within recall. Recall is of all vectors: a
-- narrower comparison leaves out the job's own.
local function of_job(job, options)
  local own, out = verification.options(job.spec.verify), {}
  local recall = options.recall
  if recall ~= false and type(own.recall) == 'table' then
    local left_out = false
    for _, key in ipairs(narrowing) do left_out = left_out or recall == nil and options[key] ~= nil end
    if left_out then
      terminal.say(job:name(), ': recall is left out, as not all rows are compared')
    else
      recall = merged_recall(own.recall, recall or {})
    end
  end
  for key, v in pairs(own) do out[key] = v end
  for key, v in pairs(options) do out[key] = v end
  out.recall = nil
  if recall then
    local embed = require 'lugger.inner.job.embed'
    local with = {}
    for key, v in pairs(recall) do with[key] = v end
    check_models(job, recall.column)
    local source, target = job.spec.from.embed, job.spec.into.embed
    with.source_model, with.target_model = source and embed.handle(source), target and embed.handle(target)
    out.recall = with
  end
  return out
end

local function sentence(name, snapshot)
  local parts = { name .. ':', snapshot.stage, '·', terminal.count(snapshot.documents, 'document'), '·',
    terminal.count(snapshot.rows, 'row'), 'of the target' }
  if tonumber(snapshot.total_bytes) > 0 and snapshot.stage == 'reading' then
    parts[#parts + 1] = ('· %.0f%%'):format(math.min(100, 100 * tonumber(snapshot.bytes)
      / tonumber(snapshot.total_bytes)))
  end
  return table.concat(parts, ' ')
end

local plain_every_s = 5
local look_ms, glance_ms = 200, 2

-- Shows the progress of the first one that is running, while others run too.
local function teller(quiet)
  local self = { live = not quiet and terminal.is_terminal(2) and system.getenv('TERM') ~= 'dumb',
    shown = 0 --[[@as number]], told = system.monotonic() }
  function self.wait(one, timeout_ms)
    local snapshot = one.running:poll(timeout_ms)
    one.waits = one.waits or progress.new(one.name, quiet and 'none' or 'plain')
    if self.live and (snapshot.waits_for or '') ~= (one.waits.waits_for or '') then self.clear() end
    one.waits:pause(snapshot)
    if one.running:ended() then return end
    local now = system.monotonic()
    if self.live and now - self.shown >= look_ms / 1000 then
      self.shown = now
      io.stderr:write('\r\27[K', table_view.cut(sentence(one.name, snapshot), terminal.width() - 1))
    elseif not quiet and not self.live and now - self.told > plain_every_s then
      self.told = now
      terminal.say(sentence(one.name, snapshot))
    end
  end
  function self.clear()
    if self.live then io.stderr:write('\r\27[K') end
  end
  return self
end

local function stop_all(at_work)
  for _, one in ipairs(at_work) do one.running:stop() end
end

-- Ctrl-C is handled here: the threads stop, and the error says so.
local function without_interrupts(at_work, work)
  local before = system.interrupt_raises(false)
  local ok, err = pcall(work)
  system.interrupt_raises(before)
  if ok then return end
  stop_all(at_work)
  error(err, 0)
end

-- Waits until the first of the running ones has ended.
local function wait_for_first(at_work, tell, begin)
  local stopping = false
  while not at_work[1].running:ended() do
    tell.wait(at_work[1], begin and not at_work[1].alone and glance_ms or look_ms)
    if system.stop_level() > 0 and not stopping then
      stopping = true
      stop_all(at_work)
    end
    if begin and not stopping then begin() end
  end
  tell.clear()
end

local function run(job, running, quiet)
  local at_work = { { name = job:name(), running = running } }
  without_interrupts(at_work, function() wait_for_first(at_work, teller(quiet)) end)
end

-- "Equal" must not hide that the mapping changes values on purpose.
local function with_policies(job, verdict)
  local note = lossy.note(job)
  if note then table.insert(verdict.notes, note) end
  return verdict_object(verdict)
end

--- Verifies one job and returns the verdict.
---@param job lugger.job
---@param options lugger.verify_options|nil
---@param quiet boolean|nil no progress
---@return lugger.verdict
function verification.verify(job, options, quiet)
  local running = native.verify(job:handle(), of_job(job, verification.options(options)))
  run(job, running, quiet)
  return with_policies(job, running:result())
end

--- One job that cannot be verified or repaired does not keep the others from it. Not so where the rest would fail as
--- well: a stop, and a server that is not found before anything is verified.
---@param err any what was raised
---@param done integer jobs that came to a verdict before
---@return boolean
function verification.concerns_all(err, done)
  local code = type(err) == 'table' and rawget(err, 'code')
  return code == 'interrupted' or system.stop_level() > 0 or code == 'connect' and done == 0
end

--- Verifies several jobs, small ones side by side, and returns their verdicts in order. What keeps one of several from
--- being verified is returned, too; a single one raises it.
---@param jobs lugger.job[]
---@param options lugger.verify_options|nil
---@param quiet boolean|nil no progress
---@return lugger.verdict[]
---@return lugger.failed_job[] failed
function verification.verify_all(jobs, options, quiet)
  local each, verdicts, failed, next_job = verification.options(options), {}, {}, 1
  ---@type { name: string, job: lugger.job, alone: boolean, running: lugger.native.verification }[]
  local at_work = {}
  local most = #jobs > 1 and (each.jobs or native.default_jobs()) or 1
  local function under_way()
    local count = 0
    for _, one in ipairs(at_work) do
      if not one.running:ended() then count = count + 1 end
    end
    return count
  end
  local function try(job, work)
    local ok, err = pcall(work)
    if ok then return end
    if #jobs == 1 or verification.concerns_all(err, #verdicts) then error(err, 0) end
    failed[#failed + 1] = { job = job:name(), status = 'failed', error = terminal.error_text(err) }
  end
  local function begin()
    while next_job <= #jobs and not (at_work[1] and at_work[1].alone) do
      local job = jobs[next_job] --[[@as lugger.job]]
      local small = most > 1 and abreast.is_small(job)
      if #at_work > 0 and (not small or under_way() >= most) then return end
      next_job = next_job + 1
      try(job, function()
        local asked = of_job(job, each)
        if small then asked.jobs = 1 end
        at_work[#at_work + 1] = { name = job:name(), job = job, alone = not small,
          running = native.verify(job:handle(), asked) }
      end)
    end
  end
  without_interrupts(at_work, function()
    local tell = teller(quiet)
    begin()
    while at_work[1] do
      wait_for_first(at_work, tell, begin)
      local first = at_work[1] --[[@as table]]
      try(first.job, function() verdicts[#verdicts + 1] = with_policies(first.job, first.running:result()) end)
      table.remove(at_work, 1)
      begin()
    end
  end)
  return verdicts, failed
end

--- Verifies one job; with `apply`, also writes wrong rows again and verifies once more.
---@param job lugger.job
---@param options lugger.verify_options|nil
---@param mend { apply: boolean?, delete_extra: boolean?, delete_many: boolean|"unless_none"|nil }
---@param quiet boolean|nil no progress
---@return lugger.verdict after what is there now
---@return lugger.verdict before
---@return lugger.repair repair what was done
function verification.repair(job, options, mend, quiet)
  local asked = verification.options(options)
  asked.recall = asked.recall or nil
  local running = native.repair(job:handle(), asked, mend.apply, mend.delete_extra,
    mend.delete_many)
  run(job, running, quiet)
  return with_policies(job, running:result()), with_policies(job, running:before()), running:repair()
end

return verification
