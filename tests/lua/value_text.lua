-- What the prompt prints reads back as what was printed.
local check = require 'check'
local ffi = require 'ffi'
local lugger = require 'lugger'
local bson = require 'lugger.inner.base.bson'
local value_text = require 'lugger.inner.view.value_text'

local prompt = setmetatable({}, { __index = function(_, name)
  if lugger.has(name) then return lugger[name] end
  return _G[name]
end })

local function pasted(text)
  local chunk, problem = loadstring('return ' .. text)
  if not chunk then error(problem .. '\n' .. text, 2) end
  return setfenv(chunk, prompt)()
end

local function bytes_of(v)
  return lugger.json.to_bson { v = v }
end

describe('value_text', function()
  it('values', function()
    for _, v in ipairs {
      'plain', 'a "quoted" \\ \n\r\t\0 \127 line', 'grüße 中文 🙂', '\255\254', 'a\128b', '\194\128', '\237\160\128', '',
      lugger.decimal '9.990', lugger.decimal '-0.00000000000000000001', lugger.decimal '123456789012345678901234567890',
      lugger.objectid '64f1c0a2b3c4d5e6f7a8b901', lugger.uuid '0190f2c4-8a01-7cc3-98c4-dc0c0c07398f',
      lugger.date '2026-03-11T09:30:00.5Z', lugger.date(-62135596800000), lugger.binary('\0\1"\\]]\255', 0),
      lugger.binary('x', 5), lugger.vector { 1, -0.5, 3.4028234663852886e38, 1e-45 }, lugger.null,
      lugger.int64 '9223372036854775807', lugger.int64 '-9223372036854775808', lugger.int64 '5', lugger.double(3),
      0, -0.0, 0.1, 1e100, 1 / 3, 123456789012345680, 2 ^ 53, -1.5e-300, math.huge, -math.huge, true, false,
      lugger.array {}, lugger.document {}, {}, { 1, 2, { a = 'b' } }, lugger.document({ b = 1, a = 2 }, 'b a'),
      lugger.document({ ['a b'] = 1, ['"'] = 2, a = { x = lugger.null } }, { 'a b', '"', 'a' }),
      lugger.array { lugger.array {}, lugger.null },
    } do
      local text = value_text.of(v)
      local back = pasted(text)
      check.equal(value_text.of(back), text)
      check.equal(bytes_of(back), bytes_of(v))
    end
    check.equal(pasted(value_text.of(0 / 0)) ~= pasted(value_text.of(0 / 0)), true)
    check.equal(pasted(value_text.of(18446744073709551615ULL)) == 18446744073709551615ULL, true)
  end)

  it('every document of the samples, to the byte', function()
    local count = 0
    for _, name in ipairs { 'mongo/types.bson', 'mongo/ids.bson', 'mongo/users.bson', 'mongo/raw.bson' } do
      for batch in lugger.source(check.data(name)):cursor():batches() do
        for doc in batch:docs() do
          local text = value_text.of(doc)
          local ok, back = pcall(pasted, text)
          if not ok then error(tostring(back) .. '\n' .. text) end
          local again = type(back) == 'table' and bson.encode(back) or lugger.json.to_bson(back)
          if again ~= lugger.json.to_bson(doc) then
            error(('%s\n%s\n%s'):format(text, doc:json 'canonical', tostring(lugger.json.encode(back, 'canonical'))))
          end
          count = count + 1
        end
      end
    end
    check.truth(count > 20)
  end)

  it('documents made at random, to the byte', function()
    math.randomseed(20260311)
    local pick = math.random
    local function make(depth)
      local kinds = {
        function() return pick(-2 ^ 31, 2 ^ 31 - 1) end,
        function() return ffi.cast('int64_t', pick(0, 2 ^ 50)) * 4099 end,
        function() return lugger.double(pick(-100, 100)) end,
        function() return pick() * 10 ^ pick(-300, 300) end,
        function()
          local bytes = {}
          for i = 1, pick(0, 12) do bytes[i] = string.char(pick(0, 127)) end
          return table.concat(bytes)
        end,
        function() return lugger.null end,
        function() return pick() < 0.5 end,
        function() return lugger.decimal(('%d.%d'):format(pick(-99, 99), pick(0, 99999))) end,
        function() return lugger.date(pick(-1e12, 1e13)) end,
        function() return lugger.binary(tostring(pick()), pick(0, 1) * 128) end,
      }
      if depth > 0 and pick() < 0.4 then
        if pick() < 0.5 then
          local list = {}
          for i = 1, pick(0, 4) do list[i] = make(depth - 1) end
          return lugger.array(list)
        end
        local fields, order = {}, {}
        for i = 1, pick(0, 5) do
          local name = ('%s%d'):format(({ 'b', 'a', 'and', 'x y', 'Ü', '$' })[pick(6)], i)
          fields[name], order[i] = make(depth - 1), name
        end
        return lugger.document(fields, order)
      end
      return kinds[pick(#kinds)]()
    end
    for _ = 1, 300 do
      local stored = bytes_of(make(5))
      local doc = require('lugger.inner.base.document').from_bson(stored)
      local text = value_text.of(doc)
      check.equal(bson.encode(pasted(text)), stored)
    end
  end)

  it('what is left out is a comment', function()
    local long = {}
    for i = 1, 10000 do long[i] = i end
    local text = value_text.of(long, 20)
    check.truth(text:find('-- ... 9,980 more', 1, true))
    check.equal(#pasted(text), 20)
  end)

  it('a table that holds itself', function()
    local loop = {}
    loop.me = loop
    check.equal(value_text.of(loop), '{ me = { --[[ itself ]] } }')
  end)
end)
