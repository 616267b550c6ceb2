-- Jobs, hooks, cursors, over a real mongodump file.
local check = require 'check'
local lugger = require 'lugger'
local equal = check.equal

local columns = {
  { 'id', 'uuid', generate = 'v5' }, { 'mongo_id', 'text', from = '_id' }, { 'email', 'text' }, { 'age', 'int4' },
  { 'created', 'timestamptz', from = 'createdAt', on_error = 'null' }, { 'balance', 'numeric' }, { 'visits', 'int8' },
  { 'address', 'jsonb' }, { 'tags', 'text[]' }, { 'rest', 'jsonb', from = '*', json = 'typed' },
}

local function job(map, more)
  local spec = {
    from = lugger.source(check.data 'mongo/users.bson'),
    into = lugger.target(check.scratch 'out.jsonl', { key = 'mongo_id' }),
    columns = columns, map = map,
  }
  for key, v in pairs(more or {}) do spec[key] = v end
  local made = lugger.copy(spec)
  return made
end

local function rows(map, more, count)
  local out = {}
  for _, document in ipairs(job(map, more):preview(count or 60).documents) do
    for _, row in ipairs(document.rows) do out[#out + 1] = table.concat(row.values, '|') end
  end
  return out
end

local function first(map, more)
  return job(map, more):preview(1).documents[1]
end

describe('jobs', function()
  it('checks keys', function()
    check.raises('did you mean columns?', job, nil, { columnz = {} })
    check.raises('; it has from, into, columns, ', job, nil, { zzzzzzzz = {} })
    check.raises('did you mean required?', job, nil, { columns = { { 'a', 'text', requird = true } } })
    check.raises('"rejct" is not one of', job, nil, { columns = { { 'a', 'text', on_error = 'rejct' } } })
    check.raises('no type', job, nil, { columns = { { 'a' } } })
    check.raises('job.lua:', function()
      local made = job(nil, { columns = { { 'a', 'text', requird = true } } })
      return made
    end)
    check.raises('from must be', job, nil, { from = 'users.bson' })
  end)

  it('checks the settings of a run', function()
    local made = job(nil, {})
    check.raises('create must be true or false, not a string', made.start, made, { create = 'no' })
    check.raises('jobs must be a whole number from 0', made.start, made, { jobs = -1 })
    check.raises('stage = "indx" is not one of', made.start, made, { stage = 'indx' })
    check.raises('did you mean restart?', made.start, made, { restrat = true })
  end)

  it('writes what the source holds', function()
    local out = check.scratch 'out.jsonl'
    local result = job(nil, { into = lugger.target(out, { key = 'mongo_id' }) }):start()
    while not result:ended() do result:poll(100) end
    local books = result:result()
    equal(books.status, 'done')
    equal(books.tally.read, 60)
    equal(books.tally.balanced, true)
    local count = 0
    for _ in io.lines(out) do count = count + 1 end
    equal(count, books.tally.inserted)
    os.remove(out)
  end)
end)

describe('hooks', function()
  it('that change nothing leave the output byte for byte', function()
    local plain = rows(nil)
    check.same_list(rows(function() end), plain)
    check.same_list(rows(function(row, doc) return doc ~= nil and row ~= nil end), plain)
  end)

  it('that write back what they read leave the output byte for byte', function()
    local plain = rows(nil)
    check.same_list(rows(function(row)
      for _, column in ipairs { 'mongo_id', 'email', 'age', 'created', 'balance', 'visits', 'address',
        'tags', 'rest' } do
        row[column] = row[column]
      end
    end), plain)
  end)

  it('write every type', function()
    local row = first(function(row, doc)
      row.email = row.email:upper()
      row.age = 41.0
      row.created = lugger.date '2026-01-01T00:00:00.000001Z'
      row.balance = row.balance + lugger.decimal '0.01'
      row.visits = 9007199254740993LL
      row.address = { city = doc.address.city, list = lugger.array {}, none = lugger.null }
      row.tags = { 'a', 'b' }
      row.rest = nil
    end).rows[1]
    check.same_list({ unpack(row.values, 3) }, { 'U0@EXAMPLE.TEST', '41', '2026-01-01T00:00:00.000001Z', '0.01',
      '9007199254740993', '{"city":"Oslo","list":[],"none":null}', '{a,b}', 'NULL' })
  end)

  it('skip and reject', function()
    equal(first(function() return lugger.skip 'no' end).fate, 'skip')
    local document = first(function() return lugger.reject 'bad thing' end)
    equal(document.fate, 'reject')
    equal(document.code, 'hook')
    equal(document.message, 'bad thing')
  end)

  it('give several rows, in order, with ids of their own', function()
    local document = first(function(row) return { row, { mongo_id = row.mongo_id .. '-2', email = 'z' } } end)
    equal(#document.rows, 2)
    equal(document.rows[2].values[3], 'z')
    equal(document.rows[1].values[1] ~= document.rows[2].values[1], true)
    equal(#first(function(row) lugger.emit { mongo_id = row.mongo_id .. '-2' } end).rows, 2)
    equal(first(function() return {} end).fate, 'skip')
  end)

  it('errors name the line and the document', function()
    local err = check.raises('boom', function() first(function() error 'boom' end) end)
    equal(err.code, 'hook')
    equal(err.notes.document, 'a500000000000000000003e8')
    check.truth(err.message:find('job.lua:%d+: boom'))
    local rejected = first(function() error 'boom' end, { on_hook_error = 'reject' })
    equal(rejected.fate, 'reject')
    check.truth(rejected.message:find('job.lua:%d+: boom'))
  end)

  it('know their columns', function()
    check.raises('did you mean email?', function() first(function(row) row.emial = 1 end) end)
    check.raises('did you mean email?', function() first(function(row) return row.emial end) end)
  end)

  it('read NULL as nil, and may mend what a coercer refused', function()
    local made = { columns = { { 'mongo_id', 'text', from = '_id' }, { 'age', 'int4' }, { 'none', 'text' } } }
    local row = first(function(row)
      assert(row.none == nil and type(row.age) == 'number' or type(row.age) == 'string')
      row.age = 7
    end, made).rows[1]
    equal(row.values[2], '7')
    equal(row.is_null[3], true)
  end)

  it('refuse a row kept past its batch', function()
    local kept = lugger.scratch()
    local run = job(function(row)
      if kept.row then
        local ok, err = pcall(function() return kept.row.email end)
        if not ok then return lugger.reject(tostring(err)) end
      end
      kept.row = kept.row or row
    end, { into = lugger.target(check.scratch 'x.jsonl') }):start { dry_run = true, jobs = 1 }
    local result = run:result()
    equal(result.status, 'done') -- one batch holds all 60: the row stays good
    equal(result.tally.rejected, 0)
  end)

  it('travel by value', function()
    local suffix, helper, list, null = '!', function(s) return s:upper() end, { 'x', { y = 2 } }, lugger.null
    local id, n = lugger.objectid(('b'):rep(24)), lugger.scratch { 0 }
    local function count()
      n[1] = n[1] + 1
      return n[1]
    end
    local document = first(function(row)
      count()
      row.email = helper(row.email) .. suffix .. list[2].y .. tostring(id):sub(1, 2) .. tostring(n[1]) .. tostring(null)
    end)
    equal(document.rows[1].values[3], 'U0@EXAMPLE.TEST!2bb1null')
  end)

  it('travel from the prompt with its globals', function()
    local globals = { mark = '#', twice = function(s) return s .. s end, lugger = lugger }
    local environment = setmetatable(globals, { __index = function(_, name)
      local member = rawget(lugger, name)
      if member ~= nil then return member end
      return _G[name]
    end })
    local map = setfenv(loadstring [[return function(row)
      if row.email == 'x' then return skip 'x' end
      row.email = twice(mark) .. tostring(null)
    end]], environment)()
    equal(first(map).rows[1].values[3], '##null')
  end)

  it('refuse to capture what cannot travel', function()
    local source, thread = lugger.source 'x', coroutine.create(function() end)
    local odd = setmetatable({}, { __index = {} })
    check.raises('captures `source` (a source)', job, function() return source end)
    check.raises('captures `thread` (a coroutine)', job, function() return thread end)
    check.raises('captures `odd`', job, function() return odd end)
    check.raises('uses the global `no_such_helper`', job, function() return no_such_helper() end) -- luacheck: ignore
  end)
end)

describe('cursors', function()
  it('give batches whose documents end with them', function()
    local cursor = lugger.source(check.data 'mongo/users.bson'):cursor { batch_rows = 25 }
    local batch = cursor:next()
    equal(batch.count, 25)
    local view, copy = batch[1], batch[1]:copy()
    equal(batch:has_type('age', 'string'), true)
    equal(batch:has_type('age', 'document'), false)
    local position = batch:position()
    local second = cursor:next()
    check.raises('document used after its batch', function() return view.email end)
    check.raises('batch used after', function() return batch[1] end)
    equal(copy.email, 'u0@example.test')
    local email = second[1].email
    cursor:seek(position)
    equal(cursor:next()[1].email, email)
    local rest = 0
    for b in cursor:batches() do
      for _ in b:docs() do rest = rest + 1 end
    end
    equal(rest, 10)
    cursor:close()
    check.raises('closed', cursor.next, cursor)
  end)

  it('describe what there is', function()
    local description = lugger.source(check.data 'mongo/users.bson'):describe()
    equal(description.documents, 60)
    equal(description.fields[1].path, '_id')
    check.truth(tostring(description):find 'email')
  end)
end)
