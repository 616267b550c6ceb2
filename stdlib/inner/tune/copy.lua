-- The schema of a sweep: a copy of the rows, the queries with their exact answers, and what was measured so far. All of
-- it lives in the database that is tuned, so a sweep that was killed goes on, and nothing else has to be kept.
local config = require 'lugger.inner.cli.config'
local json = require 'lugger.inner.base.json_text'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local tune_queries = require 'lugger.inner.tune.queries'
local tune_truth = require 'lugger.inner.tune.truth'
local vector = require 'lugger.vector'
local sql = native.sql
local tonumber = tonumber --[[@as fun(text: any): number]]

local copy = {}

---@class lugger.tune.copy
---@field session lugger.native.pg
---@field schema string
---@field table string the copy, as SQL
---@field rows integer
---@field queries lugger.tune.query[]
---@field answers lugger.tune.answer[]
local object = {}
local object_meta = { __index = object }

local mark = 'lugger vector tune: '

local function comment_of(session, schema)
  local row = session:query([[SELECT pg_catalog.obj_description(oid, 'pg_namespace') FROM pg_namespace
    WHERE nspname = $1]], { schema }).rows[1]
  return row and { text = row[1] ~= native.null and row[1] or '' } or nil
end

-- Nobody else's schema is ever written or dropped.
local function check_ours(schema, comment)
  if comment.text:sub(1, #mark) == mark then return comment.text:sub(#mark + 1) end
  config.raise(('the schema %s is there, and not of a sweep'):format(schema), '--schema NAME takes another')
end

--- Takes the lock of sweeps in this schema; it ends with the session.
---@param session lugger.native.pg
---@param schema string
function copy.lock(session, schema)
  local key = 'lugger tune ' .. schema
  if session:query('SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0))', { key }).rows[1][1]
    == 't' then return end
  config.raise('another sweep is under way in this database',
    'wait for it; a build of one that was killed ends by itself')
end

--- Drops what a sweep left. False when there is nothing.
---@param session lugger.native.pg
---@param schema string
---@return boolean
function copy.drop(session, schema)
  local comment = comment_of(session, schema)
  if not comment then return false end
  check_ours(schema, comment)
  session:query(('DROP SCHEMA %s CASCADE'):format(sql.name(schema)))
  return true
end

local function make_schema(session, schema)
  local ok, err = pcall(session.query, session, 'CREATE SCHEMA ' .. sql.name(schema)) ---@type boolean, any
  if ok then return end
  if err.sqlstate ~= '42501' then error(err, 0) end
  config.raise(('the role may not make the schema %s of the copy'):format(schema),
    'GRANT CREATE ON DATABASE, or tune a restored copy of the database: --on')
end

local function make_tables(session, schema)
  local name = sql.name(schema)
  session:query(('CREATE TABLE %s.asked (n int PRIMARY KEY, label text, literal text, condition text, numbers text, '
    .. 'wanted int, worst float8, near text)'):format(name))
  session:query(('CREATE TABLE %s.builds (name text PRIMARY KEY, seconds float8, bytes int8)'):format(name))
  session:query(('CREATE TABLE %s.points (name text PRIMARY KEY, result text)'):format(name))
end

-- The share of the rows to draw: somewhat more than wanted, since the draw is by chance.
local function sampled(facts, spec)
  if not spec.rows or spec.rows >= facts.rows then return '' end
  local percent = math.min(100, 100 * spec.rows / facts.rows * 1.1 + 0.01)
  return (' TABLESAMPLE BERNOULLI (%.6f) REPEATABLE (%d)'):format(percent, spec.seed)
end

local function fill(self, facts, spec)
  local session, names = self.session, { sql.name(facts.column) }
  for _, name in ipairs(spec.columns) do
    if name ~= facts.column then names[#names + 1] = sql.name(name) end
  end
  session:query(('CREATE UNLOGGED TABLE %s AS SELECT pg_catalog.row_number() OVER () AS lugger_row, %s FROM %s%s '
    .. 'WHERE %s IS NOT NULL%s'):format(self.table, table.concat(names, ', '), facts.quoted, sampled(facts, spec),
    sql.name(facts.column), spec.rows and (' LIMIT %d'):format(spec.rows) or ''))
  session:query('ANALYZE ' .. self.table)
end

local function answer(self, facts, spec)
  local session = self.session
  local list = spec.read and spec.read() or tune_queries.sample(session, facts, self.table, spec.sample, spec.seed,
    spec.condition)
  if #list == 0 then config.raise(('no row of %s has a vector'):format(facts.table)) end
  local answers = tune_truth.find(session, facts, self.table, list, spec.k, spec.tell)
  for i, query in ipairs(list) do
    local near, numbers = {}, {}
    for row in pairs(answers[i].near) do near[#near + 1] = ('%d'):format(row) end
    for d = 0, query.vector.size - 1 do numbers[d + 1] = ('%.9g'):format(query.vector.data[d]) end
    session:query(('INSERT INTO %s.asked VALUES ($1::int, $2, $3, $4, $5, $6::int, $7::float8, $8)'):format(
      sql.name(self.schema)), { ('%d'):format(i), query.label, query.literal, query.condition,
      '[' .. table.concat(numbers, ',') .. ']', ('%d'):format(answers[i].wanted), ('%.17g'):format(answers[i].worst),
      table.concat(near, ' ') })
  end
end

local function read_asked(self)
  self.queries, self.answers = {}, {}
  for i, row in ipairs(self.session:query(('SELECT label, literal, condition, numbers, wanted, worst, near '
    .. 'FROM %s.asked ORDER BY n'):format(sql.name(self.schema))).rows) do
    local near = {}
    for number in row[7]:gmatch '%d+' do near[tonumber(number)] = true end
    self.queries[i] = { label = row[1], literal = row[2], condition = row[3], vector = vector.of(row[4]) }
    self.answers[i] = { wanted = tonumber(row[5]), worst = tonumber(row[6]), near = near }
  end
end

local function new(self, facts, spec)
  local session = self.session
  session:begin()
  local ok, err = pcall(function()
    make_schema(session, self.schema)
    session:query(('COMMENT ON SCHEMA %s IS %s'):format(sql.name(self.schema), sql.literal(mark .. spec.identity)))
    fill(self, facts, spec)
    make_tables(session, self.schema)
    answer(self, facts, spec)
  end)
  if not ok then
    session:rollback()
    error(err, 0)
  end
  session:commit()
end

local function resumed(self, comment, spec)
  if check_ours(self.schema, comment) ~= spec.identity then
    config.raise('an unfinished sweep of other rows or queries is there: ' .. check_ours(self.schema, comment),
      'finish it with its own command, or drop it: lugger vector tune TABLE.COLUMN --drop')
  end
  terminal.say('a sweep that was stopped goes on')
end

---@class lugger.tune.copy_spec
---@field identity string what is copied and asked, in words: a sweep of the same goes on
---@field rows integer|nil nil: all
---@field seed integer
---@field k integer
---@field sample integer
---@field condition string
---@field columns string[] those that conditions read
---@field read (fun(): lugger.tune.query[])|nil nil: stored vectors are drawn
---@field tell fun(rows: integer)

--- The copy of a sweep: made now in one transaction, or found as a stopped sweep left it.
---@param session lugger.native.pg
---@param schema string
---@param facts lugger.tune.facts
---@param spec lugger.tune.copy_spec
---@return lugger.tune.copy
function copy.open(session, schema, facts, spec)
  local self = setmetatable({ session = session, schema = schema, table = sql.name(schema) .. '.rows' }, object_meta)
  local comment = comment_of(session, schema)
  if comment then resumed(self, comment, spec) else new(self, facts, spec) end
  self.rows = tonumber(session:query('SELECT pg_catalog.count(*) FROM ' .. self.table).rows[1][1])
  read_asked(self)
  return self
end

--- What a build took, when it is done and its index stands.
---@param name string
---@return { seconds: number, bytes: number }|nil
function object:build(name)
  local row = self.session:query(([[SELECT seconds, bytes, EXISTS (SELECT FROM pg_index i
      WHERE i.indexrelid = pg_catalog.to_regclass($2) AND i.indisvalid) FROM %s.builds WHERE name = $1]]):format(
    sql.name(self.schema)), { name, sql.name(self.schema) .. '.' .. sql.name(name) }).rows[1]
  return row and { seconds = tonumber(row[1]), bytes = tonumber(row[2]), stands = row[3] == 't' } or nil
end

--- Drops an index of the copy, whatever is left of it.
---@param name string
function object:drop_index(name)
  self.session:query(('DROP INDEX IF EXISTS %s.%s'):format(sql.name(self.schema), sql.name(name)))
end

--- Notes a build that is done.
---@param name string
---@param seconds number
---@return { seconds: number, bytes: number }
function object:note_build(name, seconds)
  local bytes = self.session:query('SELECT pg_catalog.pg_relation_size($1::regclass)',
    { sql.name(self.schema) .. '.' .. sql.name(name) }).rows[1][1]
  self.session:query(('INSERT INTO %s.builds VALUES ($1, $2::float8, $3::int8) ON CONFLICT (name) DO UPDATE SET '
    .. 'seconds = excluded.seconds, bytes = excluded.bytes'):format(sql.name(self.schema)),
    { name, ('%.3f'):format(seconds), bytes })
  return { seconds = seconds, bytes = tonumber(bytes) }
end

--- What was measured of a point; nil: nothing yet.
---@param name string
---@return table|nil
function object:point(name)
  local row = self.session:query(('SELECT result FROM %s.points WHERE name = $1'):format(sql.name(self.schema)),
    { name }).rows[1]
  return row and native.json_tables(row[1]) or nil
end

--- Notes what was measured of a point.
---@param name string
---@param result table
function object:note_point(name, result)
  self.session:query(('INSERT INTO %s.points VALUES ($1, $2)'):format(sql.name(self.schema)),
    { name, json.encode(result) })
end

return copy
