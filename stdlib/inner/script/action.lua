-- What a hook can request for its row.
local fault = require 'lugger.inner.base.fault'
local marks = require 'lugger.inner.base.marks'

local action = {}

---@class lugger.action

-- One object for each reason, so that a hook that skips a million rows makes no garbage.
local made = { skip = {}, reject = {}, route = {} }

local function make(kind, text)
  local known = made[kind][text]
  if known then return known end
  if type(text) ~= 'string' then fault.raise('hook', ('lugger.%s wants text, not a %s'):format(kind, type(text))) end
  local one = { lugger_action = kind, text = text }
  made[kind][text] = one
  return one
end

--- Skips the document; skips are counted by reason.
---@param reason string|nil
---@return lugger.action
function action.skip(reason)
  return make('skip', reason or 'skipped by the hook')
end

--- Makes the document a reject with this message.
---@param message string
---@return lugger.action
function action.reject(message)
  return { lugger_action = 'reject', text = tostring(message) }
end

--- Sends the row to another of the job's tables.
---@param table string
---@return lugger.action
function action.route(table)
  return make('route', table)
end

-- Rows added with lugger.emit since the hook was called.
action.pending, action.pending_count = {}, 0

--- Adds one more row for the same document: a copy of the row with these columns changed.
---@param row table<string, any>
---@param table string|nil another of the job's tables
function action.emit(row, table)
  if type(row) ~= 'table' or marks.mark(row) == 'array' then
    fault.raise('hook', 'lugger.emit wants a table of columns: lugger.emit { sku = "a" }')
  end
  local count = action.pending_count + 1
  action.pending[count], action.pending_count = { row = row, table = table }, count
end

return action
