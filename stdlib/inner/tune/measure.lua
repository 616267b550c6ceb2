-- Asks an index all queries: what it finds of the exact neighbours, and how long an answer takes.
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'
local tune_facts = require 'lugger.inner.tune.facts'
local tune_truth = require 'lugger.inner.tune.truth'
local sql, system = native.sql, native.system
local tonumber = tonumber --[[@as fun(text: any): number]]

local measure = {}

local function statement(self, query, with_distance)
  local distance = ('%s OPERATOR(%s.%s) $1::text::%s'):format(self.searched.expression, self.facts.vectors,
    tune_facts.metrics[self.facts.metric].op, tune_facts.spelled(self.facts, self.searched.type))
  return ('SELECT lugger_row%s FROM %s AS %s%s ORDER BY %s LIMIT %d'):format(
    with_distance and ', ' .. distance or '', self.copy.table, sql.name(self.facts.table),
    query.condition ~= '' and ' WHERE ' .. query.condition or '', distance, self.k)
end

local function uses(plan, index)
  if plan['Index Name'] == index then return true end
  for _, child in ipairs(plan.Plans or {}) do
    if uses(child, index) then return true end
  end
  return false
end

-- Each condition may have a plan of its own.
local function check_plans(self, index)
  local seen = {}
  for _, query in ipairs(self.copy.queries) do
    if not seen[query.condition] then
      seen[query.condition] = true
      local rows = self.session:query('EXPLAIN (FORMAT JSON) ' .. statement(self, query, false),
        { query.literal }).rows
      if not uses(native.json_tables(rows[1][1])[1].Plan, index) then
        error(native.error('verify', ('the planner does not search by %s%s'):format(index, query.condition ~= ''
          and ' where ' .. query.condition or ''), 'look at EXPLAIN of such a query on the copy: --keep leaves it'), 0)
      end
    end
  end
end

-- A hit is right when it is one of the k exact neighbours, or as near as the k-th.
local function right_of(metric, rows, answer)
  local right = 0
  for _, row in ipairs(rows) do
    local score = tune_truth.score(metric, tonumber(row[2]))
    if answer.near[tonumber(row[1])] or tune_truth.tied(score, answer.worst) then right = right + 1 end
  end
  return math.min(right, answer.wanted)
end

local function find_recall(self, out)
  local sum, asked, rows = 0, 0, 0 ---@type number, integer, integer
  for i, query in ipairs(self.copy.queries) do
    local answer = assert(self.copy.answers[i])
    if answer.wanted > 0 then
      retry.check_stop()
      local found = self.session:query(statement(self, query, true), { query.literal }).rows
      local share = right_of(self.facts.metric, found, answer) / answer.wanted
      sum, asked, rows = sum + share, asked + 1, rows + #found
      out.worst = math.min(out.worst, share)
      if #found < answer.wanted then out.short = out.short + 1 end
    end
  end
  out.queries, out.recall, out.returned = asked, sum / asked, rows / asked
end

local function percentile(sorted, share)
  return sorted[math.max(1, math.ceil(#sorted * share))]
end

local function time_of(session, text, params)
  local began = system.monotonic()
  session:query(text, params)
  return (system.monotonic() - began) * 1000
end

local rounds = 3

-- The time of a query is the median of three, in rounds over all queries: what else the machine does is left out.
local function find_times(self, out)
  local times, by_query = {}, {}
  for round = 1, rounds do
    for i, query in ipairs(self.copy.queries) do
      if assert(self.copy.answers[i]).wanted > 0 then
        retry.check_stop()
        by_query[i] = by_query[i] or {}
        by_query[i][round] = time_of(self.session, statement(self, query, false), { query.literal })
      end
    end
  end
  for _, list in pairs(by_query) do
    table.sort(list)
    times[#times + 1] = percentile(list, 0.5)
  end
  table.sort(times)
  out.p50, out.p95 = percentile(times, 0.5), percentile(times, 0.95)
end

---@class lugger.tune.measured
---@field queries integer
---@field recall number
---@field worst number of one query
---@field returned number rows a query
---@field short integer queries with fewer rows than there are
---@field p50 number milliseconds
---@field p95 number

---@class lugger.tune.measuring
---@field session lugger.native.pg
---@field copy lugger.tune.copy
---@field facts lugger.tune.facts
---@field searched lugger.tune.searched
---@field k integer

--- Measures an index with settings. All queries are asked once before their times are taken: the index is in memory.
---@param self lugger.tune.measuring
---@param index string
---@param settings { [1]: string, [2]: string }[]
---@return lugger.tune.measured
function measure.point(self, index, settings)
  for _, one in ipairs(settings) do
    self.session:query('SELECT pg_catalog.set_config($1, $2, false)', { one[1], one[2] })
  end
  check_plans(self, index)
  local out = { worst = 1, short = 0 } ---@type any
  find_recall(self, out)
  find_times(self, out)
  return out
end

local most_seconds = 10 -- of searches without an index

--- The times of searches without an index: every row that the condition lets through is compared.
---@param self lugger.tune.measuring
---@return { queries: integer, p50: number, p95: number }
function measure.exact(self)
  local session, times, began = self.session, {}, system.monotonic()
  session:query 'SET enable_indexscan = off; SET enable_seqscan = on'
  for i, query in ipairs(self.copy.queries) do
    if assert(self.copy.answers[i]).wanted > 0 and system.monotonic() - began < most_seconds then
      retry.check_stop()
      local time = time_of(session, statement(self, query, false), { query.literal })
      if i > 1 or #self.copy.queries == 1 then times[#times + 1] = time end
    end
  end
  session:query 'RESET enable_indexscan; RESET enable_seqscan'
  table.sort(times)
  return { queries = #times, p50 = percentile(times, 0.5), p95 = percentile(times, 0.95) }
end

--- The time of a statement that does nothing, in milliseconds: what the way to the server costs.
---@param session lugger.native.pg
---@return number
function measure.round_trip(session)
  local times = {}
  for i = 1, 50 do times[i] = time_of(session, 'SELECT $1::int', { '1' }) end
  table.sort(times)
  return percentile(times, 0.5)
end

return measure
