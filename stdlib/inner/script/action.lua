-- What a hook can request for its row.
local fault = require 'lugger.inner.base.fault'
local marks = require 'lugger.inner.base.marks'

local action = {}

---@class lugger.action

-- One object for each reason, so that a hook that skips a million rows makes no garbage.
local made = { skip = {}, reject = {}, route = {} }

-- The last action that was made. hook.lua compares it with what the hook returned.
action.last = nil ---@type lugger.action|nil
-- While hook.lua looks for the line of an action that was not returned, actions note theirs.
action.notes_lines = false

local function give(one)
  action.last = one
  if action.notes_lines then action.line = fault.where() end
  return one
end

local function make(kind, text)
  local known = made[kind][text]
  if known then return give(known) end
  if type(text) ~= 'string' then fault.raise('hook', ('lugger.%s wants text, not a %s'):format(kind, type(text))) end
  local one = { lugger_action = kind, text = text }
  made[kind][text] = one
  return give(one)
end

--- Skips the document; skips are counted by reason. To be returned.
---@param reason string|nil
---@return lugger.action
function action.skip(reason)
  return make('skip', reason or 'skipped by the hook')
end

--- Makes the document a reject with this message. To be returned.
---@param message string
---@return lugger.action
function action.reject(message)
  return give { lugger_action = 'reject', text = tostring(message) }
end

--- Sends the row to another of the job's tables. To be returned.
---@param table string
---@return lugger.action
function action.route(table)
  return make('route', table)
end

--- Adds one more row for the same document: a copy of the row with these columns changed. The values are copied at
--- once. Without a table it goes where the document's own row goes.
---@param row table<string, any>
---@param table string|nil another of the job's tables
function action.emit(row, table)
  if type(row) ~= 'table' or marks.mark(row) == 'array' then
    fault.raise('hook', 'lugger.emit wants a table of columns: lugger.emit { sku = "a" }')
  end
  if not action.take then fault.raise('hook', 'lugger.emit is for hooks: there is no row here') end
  action.take(row, table)
end

return action
