-- The names of statements that become one file: each is declared before its first use, and what no statement of the
-- file sets is found.
local global_names = require 'lugger.inner.script.global_names'

local save_names = {}

---@class lugger.repl.save_names
---@field members string[] names that the file takes from lugger
---@field first string[] names that are declared before all statements
---@field begins table<integer, string> the name that a statement declares
---@field pg boolean the `pg` of the prompt is used
---@field unknown { name: string, at: integer }|nil the first name that nothing has

local most_locals = 150 -- of a function LuaJIT allows 200

--- The globals that code reads, and those that it sets.
---@param code string
---@return table<string, boolean> reads
---@return string[] sets in order
function save_names.used(code)
  local reads, sets, seen = {}, {}, {}
  local chunk = loadstring(' ' .. code)
  chunk = chunk or loadstring('return ' .. code)
  global_names.each(assert(chunk), function(name, is_set)
    if not is_set then
      reads[name] = true
    elseif not seen[name] then
      seen[name], sets[#sets + 1] = true, name
    end
  end)
  return reads, sets
end

-- True for `name = ...` and `function name(...)`; a variable that its own value needs must exist before.
local function declares(code, name, reads)
  if code:match('^%s*function%s+' .. name .. '%s*%(') then return true end
  return not reads[name] and code:match('^%s*' .. name .. '%s*=[^=]') ~= nil
end

local function note_read(found, name, at)
  if found.where[name] or name == 'lugger' then return end
  if name == 'pg' then
    found.pg, found.where[name] = true, 'head'
  elseif name ~= 'error' and require('lugger').has(name) then -- as at the prompt: `error` is Lua's, `type` is lugger's
    found.members[#found.members + 1], found.where[name] = name, 'head'
  elseif _G[name] ~= nil then
    found.where[name] = 'global'
  else
    found.early[name] = found.early[name] or at
  end
end

local function note_set(found, name, at, code, reads)
  local where = found.where[name]
  if where and where ~= 'global' then return end
  if where == 'global' or found.early[name] or found.begins[at] or not declares(code, name, reads) then
    found.first[#found.first + 1], found.where[name] = name, 'first'
    found.early[name] = nil
  else
    found.begins[at], found.where[name] = name, 'statement'
    found.locals = found.locals + 1
  end
end

--- Reads the names of statements.
---@param codes string[] the statements, in their order
---@return lugger.repl.save_names
function save_names.of(codes)
  local found = { members = {}, first = {}, begins = {}, early = {}, where = {}, pg = false, locals = 0 }
  for at, code in ipairs(codes) do
    local reads, sets = save_names.used(code)
    local own = {}
    for _, name in ipairs(sets) do own[name] = declares(code, name, reads) and not found.early[name] end
    local sorted = {}
    for name in pairs(reads) do sorted[#sorted + 1] = name end
    table.sort(sorted)
    for _, name in ipairs(sorted) do
      if not own[name] then note_read(found, name, at) end
    end
    for _, name in ipairs(sets) do note_set(found, name, at, code, reads) end
  end
  for name, at in pairs(found.early) do
    if not found.unknown or at < found.unknown.at then found.unknown = { name = name, at = at } end
  end
  if found.locals + #found.first + #found.members > most_locals then found.begins, found.first = {}, {} end
  table.sort(found.members)
  return found
end

return save_names
