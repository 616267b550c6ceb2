-- Runs verifications and repairs to their end, with progress, for the command line and for scripts.
local fault = require 'lugger.inner.base.fault'
local lossy = require 'lugger.inner.verify.lossy'
local native = require 'lugger.native'
local progress = require 'lugger.inner.job.progress'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local verification = {}

local known = { 'jobs', 'sample', 'seed', 'where', 'since', 'columns', 'limit_shown', 'rechecks', 'group_rows',
  'overwrite_newer' }

-- "updatedAt=2026-01-01" names a field; a time alone is held against the _id.
local function since_of(text)
  local field, time = text:match('^([^=]+)=(.+)$')
  return time or text, field
end

--- Options as native.verify takes them.
---@param options lugger.verify_options|nil
---@return table
function verification.options(options)
  local out, is_known = {}, {}
  for _, key in ipairs(known) do is_known[key] = true end
  for key, value in pairs(options or {}) do
    if not is_known[key] then
      local near = system.nearest(tostring(key), known)
      fault.raise('config', ('verify does not know the option "%s"'):format(tostring(key)),
        near and ('did you mean %s?'):format(near) or 'it knows ' .. table.concat(known, ', '))
    end
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

local function watch(name, running, quiet)
  local live = not quiet and terminal.is_terminal(2) and system.getenv('TERM') ~= 'dumb'
  local told, stopping = system.monotonic(), false
  local waits = progress.new(name, quiet and 'none' or 'plain')
  while not running:ended() do
    local snapshot = running:poll(200)
    if system.stop_level() > 0 and not stopping then
      stopping = true
      running:stop()
    end
    if live and (snapshot.waits_for or '') ~= (waits.waits_for or '') then io.stderr:write('\r\27[K') end
    waits:pause(snapshot)
    local now = system.monotonic()
    if live and not running:ended() then
      io.stderr:write('\r\27[K', table_view.cut(sentence(name, snapshot), terminal.width() - 1))
    elseif not quiet and not live and now - told > plain_every_s then
      told = now
      terminal.say(sentence(name, snapshot))
    end
  end
  if live then io.stderr:write('\r\27[K') end
end

-- Ctrl-C is taken here: the threads stop, and the error says so.
local function run(job, running, quiet)
  local before = system.interrupt_raises(false)
  local ok, err = pcall(watch, job:name(), running, quiet)
  system.interrupt_raises(before)
  if not ok then error(err, 0) end
end

-- "Equal" must not hide what the script has altered on purpose.
local function with_policies(job, verdict)
  local note = lossy.note(job)
  if note then table.insert(verdict.notes, note) end
  return verdict
end

--- Verifies one job and gives the verdict.
---@param job lugger.job
---@param options lugger.verify_options|nil
---@param quiet boolean|nil no progress
---@return lugger.verdict
function verification.verify(job, options, quiet)
  local running = native.verify(job:handle(), verification.options(options))
  run(job, running, quiet)
  return with_policies(job, running:result())
end

--- Verifies one job, and with `apply` writes what is wrong again and verifies once more.
---@param job lugger.job
---@param options lugger.verify_options|nil
---@param mend { apply: boolean?, delete_extra: boolean?, delete_many: boolean? }
---@param quiet boolean|nil no progress
---@return lugger.verdict after what is there now
---@return lugger.verdict before
---@return lugger.repair repair what was done
function verification.repair(job, options, mend, quiet)
  local running = native.repair(job:handle(), verification.options(options), mend.apply, mend.delete_extra,
    mend.delete_many)
  run(job, running, quiet)
  return with_policies(job, running:result()), with_policies(job, running:before()), running:repair()
end

return verification
