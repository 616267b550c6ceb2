-- Tasks: the machinery of a job by hand.
local check = require 'check'
local lugger = require 'lugger'
local equal = check.equal

local function lines_of(path)
  local out = {}
  for line in io.lines(path) do out[#out + 1] = line end
  return out
end

local function task(out, body)
  return lugger.task('task ' .. out, function(t)
    local users = t:cursor(lugger.source(check.data 'mongo/users.bson'), { batch_rows = 20 })
    local writer = t:writer(lugger.target(out, { key = 'mongo_id' }), {
      columns = { { 'mongo_id', 'text', from = '_id' }, { 'email', 'text' }, { 'age', 'int4' } }, unmapped = 'ignore' })
    body(users, writer)
  end)
end

local function finish(made, settings)
  local run = made:start(settings)
  while not run:ended() do run:poll(100) end
  return run:result()
end

describe('tasks', function()
  it('write batches, rows and rejects, and balance', function()
    local out, age = check.scratch 'task.jsonl', lugger.coercer 'int4'
    local result = finish(task(out, function(users, writer)
      for batch in users:batches() do
        if not batch:has_type('age', 'string') then
          writer:write(batch)
        else
          for doc in batch:docs() do
            local v, err = age:try_coerce(doc.age)
            if doc.email == 'u0@example.test' then
              writer:reject(doc, err or 'the first one', 'age')
            elseif v then
              writer:add { mongo_id = lugger.id_text(doc._id), email = doc.email, age = v }
            end
          end
        end
        writer:commit(batch:position())
      end
    end))
    equal(result.error, '')
    equal(result.status, 'done')
    equal(result.tally.read, 60)
    equal(result.tally.rejected, 1)
    equal(result.tally.balanced, true)
    equal(#lines_of(out), result.tally.inserted)
    equal(result.tally.inserted, 59)
    os.remove(out)
  end)

  it('fail with the line, and resume behind the last commit', function()
    local out, seen = check.scratch 'task.jsonl', 0
    local function body(fail)
      return function(users, writer)
        for batch in users:batches() do
          seen = seen + batch.count
          writer:write(batch)
          if fail and seen == 40 then error 'on purpose' end
          writer:commit(batch:position())
        end
      end
    end
    local failed = finish(task(out, body(true)))
    equal(failed.status, 'failed')
    check.truth(failed.error:find('task.lua:%d+: on purpose'))
    seen = 0
    local resumed = finish(task(out, body(false)))
    equal(resumed.status, 'done')
    equal(seen, 40)
    equal(resumed.tally.read, 60)
    equal(#lines_of(out), 60)
    os.remove(out)
  end)

  it('end their documents with the commit', function()
    local out, kept = check.scratch 'task.jsonl', nil
    local result = finish(task(out, function(users, writer)
      local batch = users:next()
      kept = batch[1]
      writer:write(batch)
      writer:commit(batch:position())
      check.raises('document used after its batch', function() return kept.email end)
    end), { dry_run = true })
    equal(result.error, '')
  end)
end)
