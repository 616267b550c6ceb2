-- The points of a sweep: what is built, and with which settings each index is searched.
local fault = require 'lugger.inner.base.fault'
local flags = require 'lugger.inner.cli.flags'
local terminal = require 'lugger.inner.view.terminal'
local tune_facts = require 'lugger.inner.tune.facts'
local tonumber = tonumber --[[@as fun(text: any): number]]

local grid = {}

---@class lugger.tune.build
---@field name string of the index on the copy
---@field method "hnsw"|"ivfflat"
---@field with table<string, integer>
---@field points lugger.tune.point[]

---@class lugger.tune.point
---@field name string
---@field build lugger.tune.build
---@field search table<string, string|integer> ef_search or probes; iterative_scan, max_scan_tuples
---@field settings { [1]: string, [2]: string }[] of the session

-- The bounds of pgvector.
local bounds = { m = { 2, 100 }, ef_construction = { 4, 1000 }, ef_search = { 1, 1000 }, lists = { 1, 32768 },
  probes = { 1, 32768 }, max_scan_tuples = { 1, 2147483647 } }

local modes = { 'off', 'relaxed_order', 'strict_order' }

local function numbers(args, name, otherwise)
  local text, list, seen = args[name], {}, {}
  if not text then return otherwise end
  for word in text:gmatch '[^,%s]+' do
    local number, least, most = tonumber(word), bounds[name][1], bounds[name][2]
    if not number or number % 1 ~= 0 or number < least or number > most then
      flags.usage_error(('--%s takes whole numbers from %d to %d, not "%s"'):format(name:gsub('_', '-'), least, most,
        word), 'several are separated by commas')
    end
    if not seen[number] then list[#list + 1] = number end
    seen[number] = true
  end
  if #list == 0 then flags.usage_error(('--%s takes a number'):format((name:gsub('_', '-')))) end
  table.sort(list)
  return list
end

local function words(args, name, known, otherwise)
  local text, list = args[name], {}
  if not text then return otherwise end
  for word in text:gmatch '[^,%s]+' do
    local is_known = false
    for _, one in ipairs(known) do is_known = is_known or one == word end
    if not is_known then
      flags.usage_error(('--%s has no "%s"'):format(name:gsub('_', '-'), word), fault.near(word, known))
    end
    list[#list + 1] = word
  end
  return list
end

--- The methods to try.
---@param args table
---@param facts lugger.tune.facts
---@return string[]
function grid.methods(args, facts)
  return words(args, 'method', { 'hnsw', 'ivfflat' }, { facts.method })
end

-- Budgets above the rows there are do the same.
local function useful(list, rows)
  local out = {}
  for i, budget in ipairs(list) do
    if i == 1 or list[i - 1] < rows then out[#out + 1] = budget end
  end
  return out
end

local function scans(args, facts, method, rows, filtered)
  local old = facts.version < 800
  if old and (args.iterative_scan or args.max_scan_tuples) then
    flags.usage_error('iterative scans are of pgvector 0.8', 'ALTER EXTENSION vector UPDATE, where it is installed')
  end
  if old then return { {} } end
  local list = {}
  local wanted = words(args, 'iterative_scan', modes, filtered and { 'off', 'relaxed_order' } or { 'off' })
  for _, mode in ipairs(wanted) do
    if mode == 'off' then
      list[#list + 1] = { iterative_scan = 'off' }
    elseif method == 'ivfflat' then
      if mode == 'relaxed_order' then list[#list + 1] = { iterative_scan = mode } end
    else
      for _, budget in ipairs(useful(numbers(args, 'max_scan_tuples', { 20000, 100000 }), rows)) do
        list[#list + 1] = { iterative_scan = mode, max_scan_tuples = budget }
      end
    end
  end
  return list
end

-- What a point is called: settings that are never in doubt are left out.
local function add_points(build, name, values, list)
  for _, scan in ipairs(list) do
    for _, value in ipairs(values) do
      local prefix = build.method == 'hnsw' and 'hnsw' or 'ivfflat'
      local search = { [name] = value, iterative_scan = scan.iterative_scan, max_scan_tuples = scan.max_scan_tuples }
      local settings = { { ('%s.%s'):format(prefix, name), ('%d'):format(value) } }
      if scan.iterative_scan then
        settings[#settings + 1] = { prefix .. '.iterative_scan', scan.iterative_scan }
      end
      if scan.max_scan_tuples then
        settings[#settings + 1] = { 'hnsw.max_scan_tuples', ('%d'):format(scan.max_scan_tuples) }
      end
      local parts = {}
      for i, one in ipairs(settings) do parts[i] = one[1] .. '=' .. one[2] end
      build.points[#build.points + 1] = { name = build.name .. ' ' .. table.concat(parts, ' '), build = build,
        search = search, settings = settings }
    end
  end
end

-- The pairs to build: those that were given, or the usual ones and those of the indexes that stand.
local function pairs_of(args, facts)
  local out, seen = {}, {}
  local function add(m, ef)
    local word = m .. ' ' .. ef
    if not seen[word] then out[#out + 1] = { m = m, ef_construction = ef } end
    seen[word] = true
  end
  for _, index in ipairs((args.m or args.ef_construction) and {} or facts.indexes) do
    local with = tune_facts.options(index)
    if index.method == 'hnsw' and tune_facts.serves(facts, index) then add(with.m, with.ef_construction) end
  end
  for _, m in ipairs(numbers(args, 'm', { 16, 24 })) do
    for _, ef in ipairs(numbers(args, 'ef_construction', { 64, 200 })) do add(m, ef) end
  end
  return out
end

-- Five from k on: fewer candidates than hits are wanted would come short.
local function widths_of(k)
  local out = {}
  for _, ef in ipairs { 10, 20, 40, 80, 160, 320, 640, 1000 } do
    if (ef >= k or ef == 1000) and #out < 5 then out[#out + 1] = ef end
  end
  return out
end

local function add_hnsw(out, args, facts, rows, filtered, k)
  local refused = {}
  for _, with in ipairs(pairs_of(args, facts)) do
    if with.ef_construction < 2 * with.m then
      refused[#refused + 1] = ('m = %d, ef_construction = %d'):format(with.m, with.ef_construction)
    else
      local build = { name = ('hnsw_m%d_ef%d'):format(with.m, with.ef_construction), method = 'hnsw', points = {},
        with = with }
      add_points(build, 'ef_search', numbers(args, 'ef_search', widths_of(k)),
        scans(args, facts, 'hnsw', rows, filtered))
      out[#out + 1] = build
    end
  end
  if #refused > 0 then
    terminal.warn(('left out: %s (pgvector wants ef_construction of at least 2 m)'):format(table.concat(refused,
      '; ')))
  end
end

local function add_ivfflat(out, args, facts, rows, filtered)
  local usual = math.max(10, math.floor(rows <= 1000000 and rows / 1000 or math.sqrt(rows)))
  for _, lists in ipairs(numbers(args, 'lists', { usual })) do
    local root, probes, seen = math.sqrt(lists), {}, {}
    for _, count in ipairs { 1, root / 2, root, 2 * root, 4 * root } do
      count = math.min(lists, math.max(1, math.floor(count + 0.5)))
      if not seen[count] then probes[#probes + 1] = count end
      seen[count] = true
    end
    local build = { name = ('ivfflat_lists%d'):format(lists), method = 'ivfflat', points = {},
      with = { lists = lists } }
    add_points(build, 'probes', numbers(args, 'probes', probes), scans(args, facts, 'ivfflat', rows, filtered))
    out[#out + 1] = build
  end
end

--- The indexes to build, each with its points.
---@param args table
---@param facts lugger.tune.facts
---@param rows number of the copy
---@param filtered boolean
---@param k integer
---@return lugger.tune.build[]
function grid.builds(args, facts, rows, filtered, k)
  local out = {}
  for _, method in ipairs(grid.methods(args, facts)) do
    if method == 'hnsw' then add_hnsw(out, args, facts, rows, filtered, k)
    else add_ivfflat(out, args, facts, rows, filtered) end
  end
  if #out == 0 then flags.usage_error('there is nothing to build', 'take a smaller m or a larger ef_construction') end
  return out
end

return grid
