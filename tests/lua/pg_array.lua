-- PostgreSQL arrays in Lua: lists that are stored again as they came.
local check = require 'check'
local codec = require 'lugger.inner.base.codec'
local ffi = require 'ffi'
local lugger = require 'lugger'
local pg_array = require 'lugger.inner.base.pg_array'
local equal = check.equal

local function array(kind, list)
  return lugger.coercer(kind):coerce(list)
end

-- PostgreSQL's binary form of a two-dimensional int4[] with a lower bound of its own: [0:1][1:2]={{1,NULL},{3,4}}
local matrix_hex = '00000002 00000001 00000017 00000002 00000000 00000002 00000001' ..
  '00000004 00000001 ffffffff 00000004 00000003 00000004 00000004'

local function bytes_of(hex)
  return (hex:gsub('%s', ''):gsub('%x%x', function(byte) return string.char(tonumber(byte, 16)) end))
end

local function decode(bytes)
  local slot = ffi.new 'lug_value'
  slot.type, slot.size, slot.data = 33, #bytes, ffi.cast('const uint8_t *', bytes)
  return codec.decode(slot, nil)
end

-- Type and bytes of the slot that a value is put into.
local function encode(v)
  local slot, held = ffi.new 'lug_value', nil
  codec.encode(slot, v, function(data, size)
    held = ffi.string(data, size)
    return ffi.cast('const uint8_t *', held)
  end)
  return slot.type, held
end

describe('PostgreSQL arrays', function()
  it('are lists', function()
    local tags = array('text[]', { 'a', 'b,c', lugger.null })
    equal(#tags, 3)
    equal(tags[2], 'b,c')
    equal(tags[3], lugger.null)
    equal(tags[4], nil)
    local seen = {}
    for i, tag in ipairs(tags) do seen[i] = tostring(tag) end
    check.same_list(seen, { 'a', 'b,c', 'null' })
    equal(table.concat(array('int4[]', { 3, 1, 2 }), ' '), '3 1 2')
    equal(tostring(array('numeric[]', { lugger.decimal '1.50' })[1]), '1.50')
    equal(tostring(array('uuid[]', { '0190f2c4-8a01-7cc3-98c4-dc0c0c07398f' })[1]),
      '0190f2c4-8a01-7cc3-98c4-dc0c0c07398f')
    equal(tostring(array('timestamptz[]', { '2026-01-01' })[1]), '2026-01-01T00:00:00Z')
    equal(array('bool[]', { true, false })[2], false)
    equal(#array('text[]', lugger.array {}), 0)
    equal(lugger.type(tags), 'array')
  end)

  it('are stored again as the bytes they came from', function()
    local bytes = bytes_of(matrix_hex)
    local kind, stored = encode(decode(bytes))
    equal(kind, 33)
    equal(stored == bytes, true)
    local empty = bytes_of '00000000 00000000 00000019'
    local _, again = encode(decode(empty))
    equal(again == empty, true)
    local nan = lugger.coercer('float8[]', { non_finite = 'keep' }):coerce { 0 / 0, 1 }
    equal(pg_array.unchanged(nan) ~= nil, true)
  end)

  it('nest', function()
    local matrix = decode(bytes_of(matrix_hex))
    equal(#matrix, 2)
    equal(matrix[1][1], 1)
    equal(matrix[1][2], lugger.null)
    equal(matrix[2][2], 4)
    equal(tostring(matrix), '[[1,null],[3,4]]')
    matrix[2][2] = 5
    equal(pg_array.unchanged(matrix), nil)
    equal(lugger.json.encode(matrix), '[[1,null],[3,5]]')
  end)

  it('that were changed are stored as what they are now', function()
    local tags = array('text[]', { 'a', 'b' })
    tags[#tags + 1] = 'c'
    equal(encode(tags), 21)
    equal(tostring(tags), '["a","b","c"]')
    check.same_list(array('text[]', tags), { 'a', 'b', 'c' })
    tags[3] = nil
    equal(encode(tags), 33)
    table.remove(tags)
    equal(encode(tags), 21)
    local none = array('text[]', { 'a' })
    none[1] = nil
    equal(lugger.json.encode { tags = none }, '{"tags":[]}')
  end)

  it('that are not valid stay opaque', function()
    local odd = decode(bytes_of '00000001 00000000 00000017 00000002 00000001 00000004 00000001')
    equal(lugger.type(odd), 'pgarray')
    local kind = encode(odd)
    equal(kind, 33)
  end)

  it('are read and written by hooks', function()
    local job = lugger.copy {
      from = lugger.source(check.data 'mongo/users.bson'),
      into = lugger.target(check.scratch 'out.jsonl', { key = 'mongo_id' }),
      columns = { { 'mongo_id', 'text', from = '_id' }, { 'tags', 'text[]' } },
      map = function(row)
        local tags = row.tags
        if not tags then return end
        tags[#tags + 1] = 'seen'
        row.tags = tags
      end,
    }
    local plain = lugger.copy {
      from = lugger.source(check.data 'mongo/users.bson'),
      into = lugger.target(check.scratch 'out.jsonl', { key = 'mongo_id' }),
      columns = { { 'mongo_id', 'text', from = '_id' }, { 'tags', 'text[]' } },
    }
    local before, after = plain:preview(60).documents, job:preview(60).documents
    local changed = 0
    for i, document in ipairs(before) do
      local old, new = document.rows[1].values[2], after[i].rows[1].values[2]
      if not document.rows[1].is_null[2] then
        changed = changed + 1
        equal(new, old == '{}' and '{seen}' or old:sub(1, -2) .. ',seen}')
      end
    end
    check.truth(changed > 0)
  end)
end)
