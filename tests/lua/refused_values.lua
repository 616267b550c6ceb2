-- A hook that reads a value which did not fit its column: the document is what it would be without the hook.
local check = require 'check'
local lugger = require 'lugger'
local equal = check.equal

local function documents(map, column)
  local path = check.scratch 'refused.jsonl'
  local file = assert(io.open(path, 'w'))
  file:write '{"_id":1,"n":"12"}\n{"_id":2,"n":"12abc"}\n{"_id":3,"n":3}\n{"_id":4}\n'
  file:close()
  local n = { 'n', 'int4' }
  for key, v in pairs(column or {}) do n[key] = v end
  return lugger.copy {
    from = lugger.source(path), into = lugger.target(check.scratch 'refused_out.jsonl', { key = 'id' }),
    columns = { { 'id', 'text', from = '_id' }, n }, map = map,
  }:preview(4).documents
end

local function values(found)
  local out = {}
  for i, document in ipairs(found) do
    out[i] = document.fate == 'reject' and 'reject' or tostring(document.rows[1].values[2])
  end
  return out
end

describe('test_e10', function()
  it('arithmetic with it gives one reject, with the reason of the column', function()
    local found = documents(function(row) if row.n and row.n > 0 then row.n = row.n + 1 end end)
    equal(found[1].rows[1].values[2], '13')
    equal(found[2].fate, 'reject')
    check.truth(found[2].message:find('12abc', 1, true))
    equal(found[3].rows[1].values[2], '4')
    check.truth(found[4].fate ~= 'reject')
  end)

  it('row:raw gives what the document has, to mend it', function()
    local found = documents(function(row)
      local raw = row:raw 'n'
      if type(raw) == 'string' then row.n = tonumber(raw:match '%d+') end
    end)
    check.same_list({ unpack(values(found), 1, 3) }, { '12', '12', '3' })
    found = documents(function(row) if row.id == '$n:2' then row.n = 7 row.n = row.n + 1 end end)
    equal(found[2].rows[1].values[2], '8')
  end)

  it('is nil where the column makes it NULL or its default', function()
    local seen = documents(function(row) if row.n == nil then row.n = -1 end end, { on_error = 'null' })
    check.same_list(values(seen), { '12', '-1', '3', '-1' })
    seen = documents(function(row) if row.n then row.n = row.n + 1 end end, { on_error = 'default', default = 5 })
    check.same_list({ unpack(values(seen), 1, 3) }, { '13', '5', '4' })
  end)

  it('what pcall hides is a reject all the same, and no later error is taken for it', function()
    equal(documents(function(row) pcall(function() return row.n end) end)[2].fate, 'reject')
    check.raises('boom', documents, function(row)
      pcall(function() return row.n end)
      if row.id == '$n:3' then error 'boom' end
    end)
  end)

  it('the name of a column comes before the method', function()
    check.raises('call it with a colon', documents, function(row) return row.raw 'n' end)
    check.raises('has no column "rwa"', documents, function(row) return row.rwa end)
  end)
end)
