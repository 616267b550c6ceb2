-- Messages about an oplog that is replayed, and about a dump without one.
local terminal = require 'lugger.inner.view.terminal'

local oplog_view = {}

--- An oplog in one sentence.
---@param oplog lugger.oplog_info
---@param collection boolean|nil say how many changes concern the collection it belongs to
---@return string
function oplog_view.sentence(oplog, collection)
  if tonumber(oplog.entries) == 0 then return oplog.place .. ': no entries' end
  local entries = terminal.group(oplog.entries) .. (tonumber(oplog.entries) == 1 and ' entry' or ' entries')
  local text = ('%s: %s, %s to %s; %s'):format(oplog.place, entries, oplog.first, oplog.last,
    terminal.count(oplog.changes, 'change'))
  if collection then text = ('%s, %s of this collection'):format(text, terminal.group(oplog.concern)) end
  return text
end

--- Shows the warnings from inspecting a source, each once.
---@param advice string[]
function oplog_view.advise(advice)
  for _, text in ipairs(advice) do terminal.warn_once(text) end
end

--- The value of --oplog as an option of a source: a file, or a boolean.
---@param word string|nil
---@return string|boolean|nil
function oplog_view.choice(word)
  if word == 'no' then return false end
  if word == 'yes' then return true end
  return word
end

return oplog_view
