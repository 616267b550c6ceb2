-- Runs by the beginning or the end of their ids, as `lugger runs` shows them.
local config = require 'lugger.inner.cli.config'

local run_finder = {}

--- The text that begins or ends with a word; nil when there is none. Raises when there are several.
---@param ids string[]
---@param word string
---@return string|nil
function run_finder.choose(ids, word)
  local matches = {}
  for _, id in ipairs(ids) do
    if id == word then return id end
    if id:sub(1, #word) == word or id:sub(-#word) == word then matches[#matches + 1] = id end
  end
  if #matches > 1 then
    config.raise(('%d runs begin or end with %s'):format(#matches, word),
      'give more of the id, as `lugger runs` shows it')
  end
  return matches[1]
end

--- The run of a ledger with this id, or a beginning or end of it; nil when there is none.
---@param state lugger.native.state
---@param word string
---@return lugger.run_record|nil
function run_finder.find(state, word)
  local found = #word == 36 and state:find(word)
  if found then return found end
  local records, ids = {}, {}
  for i, record in ipairs(state:runs(1000)) do
    ids[i] = record.run
    records[record.run] = record
  end
  local id = run_finder.choose(ids, word)
  return id and records[id] or nil
end

return run_finder
