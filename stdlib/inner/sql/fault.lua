-- Errors of statements: the line of the script, the statement, and PostgreSQL's place in it.
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'
local sql_text = require 'lugger.inner.sql.text'
local statement = require 'lugger.inner.migrate.statement'

local sql_fault = {}

---@class lugger.sql_error: lugger.error
---@field brief string|nil what is shown beside the pointer
---@field pointer string|nil the line of the statement, with a mark below the place

local longest = 120 -- of a statement in a message, in bytes

-- Without its secrets; false when it can only be left out.
local function shown(sql)
  return (require('lugger.inner.repl.history').without_secrets(sql))
end

--- A statement on one line, cut short; of one that holds a password its first words.
---@param sql string
---@return string
function sql_fault.brief(sql)
  local text = shown(sql) or (sql:match '^%s*(%a+%s+%a+)' or 'a statement') .. ' ...'
  return statement.brief(text, longest)
end

--- The error of a statement, which says where it stands.
---@param err any
---@param sql string
---@param before integer|nil characters that were put in front of the statement
---@return any
function sql_fault.placed(err, sql, before)
  if type(err) ~= 'table' or type(err.notes) ~= 'table' or err.code == 'interrupted' or err.notes.statement then
    return err
  end
  if err.code == 'connect' or err.code == 'config' and (err.sqlstate or '') == '' then return err end
  local notes = {} ---@type table<string, string>
  for _, key in ipairs(err.notes) do notes[key] = err.notes[key] end
  local position = tonumber(notes.position) --[[@as integer|nil]]
  if position and before then position = position > before and position - before or nil end
  local place = fault.where()
  if place and place:find '^prompt:' then
    notes.script = nil -- who typed the statement sees it
  else
    notes.script, notes.statement = place or notes.script, sql_fault.brief(sql)
  end
  notes.position = position and ('%d'):format(position)
  local placed = native.error(err.code, err.message, err.hint, err.sqlstate, notes) --[[@as lugger.sql_error]]
  if position then
    placed.brief = err.message .. (notes.script and (' (%s)'):format(notes.script) or '')
    placed.pointer = shown(sql) and sql_text.pointer(sql, position) or nil
  end
  return placed
end

return sql_fault
