-- The hot loop of hooks must compile, and stay compiled: a trace that links to itself, and no abort once it is there.
-- A hook that stores a table calls native code in between: its traces are stitched, and none is given up either.
-- (While it warms up, LuaJIT may try a metamethod by itself and give that up.) Run by tests/lua/run.lua. The watching
-- happens in the worker's own state, by a function that travels there with the hook.
-- luacheck: globals describe it
local check = require 'check'
local lugger = require 'lugger'

local state = lugger.scratch { loops = 0, aborted = 0, where = '', rows = 0, watching = false, link = 'loop' }

local function watch()
  local jit_util = require 'jit.util'
  jit.attach(function(what, trace, fn, pc, code)
    if what == 'stop' then
      if jit_util.traceinfo(trace).linktype == state.link then state.loops = state.loops + 1 end
    elseif what == 'abort' and state.loops > 0 then
      state.aborted = state.aborted + 1
      state.where = state.where .. ' ' .. jit_util.funcinfo(fn, pc).loc .. ' (' .. tostring(code) .. ')'
    end
  end, 'trace')
  state.watching = true
end

local rows = 2000

-- Documents of one shape.
local function documents()
  local path = check.scratch 'users.jsonl'
  local file = assert(io.open(path, 'w'))
  for i = 1, rows do
    file:write(('{"_id": "%d", "email": "U%d@Example.com", "name": "N %d", "visits": %d, '
      .. '"balance": {"$numberDecimal": "%d.25"}, "tags": ["a", "b"], '
      .. '"at": {"$date": {"$numberLong": "%d"}}, '
      .. '"address": {"city": "Kyoto", "zip": "%05d", "street": "S %d"}}\n'):format(i, i, i, i, i, i * 123456789, i, i))
  end
  file:close()
  return path
end

-- Runs a map over the documents; the name in the last one tells how it went.
local function traces(map, link)
  local spec = {
    from = lugger.source(documents()),
    into = lugger.target(check.scratch 'out.jsonl', { key = 'mongo_id' }),
    columns = { { 'mongo_id', 'text', from = '_id' }, { 'email', 'text' }, { 'name', 'text' }, { 'visits', 'int8' },
      { 'balance', 'numeric' }, { 'address', 'jsonb' }, { 'at', 'timestamptz' } },
  }
  state.link = link or 'loop'
  state.rows = 0
  spec.map = function(row, doc)
    if not state.watching then watch() end
    local result = map(row, doc)
    state.rows = state.rows + 1
    if state.rows == rows then row.name = ('loops=%d aborted=%d%s'):format(state.loops, state.aborted, state.where) end
    return result
  end
  return lugger.copy(spec):preview(rows).documents[rows].rows[1].values[3]
end

-- Which code is hot first depends on its address, so now and then a side trace begins where it cannot end. What
-- LuaJIT cannot compile it gives up in every state.
local function compiles(map, link)
  local text
  for _ = 1, 4 do
    text = traces(map, link)
    if text:match 'aborted=.*' == 'aborted=0' then break end
  end
  check.truth(tonumber(text:match 'loops=(%d+)') > 0)
  check.equal(text:match 'aborted=.*', 'aborted=0')
end

describe('jit', function()
  it('compiles a map that reads one string and writes one', function()
    compiles(function(row) row.name = row.email end)
  end)

  it('compiles the map of the documentation', function()
    compiles(function(row, doc)
      if doc.deleted then return lugger.skip 'deleted' end
      row.email = row.email:lower()
    end)
  end)

  it('compiles numbers, null and nested fields', function()
    compiles(function(row, doc)
      if doc.address.city == 'x' then return end
      row.visits = row.visits + 1
      row.balance = nil
    end)
  end)

  it('compiles shared tables', function()
    local names = {}
    for i = 1, 100 do names['u' .. i .. '@example.test'] = { name = 'user ' .. i, n = i } end
    names = lugger.shared(names)
    compiles(function(row)
      local found = names[row.email]
      if found then
        row.name = found.name
        row.visits = found.n
      end
    end)
  end)

  it('compiles actions, and rows of lugger.emit', function()
    compiles(function(row)
      if row.visits == 7 then return lugger.skip 'seven' end
      if row.email then lugger.emit { mongo_id = row.mongo_id .. '2', name = 'x' } end
    end)
  end)

  it('compiles dotted paths, and methods behind fields', function()
    compiles(function(row, doc)
      if doc:get 'address.city' == 'x' or doc:get 'no.such.path' then return end
      row.name = row.email
    end)
  end)

  it('compiles many nested fields', function()
    compiles(function(row, doc)
      local address = doc.address
      if address.city == 'x' or address.zip == 'y' or doc.address.street == 'z' then return end
      if doc:get 'tags.0' == 'x' or address:get 'city' == 'y' or doc:has 'address.country' then row.name = 'y' end
      row.name = tostring(address.city) .. #doc
    end)
  end)

  it('compiles decimals', function()
    compiles(function(row)
      if not row.balance then return end
      row.balance = row.balance * 2 + 1
      if row.balance > 5 then row.visits = 1 end
    end)
  end)

  it('compiles the fields of dates', function()
    compiles(function(row, doc)
      local at = doc.at
      if at.year < 1970 or at.weekday == 8 then row.visits = at.month end
    end)
  end)

  it('compiles dates that are moved', function()
    local span = lugger.interval '1 mon 1 day 00:30'
    compiles(function(row) row.at = row.at + span end)
  end)

  it('compiles dates that are compared, in a zone too', function()
    local berlin = lugger.date '1971-01-01':in_zone 'Europe/Berlin'
    compiles(function(row)
      if row.at > berlin then row.visits = berlin.hour end
    end)
  end)

  it('stitches a document that is built', function()
    compiles(function(row, doc)
      row.address = { city = doc.address.city, visits = row.visits, tags = { 'a', 'b' }, ok = true, no = lugger.null }
    end, 'stitch')
  end)
end)
