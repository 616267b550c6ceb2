-- Batches over a table by key. Each batch is a transaction, which includes the position that it reached.
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local json = require 'lugger.inner.base.json_text'
local native = require 'lugger.native'
local parameters = require 'lugger.inner.sql.parameters'
local retry = require 'lugger.inner.migrate.retry'
local sql_db = require 'lugger.inner.sql.db'
local terminal = require 'lugger.inner.view.terminal'

local batches = {}

local known = { 'table', 'key', 'batch_rows', 'where', 'params', 'pause_ms', 'between' }

local params_hint = "where = 'at < $1', params = { '2026-01-01' }"

local function check(spec)
  if type(spec) ~= 'table' or type(spec.table) ~= 'string' then
    fault.raise('config', 'db:batches wants the name of a table', "db:batches { table = 'users', batch_rows = 1000 }")
  end
  fault.check_keys('db:batches', spec, known)
  if spec.params ~= nil and type(spec.params) ~= 'table' then
    fault.raise('config', 'db:batches: params is a list of the values of where', params_hint)
  end
  fault.check_whole('batch_rows', spec.batch_rows, 1)
  fault.check_whole('pause_ms', spec.pause_ms, 0)
end

local primary = [[SELECT a.attname FROM pg_index i,
    pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k(number, place), pg_attribute a
  WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = k.number
  ORDER BY k.place]]

local function check_table(connection, name)
  if connection:query('SELECT pg_catalog.to_regclass($1) IS NULL', { native.sql.table(name) }).rows[1][1] == 't' then
    config.raise(('there is no table %s'):format(name))
  end
end

--- The columns of a table's primary key; raises when it has no primary key.
---@param connection lugger.migrate.connection
---@param name string
---@return string[]
function batches.primary_key(connection, name)
  local quoted = native.sql.table(name)
  check_table(connection, name)
  local key = {}
  for i, row in ipairs(connection:query(primary, { quoted }).rows) do key[i] = row[1] end
  if #key == 0 then
    config.raise(('table %s has no primary key to go over it by'):format(name),
      "name the columns of a unique index without NULLs: key = { 'a', 'b' }")
  end
  return key
end

-- NOT NULL that was never validated (from version 18 on) proves nothing about existing rows.
local columns_sql = [[SELECT w.name, a.attname IS NOT NULL, a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint c
    WHERE c.conrelid = a.attrelid AND c.contype = 'n' AND NOT c.convalidated AND a.attnum = ANY (c.conkey))
  FROM pg_catalog.unnest($2::text[]) WITH ORDINALITY AS w (name, place) LEFT JOIN pg_attribute a
    ON a.attrelid = pg_catalog.to_regclass($1) AND a.attname = w.name AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY w.place]]

local unique_sql = [[SELECT FROM pg_index i WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indisunique
  AND i.indisvalid
    AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
    AND (SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attname::text COLLATE "C")
      FROM pg_catalog.unnest(i.indkey[0:i.indnkeyatts - 1]) AS k (attnum)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum)
    = (SELECT pg_catalog.array_agg(w.name ORDER BY w.name COLLATE "C") FROM pg_catalog.unnest($2::text[]) AS w (name))]]

-- Rows are found by `key > last`, which is never true for NULL, so rows with a NULL key would be skipped. Fixes have
-- the same rule.
local function check_key(connection, name, key)
  local quoted, list = native.sql.table(name), {}
  for i, column in ipairs(key) do list[i] = '"' .. column:gsub('[\\"]', '\\%0') .. '"' end
  local array = '{' .. table.concat(list, ',') .. '}'
  for _, row in ipairs(connection:query(columns_sql, { quoted, array }).rows) do
    if row[2] ~= 't' then config.raise(('key: %s has no column %s'):format(name, row[1])) end
    if row[3] ~= 't' then
      config.raise(('key column %s of %s may be NULL'):format(row[1], name),
        'rows with NULL would be passed over: choose another key, or set the column NOT NULL first (and VALIDATE it)')
    end
  end
  if #connection:query(unique_sql, { quoted, array }).rows == 0 then
    config.raise(('%s has no unique index on (%s) to go over it by'):format(name, table.concat(key, ', ')),
      'create one (schema.add_index with unique = true): without WHERE, without expressions, not deferrable')
  end
end

local function key_of(connection, spec)
  if spec.key == nil then return batches.primary_key(connection, spec.table) end
  local key = type(spec.key) == 'table' and spec.key or { spec.key }
  for _, column in ipairs(key) do
    if type(column) ~= 'string' then fault.raise('config', 'db:batches: key is a column, or a list of columns') end
  end
  if #key == 0 then fault.raise('config', 'db:batches: key names no column') end
  check_table(connection, spec.table)
  check_key(connection, spec.table, key)
  return key
end

-- The condition with its values in the place of $1, $2, ...: it stands in statements that have values of their own.
local function where_of(self, spec)
  if not spec.params then return spec.where end
  local values = { n = table.maxn(spec.params), unpack(spec.params, 1, table.maxn(spec.params)) }
  local texts = parameters.bind(values, function()
    local asked = ('SELECT FROM %s WHERE (%s)'):format(native.sql.table(spec.table), spec.where or 'true')
    return sql_db.backend(self):types(self.connection:session():parameter_types(asked))
  end)
  local parts, at, used = {}, 1, 0
  for _, token in ipairs(native.sql.tokens(spec.where or '')) do
    local number = token.kind == 'other' and tonumber(token.text:match '^%$(%d+)$') --[[@as integer|nil]]
    if number then
      used = math.max(used, number)
      parts[#parts + 1] = spec.where:sub(at, token.offset)
      local text = texts and texts[number]
      parts[#parts + 1] = (text == nil or text == native.null) and 'NULL' or native.sql.literal(text)
      at = token.offset + #token.text + 1
    end
  end
  if used ~= values.n then
    fault.raise('config', ('db:batches: where %s, and params has %s'):format(
      used == 0 and 'has no $1' or ('goes up to $%d'):format(used), terminal.count(values.n, 'value')), params_hint)
  end
  return table.concat(parts) .. (spec.where or ''):sub(at)
end

local function plan_of(self, spec)
  local key = key_of(self.connection, spec)
  local where = where_of(self, spec)
  local names = {}
  for i, name in ipairs(key) do names[i] = native.sql.name(name) end
  return { table = native.sql.table(spec.table), names = names, list = table.concat(names, ', '), where = where,
    rows = spec.batch_rows or 1000, label = ('batches of %s by %s'):format(spec.table, table.concat(key, ', ')),
    identity = table.concat({ 'batches', spec.table, table.concat(key, '\0'), where or '' }, '\0\0') }
end

local function literals(values)
  local out = {}
  for i, text in ipairs(values) do out[i] = native.sql.literal(text) end
  return '(' .. table.concat(out, ', ') .. ')'
end

-- The next page: its last key and its number of rows; nil at the end.
local function page(connection, plan, after)
  local conditions = {}
  if plan.where then conditions[1] = '(' .. plan.where .. ')' end
  if after then conditions[#conditions + 1] = ('(%s) > %s'):format(plan.list, literals(after)) end
  local where = #conditions > 0 and ' WHERE ' .. table.concat(conditions, ' AND ') or ''
  local descending, texts = {}, {}
  for i, name in ipairs(plan.names) do descending[i], texts[i] = name .. ' DESC', name .. '::text' end
  local found = connection:query(('SELECT pg_catalog.count(*) OVER (), %s FROM (SELECT %s FROM %s%s ORDER BY %s '
    .. 'LIMIT %d) AS page'
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
  local name, note, done = ex:begin_batches(plan.label, plan.identity)
  local before = note and native.json_tables(note)
  ex.batch = { name = name, label = plan.label, identity = plan.identity }
  return { name = name, done = done, after = before and before.after, rows = before and before.rows or 0,
    told = native.system.monotonic() }
end

local function next_batch(self, state, plan, spec)
  local ex, main = self.executor, self.executor.run.main
  if state.open then
    ex:end_batch(state.name, plan.label, json.encode { after = json.list(state.after), rows = state.rows },
      plan.identity)
    tell(self, state, plan)
    if spec.pause_ms then native.system.sleep(spec.pause_ms) end
    if spec.between then spec.between(state.last_rows) end
  end
  retry.check_stop()
  main:begin()
  ex.inner = true
  local last, rows = page(main, plan, state.after)
  if not last then
    ex:end_batch(state.name, plan.label, nil, plan.identity)
    ex.batch, state.done = nil, true
    return nil
  end
  local batch = batch_of(plan, state.after, last, rows)
  state.open, state.after, state.rows, state.last_rows = true, last, state.rows + rows, rows
  return batch
end

-- Used in a transaction that will be rolled back, and for a plan: no commits in between.
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

--- Implements db:batches.
---@param self lugger.migration_db
---@param spec lugger.batches_spec
---@return fun(): lugger.migration_batch|nil
function batches.iterate(self, spec)
  check(spec)
  local ex = self.executor
  if self.connection ~= ex.run.main then config.raise 'db:batches is for the main database' end
  if ex.batches then ex:batches() end -- switches to steps if necessary, and begins again
  local plan = plan_of(self, spec)
  if ex.plain_batches then return plainly(self, plan, ex.plain_batches) end
  if ex.inner then config.raise 'db:batches cannot stand within a transaction or another batch' end
  local state = start(ex, plan)
  if state.done then
    ex.batch = nil
    return function() return nil end
  end
  return function() return next_batch(self, state, plan, spec) end
end

return batches
