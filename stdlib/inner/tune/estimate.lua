-- What a sweep will take, said before anything is made.
local terminal = require 'lugger.inner.view.terminal'

local estimate = {}

local page, row_header, seconds_of_product = 8100, 60, 1.5e-8

-- About the bytes of an index: hnsw keeps an element and its neighbours on one page, as far as there is room.
local function index_bytes(build, rows, bytes)
  local m = build.with.m
  local element = bytes + (m and 96 + 13 * m or 24)
  return math.ceil(rows / math.max(1, math.floor(page / element))) * 8192
end

--- About how long a build takes, by one measurement of pgvector 0.8: each row is compared with about ef_construction
--- others.
---@param build lugger.tune.build
---@param rows number
---@param dimensions integer
---@return number
function estimate.seconds(build, rows, dimensions)
  local ef, m = build.with.ef_construction, build.with.m
  if not ef then return rows * build.with.lists * (dimensions + 50) * seconds_of_product / 20 end
  return rows * ef * math.sqrt(m / 16) * (dimensions + 200) * seconds_of_product
end

---@class lugger.tune.estimate
---@field copy_bytes number
---@field index_bytes number of the largest index: there is one at a time
---@field seconds number of all builds

--- About what it takes.
---@param facts lugger.tune.facts
---@param builds lugger.tune.build[]
---@param rows number
---@return lugger.tune.estimate
function estimate.of(facts, builds, rows)
  ---@type lugger.tune.estimate
  local out = { copy_bytes = rows * (facts.bytes + row_header), index_bytes = 0, seconds = 0 }
  for _, build in ipairs(builds) do
    out.index_bytes = math.max(out.index_bytes, index_bytes(build, rows, facts.bytes))
    out.seconds = out.seconds + estimate.seconds(build, rows, facts.dimensions)
  end
  return out
end

--- Says it.
---@param facts lugger.tune.facts
---@param builds lugger.tune.build[]
---@param rows number
---@param schema string
function estimate.say(facts, builds, rows, schema)
  local about, points = estimate.of(facts, builds, rows), 0
  for _, build in ipairs(builds) do points = points + #build.points end
  terminal.say(('%s.%s: %s of about %s, %d dimensions, %s'):format(facts.table, facts.column,
    rows < facts.rows and terminal.group(rows) or 'all', terminal.count(facts.rows, 'row'), facts.dimensions,
    facts.metric))
  terminal.say(('a copy in the schema %s, unlogged, about %s; indexes on it one at a time, up to about %s: both are '
    .. 'dropped at the end'):format(schema, terminal.bytes(about.copy_bytes), terminal.bytes(about.index_bytes)))
  terminal.say(('%s to build, roughly %s; %s to measure'):format(terminal.count(#builds, 'index'):gsub('indexs$',
    'indexes'), terminal.duration(about.seconds), terminal.count(points, 'setting')))
end

return estimate
