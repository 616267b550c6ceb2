-- What a hook can request for its row.
local fault = require 'lugger.inner.base.fault'
local marks = require 'lugger.inner.base.marks'
local native = require 'lugger.native'

local action = {}

---@class lugger.action

-- One object for each reason, so that a hook that skips a million rows makes no garbage.
---@type table<string, table<string, lugger.action|nil>>
local made = { skip = {}, reject = {}, route = {} }

-- The last action that was made. hook.lua compares it with what the hook returned.
action.last = nil ---@type lugger.action|nil
-- While hook.lua looks for the line of an action that was not returned, actions note theirs.
action.notes_lines = false ---@type boolean
action.line = nil ---@type string|nil
-- Where the hook begins: `return lugger.skip()` is a tail call, which leaves no line of the hook on the stack.
action.hook_line = nil ---@type string|nil
-- What lugger.emit calls; only workers have it.
action.take = nil ---@type nil|fun(row: table<string, any>, table: string|nil)

local function give(one)
  action.last = one
  if action.notes_lines then action.line = fault.where() end
  return one
end

local examples = {
  skip = "lugger.skip 'archived'", reject = "lugger.reject 'no such plan'", route = "lugger.route 'v2'",
}

local function check_text(kind, text)
  if type(text) == 'string' and text ~= '' then return end
  local given = text == '' and 'an empty one' or text == nil and 'nil' or 'a ' .. type(text)
  error(native.error('hook', ('lugger.%s wants text, not %s'):format(kind, given), examples[kind], nil,
    { script = fault.where() or action.hook_line }), 0)
end

local function make(kind, text)
  local known = made[kind][text]
  if known then return give(known) end
  check_text(kind, text)
  local one = { lugger_action = kind, text = text }
  made[kind][text] = one
  return give(one)
end

--- Skips the document; skips are counted by reason. To be returned.
---@param reason string
---@return lugger.action
function action.skip(reason)
  return make('skip', reason)
end

--- Makes the document a reject with this message. To be returned.
---@param message string
---@return lugger.action
function action.reject(message)
  if message == nil or message == '' then check_text('reject', message) end
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

--- True for what lugger.skip, lugger.reject and lugger.route give.
---@param v any
---@return boolean
function action.is(v)
  return type(v) == 'table' and rawget(v, 'lugger_action') ~= nil
end

return action
