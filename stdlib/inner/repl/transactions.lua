-- Which statements stand in a transaction, and which of them were rolled back with it: these had no effect.
local sql_session = require 'lugger.inner.sql.session'

local transactions = {}

local opens = { BEGIN = true, START = true } ---@type table<string, boolean|nil>
local closes = { COMMIT = true, ROLLBACK = true } ---@type table<string, boolean|nil>

local function follow_session(state, entry, used)
  local session, last = used.session, used.words[#used.words]
  local list = state.transactions[session]
  if list or used.open then
    list = list or {}
    if list[#list] ~= entry then list[#list + 1] = entry end
  end
  state.transactions[session] = used.open and list or nil
  entry.sessions[session] = true
  if used.open or last ~= 'ROLLBACK' then return end
  for _, one in ipairs(list or {}) do
    one.sessions[session] = nil
    one.undone = next(one.sessions) == nil
  end
end

--- Notes what a statement did with the transactions of its sessions. A statement that begins or ends a transaction and
--- does something else cannot be taken apart.
---@param state table of the prompt
---@param entry lugger.repl.entry
function transactions.follow(state, entry)
  entry.sessions = {}
  for _, used in ipairs(sql_session.log) do
    follow_session(state, entry, used)
    for _, word in ipairs(used.words) do
      if opens[word] or closes[word] and not used.open then entry.controls = true end
    end
  end
  entry.bracket = entry.controls and #sql_session.log == 1 and #sql_session.log[1].words == 1
end

return transactions
