-- Batches over a table by key: each is a transaction with the place it came to.
local config = require 'lugger.config'
local fault = require 'lugger.fault'
local json = require 'lugger.json_text'
local native = require 'lugger.native'
local retry = require 'lugger.migrate.retry'
local terminal = require 'lugger.terminal'

local batches = {}

local known = { 'table', 'key', 'batch_rows', 'where', 'pause_ms' }

local function check(spec)
  if type(spec) ~= 'table' or type(spec.table) ~= 'string' then
    fault.raise('config', 'db:batches wants the name of a table', "db:batches { table = 'users', batch_rows = 1000 }")
  end
  fault.check_keys('db:batches', spec, known)
end

local primary = [[SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(number, place), pg_attribute a
  WHERE i.indrelid = to_regclass($1) AND i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = k.number
  ORDER BY k.place]]

--- The columns of a table's primary key; raises when it has none.
---@param connection lugger.migrate.connection
---@param name string
---@return string[]
function batches.primary_key(connection, name)
  local quoted = native.sql.table(name)
  if connection:query('SELECT to_regclass($1) IS NULL', { quoted }).rows[1][1] == 't' then
    config.raise(('there is no table %s'):format(name))
  end
  local key = {}
  for i, row in ipairs(connection:query(primary, { quoted }).rows) do key[i] = row[1] end
  if #key == 0 then
    config.raise(('table %s has no primary key to go over it by'):format(name),
      "name the columns of a unique index without NULLs: key = { 'a', 'b' }")
  end
  return key
end

local function plan_of(connection, spec)
  local key = type(spec.key) == 'string' and { spec.key } or spec.key or batches.primary_key(connection, spec.table)
  local names = {}
  for i, name in ipairs(key) do names[i] = native.sql.name(name) end
  return { table = native.sql.table(spec.table), names = names, list = table.concat(names, ', '), where = spec.where,
    rows = spec.batch_rows or 1000, label = ('batches of %s by %s'):format(spec.table, table.concat(key, ', ')) }
end

local function literals(values)
  local out = {}
  for i, text in ipairs(values) do out[i] = native.sql.literal(text) end
  return '(' .. table.concat(out, ', ') .. ')'
end

-- The next page: its last key and how many rows it has; nil at the end.
local function page(connection, plan, after)
  local conditions = {}
  if plan.where then conditions[1] = '(' .. plan.where .. ')' end
  if after then conditions[#conditions + 1] = ('(%s) > %s'):format(plan.list, literals(after)) end
  local where = #conditions > 0 and ' WHERE ' .. table.concat(conditions, ' AND ') or ''
  local descending, texts = {}, {}
  for i, name in ipairs(plan.names) do descending[i], texts[i] = name .. ' DESC', name .. '::text' end
  local found = connection:query(('SELECT count(*) OVER (), %s FROM (SELECT %s FROM %s%s ORDER BY %s LIMIT %d) AS page'
    .. ' ORDER BY %s LIMIT 1'):format(table.concat(texts, ', '), plan.list, plan.table, where, plan.list, plan.rows,
    table.concat(descending, ', '))).rows[1]
  if not found then return nil end
  return { unpack(found, 2) }, tonumber(found[1])
end

local function batch_of(plan, after, last, rows)
  local conditions = { ('(%s) <= %s'):format(plan.list, literals(last)) }
  if after then table.insert(conditions, 1, ('(%s) > %s'):format(plan.list, literals(after))) end
  if plan.where then conditions[#conditions + 1] = '(' .. plan.where .. ')' end
  return { rows = rows, condition = table.concat(conditions, ' AND '), first = after, last = last }
end

local function tell(self, state, plan)
  local now = native.system.monotonic()
  if now - state.told < 5 then return end
  state.told = now
  self:say(plan.label, ': ', terminal.count(state.rows, 'row'))
end

local function start(ex, plan)
  local name, note, done = ex:begin_batches(plan.label)
  local before = note and native.json_tables(note)
  ex.batch = { name = name, label = plan.label }
  return { name = name, done = done, after = before and before.after, rows = before and before.rows or 0,
    told = native.system.monotonic() }
end

local function next_batch(self, state, plan, pause_ms)
  local ex, main = self.executor, self.executor.run.main
  if state.open then
    ex:end_batch(state.name, plan.label, json.encode { after = json.list(state.after), rows = state.rows })
    tell(self, state, plan)
    if pause_ms then native.system.sleep(pause_ms) end
  end
  retry.check_stop()
  main:begin()
  ex.inner = true
  local last, rows = page(main, plan, state.after)
  if not last then
    ex:end_batch(state.name, plan.label)
    ex.batch, state.done = nil, true
    return nil
  end
  local batch = batch_of(plan, state.after, last, rows)
  state.open, state.after, state.rows = true, last, state.rows + rows
  return batch
end

-- Within a transaction that is taken back in the end, or for a plan: no commits between.
local function plainly(self, plan, most)
  local after, count = nil, 0
  return function()
    if count == most then return nil end
    local last, rows = page(self.executor.run.main, plan, after)
    if not last then return nil end
    local batch = batch_of(plan, after, last, rows)
    after, count = last, count + 1
    return batch
  end
end

--- What db:batches is.
---@param self lugger.migration_db
---@param spec lugger.batches_spec
---@return fun(): lugger.migration_batch|nil
function batches.iterate(self, spec)
  check(spec)
  local ex = self.executor
  if self.connection ~= ex.run.main then config.raise 'db:batches is for the main database' end
  if ex.batches then ex:batches() end -- begins anew, step by step
  local plan = plan_of(self.connection, spec)
  if ex.plain_batches then return plainly(self, plan, ex.plain_batches) end
  if ex.inner then config.raise 'db:batches cannot stand within a transaction or another batch' end
  local state = start(ex, plan)
  if state.done then
    ex.batch = nil
    return function() return nil end
  end
  return function() return next_batch(self, state, plan, spec.pause_ms) end
end

return batches
