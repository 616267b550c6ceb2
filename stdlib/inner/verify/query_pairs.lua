-- Query pairs: a query of an application to MongoDB, and the corresponding query to PostgreSQL. The SQL is run several
-- times, read-only, and reported with its time, its plan, and the index that would help.
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local json_text = require 'lugger.inner.base.json_text'
local modules = require 'lugger.inner.script.modules'
local native = require 'lugger.native'
local query_advice = require 'lugger.inner.verify.query_advice'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local query_pairs = {}

---@class lugger.query_pair
---@field name string
---@field sql string one SELECT; $1, $2, ... are params
---@field params any[]|nil
---@field mongo any the query it stands for; not run without a live source
---@field max_ms number|nil the slowest p95 that passes
---@field max_ratio number|nil times MongoDB's p95; not compared without a live source

---@class lugger.pair_options
---@field times integer|nil how often each is run; 20 when not given
---@field timeout_ms integer|nil of a statement; 30000 when not given
---@field analyze boolean|nil EXPLAIN runs the query too
---@field buffers boolean|nil EXPLAIN counts pages; implies analyze

---@class lugger.pair_result
---@field name string
---@field rows integer
---@field p50_ms number
---@field p95_ms number
---@field nodes string[] of the plan
---@field advice string[]
---@field passed boolean
---@field error string|nil
---@field notes string[]

---@type table<string, boolean>
local known = { name = true, sql = true, params = true, mongo = true, max_ms = true, max_ratio = true }

-- One statement, without its semicolon: anything after another one would run outside the transaction.
local function one_statement(pair)
  local sql = pair.sql:gsub('[%s;]+$', '')
  local rest = sql:gsub("'[^']*'", ''):gsub('"[^"]*"', ''):gsub('%-%-[^\n]*', ''):gsub('/%*.-%*/', '')
  if rest:find(';', 1, true) then config.raise(('pair %s: sql must be one statement'):format(pair.name)) end
  return sql
end

local function check(pair, place)
  if type(pair) ~= 'table' then config.raise(('pair %d is a %s, not a table'):format(place, type(pair))) end
  pair.name = pair.name or 'pair ' .. place
  for key in pairs(pair) do
    if not known[key] then
      config.raise(('pair %s does not know the key "%s"'):format(pair.name, tostring(key)), fault.near(key, known))
    end
  end
  if type(pair.sql) ~= 'string' then
    config.raise(('pair %s has no sql'):format(pair.name),
      "{ name = 'by email', sql = 'select ...', params = { 'a' } }")
  end
  pair.sql = one_statement(pair)
end

--- Reads a file of pairs: a Lua file that returns a list of tables.
---@param path string
---@return lugger.query_pair[]
function query_pairs.load(path)
  if not system.stat(path) then config.raise('there is no file ' .. path) end
  local chunk, err = loadstring(system.read_file(path), '@' .. path)
  if not chunk then config.raise(err --[[@as string]]) end
  setfenv(chunk, modules.environment)
  local list = chunk()
  if type(list) ~= 'table' or #list == 0 then
    config.raise(path .. ' returned no list of pairs',
      "return { { name = 'by email', sql = '...', params = { ... } } }")
  end
  for i, pair in ipairs(list) do check(pair, i) end
  return list
end

-- Reads all rows with a cursor, so that a large result does not fill memory; the plan is the same as without a cursor.
local function fetch_all(session, pair)
  session:query('DECLARE lugger_pair NO SCROLL CURSOR FOR ' .. pair.sql, pair.params or {})
  local rows = 0
  repeat
    local got = #session:query('FETCH FORWARD 5000 FROM lugger_pair').rows
    rows = rows + got
  until got < 5000
  session:query('CLOSE lugger_pair')
  return rows
end

local function percentile(sorted, share)
  return sorted[math.max(1, math.ceil(#sorted * share))]
end

local function explain(session, pair, options)
  local words = { 'FORMAT JSON', 'VERBOSE' }
  if options.analyze or options.buffers then words[#words + 1] = 'ANALYZE' end
  if options.buffers then words[#words + 1] = 'BUFFERS' end
  local rows = session:query(('EXPLAIN (%s) %s'):format(table.concat(words, ', '), pair.sql), pair.params or {}).rows
  return require('lugger.json').decode(rows[1][1])[1].Plan
end

local function measure(session, pair, options, result)
  local times = {}
  fetch_all(session, pair) -- not measured, because the caches are cold
  for i = 1, options.times or 20 do
    local began = system.monotonic()
    result.rows = fetch_all(session, pair)
    times[i] = (system.monotonic() - began) * 1000
  end
  table.sort(times)
  result.p50_ms, result.p95_ms = percentile(times, 0.5), percentile(times, 0.95)
  local plan = explain(session, pair, options)
  result.nodes = query_advice.nodes(plan)
  result.advice = query_advice.advise(session, plan, pair.sql)
  if options.buffers then
    result.notes[#result.notes + 1] = ('pages: %s in memory, %s read'):format(tostring(plan['Shared Hit Blocks']),
      tostring(plan['Shared Read Blocks']))
  end
end

local function run_one(session, pair, options)
  local result = { name = pair.name, rows = 0, p50_ms = 0, p95_ms = 0, nodes = {}, advice = {}, notes = {},
    passed = true }
  session:query('BEGIN')
  local ok, err = pcall(function()
    session:query('SET TRANSACTION READ ONLY')
    session:query(('SET LOCAL statement_timeout = %d'):format(options.timeout_ms or 30000))
    session:query('SET LOCAL cursor_tuple_fraction = 1')
    measure(session, pair, options, result)
  end)
  pcall(session.query, session, 'ROLLBACK')
  if not ok then
    if type(err) == 'table' and err.code == 'interrupted' then error(err, 0) end
    result.error, result.passed = terminal.error_text(err), false
    return result
  end
  if pair.max_ms and result.p95_ms > pair.max_ms then
    result.passed = false
    result.notes[1] = ('slower than max_ms = %s'):format(tostring(pair.max_ms))
  end
  if pair.mongo then
    result.notes[#result.notes + 1] = 'the MongoDB side was not run'
      .. (pair.max_ratio and '; max_ratio was not checked' or '')
  end
  return result
end

--- Runs pairs on PostgreSQL, read-only.
---@param place string URL, local:DIR, or the name of a connection
---@param list lugger.query_pair[]
---@param options lugger.pair_options|nil
---@return lugger.pair_result[]
function query_pairs.run(place, list, options)
  local session = native.pg(config.resolve(place), 'pairs')
  local results = {}
  for i, pair in ipairs(list) do results[i] = run_one(session, pair, options or {}) end
  return results
end

--- Results as text: a table, then each query's plan and advice.
---@param results lugger.pair_result[]
---@return string
function query_pairs.show(results)
  local rows, lines = {}, {}
  for i, result in ipairs(results) do
    rows[i] = { result.name, result.error and '-' or terminal.group(result.rows), result.error and '-'
      or ('%.2f'):format(result.p50_ms), result.error and '-' or ('%.2f'):format(result.p95_ms),
      result.error and 'failed' or result.passed and 'ok' or 'too slow' }
  end
  lines[1] = table_view.render({ 'pair', 'rows', 'p50 ms', 'p95 ms', '' }, rows,
    { right = { [2] = true, [3] = true, [4] = true } })
  for _, result in ipairs(results) do
    lines[#lines + 1] = '\n' .. terminal.paint(1, 'bold', result.name)
    if result.error then lines[#lines + 1] = terminal.wrap(terminal.printable(result.error), '  ') end
    for _, node in ipairs(result.nodes) do lines[#lines + 1] = '  ' .. terminal.printable(node) end
    for _, note in ipairs(result.notes) do lines[#lines + 1] = '  ' .. note end
    for _, advice in ipairs(result.advice) do lines[#lines + 1] = '  would help: ' .. terminal.printable(advice) end
  end
  return table.concat(lines, '\n')
end

--- Runs and shows a file of pairs, for the command line.
---@param path string
---@param place string
---@param options table lugger.pair_options and json = true
---@return integer status 0, or 4 when a pair failed or was too slow
function query_pairs.command(path, place, options)
  local results = query_pairs.run(place, query_pairs.load(path), options)
  if options.json then
    terminal.line(json_text.encode(json_text.list(results)))
  else
    terminal.line(query_pairs.show(results))
  end
  for _, result in ipairs(results) do
    if not result.passed then return 4 end
  end
  return 0
end

return query_pairs
