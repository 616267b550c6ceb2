-- Compares the files with the ledger: what is applied, what is pending, and what does not match.
local config = require 'lugger.inner.cli.config'
local ledger = require 'lugger.inner.migrate.ledger'
local version = require 'lugger.inner.migrate.version'

local status = {}

---@class lugger.migrate.item
---@field version string
---@field name string
---@field state "applied"|"pending"|"failed"|"running"|"changed"|"missing"|"out of order"|"squashed"
---@field explain string|nil what is wrong, and what to do
---@field migration lugger.migration|nil
---@field record lugger.migrate.record|nil
---@field blocked boolean|nil it is out of order, and may not be

---@class lugger.migrate.pending_item: lugger.migrate.item
---@field migration lugger.migration

local function squashes(list)
  local covered = {}
  for _, migration in ipairs(list) do
    for number in (migration.squashed or ''):gmatch('%d+') do covered[version.key(number)] = migration end
  end
  return covered
end

local function unfinished(record)
  local open = record.open
  local words = open.state == 'failed' and ('failed at %s UTC: %s'):format(open.finished or open.started, open.error
    or '?')
    or ('began at %s UTC and did not end'):format(open.started)
  local again = open.direction == 'down' and 'lugger migrate down' or 'lugger migrate up'
  return ('%s %s; correct the cause, then `%s` runs it again and passes over its done steps'):format(open.direction,
    words, again)
end

local function of_file(migration, record, newest)
  local item = { version = migration.version, name = migration.name, migration = migration, record = record }
  local applied = record and record.applied
  if record and record.open then
    item.state = record.open.state == 'failed' and 'failed' or 'running'
    item.explain = unfinished(record)
  elseif applied then
    item.state = 'applied'
    if applied.checksum ~= migration.checksum and applied.checksum ~= '' then
      item.state = 'changed'
      item.explain = ('the file was edited after it was applied at %s UTC; put it back and write a new migration, or '
        .. 'accept it as it is: lugger migrate repair'):format(applied.finished or applied.started)
    end
  elseif newest and version.before(migration.version, newest) then
    item.state = 'out of order'
    item.explain = ('older than %s, which is applied; run it nevertheless with --allow-out-of-order, or give it a new '
      .. 'version'):format(newest)
  else
    item.state = 'pending'
    if version.in_future(migration.version) then
      item.explain = 'its version lies in the future: is a clock wrong? Files made before then will be out of order'
    end
  end
  return item
end

local function of_ledger(key, record, covered)
  local applied = record.applied
  local item = { version = record.last.version, name = record.last.name, record = record, state = 'missing' }
  if covered[key] then
    item.state = 'squashed'
  elseif applied then
    item.explain = ('applied at %s UTC by %s, but there is no file; put it back, or forget it: lugger migrate repair')
      :format(applied.finished or applied.started, applied.applied_by)
  else
    item.explain = unfinished(record) .. ', but there is no file'
  end
  return item
end

-- A squash counts as applied if all of its migrations are applied here, and is run if none is; a part of them is an
-- error.
local function judge_squash(item, records)
  local migration, there, lacking = item.migration, 0, {}
  for number in migration.squashed:gmatch('%d+') do
    local record = records[version.key(number)]
    if record and record.applied then there = there + 1 else lacking[#lacking + 1] = number end
  end
  if item.state ~= 'pending' and item.state ~= 'out of order' and item.state ~= 'changed' then return end
  if there == 0 then return end
  if #lacking == 0 then
    item.state, item.explain, item.adopt = 'applied', nil, true
  else
    item.state = 'out of order'
    item.explain = ('it stands for migrations of which only some are applied here; apply %s with the old files first')
      :format(table.concat(lacking, ', '))
    item.blocked = true
  end
end

--- Compares files and ledger; the items are in order of their versions.
---@param list lugger.migration[]
---@param entries lugger.migrate.entry[]
---@return lugger.migrate.item[]
function status.compare(list, entries)
  local records, covered, items, has_file = ledger.sum(entries), squashes(list), {}, {}
  local newest
  for _, record in pairs(records) do
    local applied = record.applied
    if applied and (not newest or version.before(newest, applied.version)) then newest = applied.version end
  end
  for _, migration in ipairs(list) do
    local key = version.key(migration.version)
    has_file[key] = true
    local item = of_file(migration, records[key], newest)
    if migration.squashed then judge_squash(item, records) end
    items[#items + 1] = item
  end
  for key, record in pairs(records) do
    if not has_file[key] and (record.applied or record.open) then
      items[#items + 1] = of_ledger(key, record, covered)
    end
  end
  table.sort(items, function(a, b) return version.before(a.version, b.version) end)
  return items
end

--- Raises when files and ledger do not match.
---@param items lugger.migrate.item[]
---@param options { allow_out_of_order: boolean|nil }
function status.refuse(items, options)
  local lines = {}
  for _, item in ipairs(items) do
    local wrong = item.state == 'changed' or item.state == 'missing'
      or item.state == 'out of order' and (item.blocked or not options.allow_out_of_order)
    if wrong then
      lines[#lines + 1] = ('%s_%s is %s: %s'):format(item.version, item.name, item.state, item.explain)
    end
  end
  if #lines == 0 then return end
  config.raise(#lines == 1 and lines[1] or ('files and ledger do not agree:\n  %s'):format(table.concat(lines, '\n  ')))
end

--- What `up` would run, in order.
---@param items lugger.migrate.item[]
---@param last string|nil up to this version
---@return lugger.migrate.pending_item[]
function status.pending(items, last)
  local list = {}
  for _, item in ipairs(items) do
    local up = not (item.record and item.record.open and item.record.open.direction == 'down')
    local runs = item.state == 'pending' or item.state == 'out of order'
      or (item.state == 'failed' or item.state == 'running') and up
    if runs and item.migration and not (last and version.before(last, item.version)) then list[#list + 1] = item end
  end
  return list
end

--- The applied migrations that have a file, newest first.
---@param items lugger.migrate.item[]
---@return lugger.migrate.item[]
function status.applied(items)
  local list = {}
  for i = #items, 1, -1 do
    local item = items[i]
    local record = item.record
    if record and (record.applied or record.open and record.open.direction == 'down') and item.state ~= 'squashed' then
      list[#list + 1] = item
    end
  end
  return list
end

--- The item of a version; raises when there is none.
---@param items lugger.migrate.item[]
---@param wanted string
---@return lugger.migrate.item
function status.find(items, wanted)
  for _, item in ipairs(items) do
    if version.key(item.version) == version.key(wanted) then return item end
  end
  return config.raise(('there is no migration of version %s'):format(wanted),
    '`lugger migrate status` lists them') --[[@as any]]
end

return status
