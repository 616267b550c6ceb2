-- What was noticed while changes were followed, in words.
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local tonumber = tonumber --[[@as fun(count: any): integer]]

local notices = {}

local heads = { field = 'field that no column takes', collection = 'new collection', large = 'event over 16 MB',
  slot = 'replication slot' }

local function subject(notice)
  if notice.kind == 'accepted' then
    return terminal.count(tonumber(notice.count), 'reject') .. ' cleared: accepted when tried again'
  end
  local head, name = heads[notice.kind], terminal.printable(notice.name)
  return head and ('%s: %s'):format(head, name) or name
end

local function with_done(text, notice)
  return notice.done == '' and text or text .. '; ' .. terminal.printable(notice.done)
end

--- One of them, when it is met.
---@param notice lugger.notice
---@return string
function notices.sentence(notice)
  return with_done(subject(notice), notice)
end

--- For the end of a run: each with how often it came. Fields are told of as what no column took.
---@param noticed lugger.notice[]
---@return string[]
function notices.lines(noticed)
  local out = {}
  for _, notice in ipairs(noticed) do
    local count = tonumber(notice.count)
    local times = count > 1 and notice.kind ~= 'accepted' and (' (%s times)'):format(terminal.group(count)) or ''
    if notice.kind ~= 'field' then out[#out + 1] = with_done(subject(notice) .. times, notice) end
  end
  return out
end

--- Shows those of moves; nothing where there is none.
---@param moves lugger.move_status[]
function notices.show(moves)
  local rows = {}
  for _, move in ipairs(moves) do
    for _, notice in ipairs(move.noticed) do
      rows[#rows + 1] = { notice.job, subject(notice), terminal.group(notice.count), notice.first:gsub('T', ' '),
        terminal.printable(notice.done) }
    end
  end
  if #rows == 0 then return end
  terminal.line('noticed')
  terminal.line(table_view.render({ 'job', 'what', 'times', 'first (UTC)', 'done' }, rows,
    { indent = '  ', right = { [3] = true } }))
end

return notices
