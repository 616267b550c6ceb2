-- Builds each index on the copy, one at a time, and measures its points. What was measured is noted before the next
-- point begins, so a sweep that is stopped or killed measures no point twice.
local estimate = require 'lugger.inner.tune.estimate'
local job = require 'lugger.inner.job.job'
local measure = require 'lugger.inner.tune.measure'
local native = require 'lugger.native'
local place_of = require 'lugger.inner.job.place'
local terminal = require 'lugger.inner.view.terminal'
local tune_facts = require 'lugger.inner.tune.facts'
local system = native.system

local sweep = {}

---@class lugger.tune.result
---@field build lugger.tune.build
---@field search table<string, string|integer>
---@field name string
---@field seconds number of the build
---@field bytes number of the index
---@field found lugger.tune.measured

---@class lugger.tune.sweep
---@field place string
---@field schema string
---@field facts lugger.tune.facts
---@field copy lugger.tune.copy
---@field session lugger.native.pg
---@field k integer
---@field index_memory string|nil
---@field builds lugger.tune.build[]

--- "m = 16, ef_construction = 64".
---@param values table<string, any>
---@param names string[]
---@return string
function sweep.words(values, names)
  local parts = {}
  for _, name in ipairs(names) do
    if values[name] then parts[#parts + 1] = ('%s = %s'):format(name, values[name]) end
  end
  return table.concat(parts, ', ')
end

-- The stage that builds the indexes of a job builds these too: its progress, its memory, its workers.
local function build_index(self, build, searched)
  local table_name = self.schema .. '.rows'
  local options = { table = table_name, key = 'lugger_row', state_schema = self.schema }
  local one = job.copy {
    name = build.name, from = place_of.source(self.place, { table = table_name, key = 'lugger_row' }),
    into = place_of.target(self.place, options),
    columns = { { 'lugger_row', 'int8' },
      { self.facts.column, tune_facts.spelled(self.facts, self.facts.type):gsub('^pg_catalog%."bit"', 'bit') .. '' } },
    indexes = { { columns = { searched.entry }, name = build.name, method = build.method, opclass = searched.opclass,
      with = build.with, concurrently = false } },
  }
  local began = system.monotonic()
  local result = one:run { stage = 'index', progress = true, index_memory = self.index_memory }
  if result.status == 'stopped' then error(native.error('interrupted', 'stopped'), 0) end
  return system.monotonic() - began
end

-- What is left to build, by what this build took against what was expected of it.
local function left_of(self, build, seconds)
  local dimensions, sum, count, behind = self.facts.dimensions, 0, 0, false ---@type integer, number, integer, boolean
  for _, one in ipairs(self.builds) do
    if behind then sum, count = sum + estimate.seconds(one, self.copy.rows, dimensions), count + 1 end
    behind = behind or one == build
  end
  if count == 0 then return '' end
  return ('; %d more, about %s'):format(count, terminal.duration(sum * seconds / estimate.seconds(build,
    self.copy.rows, dimensions)))
end

local function built(self, build, searched)
  local known = self.copy:build(build.name)
  if known and known.stands then return known end
  self.copy:drop_index(build.name) -- what a build that was killed left
  local seconds = build_index(self, build, searched)
  local noted = self.copy:note_build(build.name, seconds)
  terminal.say(('%s: built in %s, %s%s'):format(build.name, terminal.duration(seconds), terminal.bytes(noted.bytes),
    left_of(self, build, seconds)))
  return noted
end

local function measure_build(self, build, results)
  local searched, todo = tune_facts.searched(self.facts, build.method), {}
  for _, point in ipairs(build.points) do
    if not self.copy:point(point.name) then todo[#todo + 1] = point end
  end
  if #todo > 0 then
    built(self, build, searched)
    local measuring = { session = self.session, copy = self.copy, facts = self.facts, searched = searched, k = self.k }
    for _, point in ipairs(todo) do
      self.copy:note_point(point.name, measure.point(measuring, build.name, point.settings))
    end
    self.copy:drop_index(build.name)
  end
  local noted = assert(self.copy:build(build.name))
  for _, point in ipairs(build.points) do
    results[#results + 1] = { build = build, name = point.name, search = point.search, seconds = noted.seconds,
      bytes = noted.bytes, found = assert(self.copy:point(point.name)) }
  end
end

--- Measures all points.
---@param self lugger.tune.sweep
---@return lugger.tune.result[]
function sweep.run(self)
  local results = {}
  if not self.copy:point 'exact' then
    self.copy:note_point('exact', measure.exact { session = self.session, copy = self.copy, facts = self.facts,
      searched = tune_facts.searched(self.facts, assert(self.builds[1]).method), k = self.k })
  end
  -- Only the index is to be measured, whatever the planner thinks of a copy of this size.
  self.session:query 'SET enable_seqscan = off'
  for _, build in ipairs(self.builds) do measure_build(self, build, results) end
  return results
end

--- The cheapest point that finds enough: the least p95, and of equals the smaller index. When none finds enough, the
--- one that finds most.
---@param results lugger.tune.result[]
---@param least number
---@return lugger.tune.result
---@return boolean enough
function sweep.knee(results, least)
  local best, most ---@type lugger.tune.result|nil, lugger.tune.result|nil
  for _, one in ipairs(results) do
    local found = one.found
    if found.recall >= least and (not best or found.p95 < best.found.p95
      or found.p95 == best.found.p95 and one.bytes < best.bytes) then best = one end
    if not most or found.recall > most.found.recall
      or found.recall == most.found.recall and found.p95 < most.found.p95 then most = one end
  end
  return best or most --[[@as lugger.tune.result]], best ~= nil
end

return sweep
