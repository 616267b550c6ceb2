-- lugger.now(): one instant for a run, also where it goes on later.
local check = require 'check'
local clock = require 'lugger.inner.base.clock'
local lugger = require 'lugger'
local equal = check.equal

local function finish(made)
  local run = made:start { jobs = 1 }
  while not run:ended() do run:poll(100) end
  return run:result()
end

-- Every instant in a file of rows, and how many rows there are.
local function instants(path)
  local out, count = {}, 0
  for line in io.lines(path) do
    count = count + 1
    out[lugger.json.decode(line).at] = true
  end
  local list = {}
  for text in pairs(out) do list[#list + 1] = text end
  return list, count
end

describe('lugger.now()', function()
  it('is the run\'s own when a job is resumed', function()
    local out = check.scratch 'now.jsonl'
    local function job(fail)
      return lugger.copy {
        name = 'now ' .. out,
        from = lugger.source(check.data 'mongo/users.bson'),
        into = lugger.target(out, { key = 'mongo_id' }),
        columns = { { 'mongo_id', 'text', from = '_id' }, { 'at', 'text', from = 'nowhere' } }, unmapped = 'ignore',
        map = function(row)
          if fail then error 'on purpose' end
          row.at = tostring(lugger.now())
        end,
      }
    end
    clock.set '2026-01-02T03:04:05.678901Z'
    equal(finish(job(true)).status, 'failed')
    clock.set '2027-01-01T00:00:00Z'
    local resumed = finish(job(false))
    equal(resumed.error, '')
    equal(resumed.resumed, true)
    local found, count = instants(out)
    equal(count, 60)
    check.same_list(found, { '2026-01-02T03:04:05.678901Z' })
    clock.set '2028-01-01T00:00:00Z'
    equal(finish(job(false)).resumed, false)
    check.same_list(instants(out), { '2028-01-01T00:00:00Z' })
    os.remove(out)
  end)

  it('is the run\'s own when a task is resumed', function()
    local out, seen = check.scratch 'now.jsonl', nil
    local function task(fail)
      return lugger.task('now ' .. out, function(t)
        local users = t:cursor(lugger.source(check.data 'mongo/users.bson'))
        local writer = t:writer(lugger.target(out, { key = 'mongo_id' }),
          { columns = { { 'mongo_id', 'text', from = '_id' } }, unmapped = 'ignore' })
        seen = tostring(lugger.now())
        if fail then error 'on purpose' end
        for batch in users:batches() do
          writer:write(batch)
          writer:commit(batch:position())
        end
      end)
    end
    clock.set '2026-01-02T03:04:05Z'
    equal(finish(task(true)).status, 'failed')
    clock.set '2027-01-01T00:00:00Z'
    local resumed = finish(task(false))
    equal(resumed.error, '')
    equal(resumed.resumed, true)
    equal(seen, '2026-01-02T03:04:05Z')
    os.remove(out)
  end)
end)
