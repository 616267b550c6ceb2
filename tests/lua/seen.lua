-- Figures of moves: what follows from positions, what is an alarm, how they read, and as metrics.
local metrics = require 'lugger.inner.job.metrics'
local move_line = require 'lugger.inner.job.move_line'
local seen = require 'lugger.inner.job.seen'

local function source(head, oldest, age)
  return { head = head, oldest = oldest, age = age or 1, probed = false, fault = '', own_stream = '', slot = '' }
end

local function measured(figures, from)
  figures.job = figures.job or 'a -> b'
  seen.measure(figures, from)
  return figures
end

local hour = 3600

describe('what is seen of a move', function()
  it('a quiet server is not behind', function()
    local one = measured({ position_s = 100000, lag_s = 0 }, source(100012, 100000 - hour))
    assert(one.lag_s == 0 and one.oplog_s == hour + 12 and one.oplog_left_s == hour and not one.alarm)
  end)
  it('a stream that stands still while its source goes on is behind', function()
    local one = measured({ position_s = 100000, lag_s = 0 }, source(100100, 1))
    assert(one.lag_s == 100)
  end)
  it('a source that does not answer is behind as long as it is away', function()
    local one = measured({ position_s = 100000, lag_s = 3, waits_for = 'x', waits_s = 600 }, source(100000, 1, 599))
    assert(one.lag_s == 603)
  end)
  it('the lag grows while a server is waited for, also where the source still answers', function()
    local away = { position_s = 100000, lag_s = 0, phase = 'following', waits_for = 'x', waits_s = 18 }
    local one = measured(away, source(100010, 1))
    assert(one.lag_s == 18 and one.phase == 'catching up')
    one = measured({ position_s = 100000, lag_s = 0, phase = 'following' }, source(100000, 1, 21))
    assert(one.lag_s == 21 and one.phase == 'catching up')
    one = measured({ position_s = 100000, lag_s = 0, phase = 'following' }, source(100066, 1))
    assert(one.lag_s == 66 and one.phase == 'catching up')
    assert(measured({ position_s = 100000, lag_s = 0, phase = 'following' }, source(100010, 1)).phase == 'following')
  end)
  it('where it is not known how far back the oplog reaches, nothing is said of it', function()
    local one = measured({ position_s = 100000, phase = 'following' }, source(200000, 0))
    assert(one.lag_s == 100000 and not one.oplog_left_s and not one.alarm)
  end)
  it('a source that has not answered for a while is waited for', function()
    local one = measured({ position_s = 100000, lag_s = 0, phase = 'following' }, source(100000, 1, 40))
    assert(one.waits_for == 'no answer from the source' and one.waits_s == 40)
    assert(not measured({ position_s = 100000, lag_s = 0 }, source(100000, 1, 7)).waits_for)
  end)
  it('what eats half of the oplog is an alarm', function()
    assert(not measured({ position_s = 100000 }, source(100000 + hour - 1, 100000 - hour)).alarm)
    local one = measured({ position_s = 100000 }, source(100000 + hour, 100000 - hour))
    assert(one.alarm == 'it is 1 h 0 min behind, and the oplog reaches back 2 h 0 min: 1 h 0 min are left', one.alarm)
    assert(measured({ position_s = 100000 }, source(100000 + hour, 100001)).alarm
      == 'the oplog no longer reaches back to its position')
  end)
  it('a log that is kept beyond what was meant is an alarm', function()
    local function kept(state, left)
      local from = source(100000, 1)
      from.slot, from.kept_bytes, from.kept_state, from.kept_left = 'lugger_a', 3000000, state, left
      return measured({ position_s = 100000, lag_s = 0 }, from)
    end
    local one = kept('reserved', -1)
    assert(one.log_kept_bytes == 3000000 and not one.alarm)
    assert(kept('extended', -1).alarm:find('keeps 3.0 MB of its log for the slot lugger_a', 1, true))
    assert(kept('extended', 1000000).alarm:find('1.0 MB more, and they are lost', 1, true))
    assert(kept('unreserved', -1).alarm:find('max_slot_wal_keep_size', 1, true))
  end)
  it('an oplog that has let nothing go yet raises no alarm', function()
    local young = source(100000, 99900)
    young.young = true
    local one = measured({ position_s = 99910 }, young)
    assert(one.alarm == nil and one.oplog_young and one.oplog_left_s == 10 and one.lag_s == 90)
    one.phase, one.read = 'following', 1
    local text = metrics.text { one }
    assert(not text:find('lugger_move_oplog_left_seconds{', 1, true), text)
    assert(measured({ position_s = 99910 }, source(100000, 99900)).alarm)
  end)
  it('without a position or an answer nothing is measured', function()
    local one = measured({ position_s = 0 }, source(100000, 1))
    assert(one.lag_s == nil and one.oplog_s == nil and one.changes_to == nil)
    assert(measured({ position_s = 5 }, source(0, 0, -1)).lag_s == nil)
  end)
  it('while it waits the last lag is not repeated', function()
    local figures = { job = 'a -> b', phase = 'following', read = 5, rejected = 0, lag_s = 0, waits_s = 45,
      waits_for = 'no answer from the source' }
    local line = seen.sentence(figures)
    assert(line == 'a -> b: following, 5 changes; waits for 45 s: no answer from the source', line)
    figures.waits_for, figures.rejects, figures.stale = nil, 2, 1
    line = seen.sentence(figures)
    assert(line == 'a -> b: following, 0 s behind, 5 changes, 2 rejects, 1 stale row', line)
  end)
  it('keys that are settled are counted as they leave the spool, at a position that moves on', function()
    local run = { run = 'r', stage = 'settling', behind_s = -1, followed = 1000, kept = 42, waits_for = '', lost = '',
      silent_s = 0, tally = { read = 7, rejected = 0 } }
    local one = seen.following('a -> b', run, { seconds = 900, spooled = 500 })
    assert(one.phase == 'catching up' and one.kept == 42 and one.keys_left == 42 and one.position_s == 1000)
    assert(seen.sentence(one) == 'a -> b: catching up, 42 changes to be settled, 7 changes', seen.sentence(one))
    run.stage, run.kept, run.behind_s, run.followed = 'following', 0, 0, 0
    one = seen.following('a -> b', run, { seconds = 900, spooled = 500 })
    assert(one.phase == 'following' and one.kept == 0 and not one.keys_left and one.position_s == 900)
  end)
  it('a line of several jobs has room on a narrow terminal', function()
    local list = {
      { job = 'shop.users -> users', phase = 'copying', percent = 42, read = 1234567, kept = 40, rejected = 2 },
      { job = 'shop.orders -> orders', phase = 'following', read = 500, rejected = 1, lag_s = 3 },
      { job = 'shop.events -> events', phase = 'following', read = 20, rejected = 0, lag_s = 1 },
    }
    assert(move_line.text(list, 300) == 'shop.users -> users: copying 42 %, 1,234,567 documents, 40 changes kept, '
      .. '2 rejects | shop.orders -> orders: following, 3 s behind, 500 changes, 1 reject | '
      .. 'shop.events -> events: following, 1 s behind, 20 changes')
    local wide = move_line.text(list, 120)
    assert(wide == '3 jobs: 1 copying 42 %, 2 following · 3 s behind · 3 rejects · 1,234,567 documents · '
      .. '40 changes kept · 520 changes', wide)
    assert(move_line.text(list, 70) == '3 jobs: 1 copying 42 %, 2 following · 3 s behind · 3 rejects')
    assert(move_line.text(list, 40) == '3 jobs: 1 copying 42 %, 2 following')
    assert(move_line.text(list, 20) == '3 jobs: 1 copying 4…')
    list[3].waits_for, list[3].waits_s = 'no answer from the source', 45
    local waits = move_line.text(list, 105)
    assert(waits == '3 jobs: 1 copying 42 %, 2 following · '
      .. 'shop.events -> events waits for 45 s: no answer from the source', waits)
    assert(move_line.text({ list[2] }, 50) == 'shop.orders -> orders: following · 1 reject')
    assert(move_line.text({}, 80) == '')
  end)
  it('metrics have a head a family and a sample for what is known', function()
    local text = metrics.text { { job = 'a"b\\c\nd', phase = 'lost', read = 7, lag_s = 0.5 } }
    assert(text:find('lugger_move_lag_seconds{job="a\\"b\\\\c\\nd"} 0.500\n', 1, true), text)
    assert(text:find('\nlugger_move_documents_total{job="a\\"b\\\\c\\nd"} 7\n', 1, true), text)
    assert(text:find('phase="lost"} 1\n', 1, true) and text:find('phase="following"} 0\n', 1, true))
    assert(not text:find('lugger_move_stale_rows{', 1, true))
    assert(text:sub(-1) == '\n')
  end)
end)
