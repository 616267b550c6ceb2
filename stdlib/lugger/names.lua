-- Names for columns and tables: snake case, PostgreSQL's 63 bytes, its reserved words, no two alike.
local census_names = require 'lugger.census_names'
local sql_text = require 'lugger.sql_text'

local names = {}

local most_bytes = 63

-- Every table has these of its own.
local system_columns = { ctid = true, xmin = true, xmax = true, cmin = true, cmax = true, tableoid = true }

--- createdAt -> created_at, HTTPServer -> http_server, userIDs -> user_ids. Underscores in front and at the end stay;
--- what is neither letter nor digit becomes an underscore; letters beyond ASCII stay as they are.
---@param name string
---@return string
function names.snake_case(name)
  local lead, body, tail = name:match('^(_*)(.-)(_*)$')
  local out = body:gsub('[^%w_\128-\255]+', '_')
  out = out:gsub('(%u%u+)s%f[^%l]', function(run) return '_' .. run:lower() .. 's_' end)
  out = out:gsub('(%u+)(%u%l)', '%1_%2'):gsub('([%l%d\128-\255])(%u)', '%1_%2'):lower()
  out = out:gsub('__+', '_'):gsub('^_', ''):gsub('_$', '')
  if out == '' then return name end
  return lead .. out .. tail
end

---@class lugger.names.change
---@field name string the name to use
---@field notes string[] what was done to it, and what to mind

--- A set of names already given, for names.choose.
---@return table<string, string>
function names.set()
  return {}
end

--- A name that PostgreSQL takes and that no other name of the set equals, whatever the case of its letters.
---@param wanted string
---@param used table<string, string> names.set(); the choice is added
---@param kind "column"|"table"
---@return lugger.names.change
function names.choose(wanted, used, kind)
  local notes, name = {}, wanted:gsub('%z', '')
  if name == '' then
    name = 'unnamed'
    notes[#notes + 1] = 'the field has no name'
  end
  if #name > most_bytes then
    name = sql_text.cut(name, most_bytes)
    notes[#notes + 1] = ('its name has %d bytes, PostgreSQL takes 63'):format(#wanted)
  end
  if kind == 'column' and system_columns[name] then
    name = name .. '_'
    notes[#notes + 1] = ('every table has a system column %s'):format(wanted)
  end
  local other = used[name:lower()]
  if other then
    local base, number = name, 2
    while used[name:lower()] do
      local suffix = '_' .. number
      name, number = sql_text.cut(base, most_bytes - #suffix) .. suffix, number + 1
    end
    notes[#notes + 1] = ('the name %s is taken by %s'):format(base, other)
  end
  used[name:lower()] = wanted
  if census_names.is_reserved(name) then
    notes[#notes + 1] = ('"%s" is a word of SQL: write it in quotes'):format(name)
  end
  return { name = name, notes = notes }
end

return names
