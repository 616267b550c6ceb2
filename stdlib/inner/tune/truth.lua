-- The exact neighbours of the queries: one pass over the copy, every vector compared natively with every query.
local abi = require 'lugger.inner.base.abi'
local ffi = require 'ffi'
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'
local tune_queries = require 'lugger.inner.tune.queries'
local vector = require 'lugger.vector'
local C = abi.C

local truth = {}

local numbers = { cosine = 0, dot = 1, l2 = 2, l1 = 3, hamming = 4, jaccard = 5 }
local larger_is_nearer = { cosine = true, dot = true }
local same_score = 1e-6 -- the server computes in float: scores this close are one rank to it
local chunk_floats, most_rows = 2000000, 4096

--- Whether two scores are one rank to the server.
---@param a number
---@param b number
---@return boolean
function truth.tied(a, b)
  return math.abs(a - b) <= same_score * math.max(1, math.abs(a), math.abs(b))
end

--- The score of a distance, as the operators of pgvector give it.
---@param metric string
---@param distance number
---@return number
function truth.score(metric, distance)
  if metric == 'cosine' then return 1 - distance end
  return metric == 'dot' and -distance or distance
end

-- Queries with the same condition are asked of the same rows.
local function groups_of(list)
  local groups, by_condition = {}, {}
  for _, query in ipairs(list) do
    local group = by_condition[query.condition]
    if not group then
      group = { condition = query.condition, queries = {} }
      groups[#groups + 1], by_condition[query.condition] = group, group
    end
    group.queries[#group.queries + 1] = query
  end
  return groups
end

local function merge(best, matches, count, rows, kept, nearer)
  for i = 0, count - 1 do
    best[#best + 1] = { row = rows[matches[i].index + 1], score = matches[i].score }
  end
  table.sort(best, nearer)
  for i = #best, kept + 1, -1 do best[i] = nil end
end

local function search_chunk(self, rows, vectors, fits)
  local count = #vectors
  local pointers = ffi.new('const float *[?]', count) ---@type any
  for g, group in ipairs(self.groups) do
    for i = 1, count do pointers[i - 1] = fits[g][i] and vectors[i].data or nil end
    for _, query in ipairs(group.queries) do
      local most = math.min(self.kept, count)
      local found = C.lug_vector_top_k(pointers, count, query.vector.data, query.vector.size, numbers[self.metric],
        self.matches, most)
      merge(self.best[query], self.matches, found, rows, self.kept, self.nearer)
    end
  end
end

local function read_chunk(self, given)
  local rows, vectors, fits = {}, {}, {}
  for g in ipairs(self.groups) do fits[g] = {} end
  for i, row in ipairs(given) do
    rows[i], vectors[i] = tonumber(row[1]), vector.of(row[2])
    for g, group in ipairs(self.groups) do fits[g][i] = group.condition == '' or row[2 + g] == 't' end
  end
  search_chunk(self, rows, vectors, fits)
end

local function statement(self, facts, copy)
  local parts = { 'lugger_row', tune_queries.numbers(facts) }
  for _, group in ipairs(self.groups) do
    parts[#parts + 1] = group.condition == '' and 'true' or ('(%s) IS TRUE'):format(group.condition)
  end
  return ('SELECT %s FROM %s AS %s'):format(table.concat(parts, ', '), copy, native.sql.name(facts.table))
end

---@class lugger.tune.answer
---@field wanted integer how many hits k asks for, as far as there are so many
---@field worst number the score of the last of them
---@field near table<integer, boolean|nil> the rows that are right

local function answer_of(self, query, k)
  local best, near = self.best[query], {}
  local wanted = math.min(k, #best)
  for i = 1, wanted do near[best[i].row] = true end
  return { wanted = wanted, worst = wanted > 0 and best[wanted].score or 0, near = near }
end

--- The answers to the queries, in their order. `tell(rows)` hears how many rows were compared.
---@param session lugger.native.pg inside a transaction
---@param facts lugger.tune.facts
---@param copy string as SQL
---@param list lugger.tune.query[]
---@param k integer
---@param tell fun(rows: integer)
---@return lugger.tune.answer[]
function truth.find(session, facts, copy, list, k, tell)
  local self = { groups = groups_of(list), metric = facts.metric, best = {}, kept = k, done = 0 }
  self.matches = ffi.new('lug_match[?]', k)
  local larger = larger_is_nearer[facts.metric]
  function self.nearer(a, b)
    if a.score ~= b.score then return (a.score > b.score) == (larger or false) end
    return a.row < b.row
  end
  for _, query in ipairs(list) do self.best[query] = {} end
  local rows = math.max(1, math.min(most_rows, math.floor(chunk_floats / facts.dimensions)))
  session:query('DECLARE lugger_truth NO SCROLL CURSOR FOR ' .. statement(self, facts, copy))
  repeat
    retry.check_stop()
    local given = session:query(('FETCH FORWARD %d FROM lugger_truth'):format(rows)).rows
    if #given > 0 then read_chunk(self, given) end
    self.done = self.done + #given
    tell(self.done)
  until #given < rows
  session:query 'CLOSE lugger_truth'
  local answers = {}
  for i, query in ipairs(list) do answers[i] = answer_of(self, query, k) end
  return answers
end

return truth
