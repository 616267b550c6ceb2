-- :save: the statements of a session that did something, as a script or a migration.
local config = require 'lugger.config'
local global_names = require 'lugger.global_names'
local history = require 'lugger.history'
local native = require 'lugger.native'
local value_text = require 'lugger.value_text'
local system = native.system

local repl_save = {}

---@class lugger.repl.entry
---@field number integer
---@field text string as it was typed
---@field code string|nil as Lua compiled it
---@field ok boolean
---@field expression boolean it was one, not a statement
---@field effect boolean something outside was changed
---@field shown boolean it gave values, which were printed
---@field sql boolean SQL was run
---@field place string|nil where `pg` spoke to
---@field undone boolean|nil its transaction was rolled back
---@field command string|nil what the server said last

local function only_prints(text)
  return text:match '^%s*print%s*[%(%["\']' or text:match '^%s*help%s*[%(%["\']' or text:match '^%s*io%.write'
end

local ends_transaction = { BEGIN = true, COMMIT = true, ROLLBACK = true }

--- The statements that are worth keeping.
---@param entries lugger.repl.entry[]
---@param first integer
---@param last integer
---@param as_migration boolean a migration has a transaction of its own
---@return lugger.repl.entry[]
function repl_save.kept(entries, first, last, as_migration)
  local list = {}
  for _, entry in ipairs(entries) do
    local inside = entry.number >= first and entry.number <= last and entry.ok and entry.code and not entry.undone
    local moves = entry.text:find ':next%s*%(' or entry.text:find ':seek%s*%('
    local noise = entry.expression and not entry.effect and not moves and (entry.shown or entry.sql
      or only_prints(entry.text))
    local bracket = as_migration and entry.sql and ends_transaction[entry.command or '']
    if inside and not noise and not bracket then list[#list + 1] = entry end
  end
  return list
end

-- Literals that hold a secret become variables: the one that has the value, else a new one.
local function without_secrets(code, entry, new)
  local known = {}
  for name, secret in pairs(config.secrets()) do known[secret] = name end
  code = code:gsub('([%w_%]%)]?)(%s*)(["\'])(.-)%3', function(before, space, _, inner)
    if system.mask_secrets(inner) == inner and not known[inner] then return nil end
    local name = known[inner]
    if not name then
      new[#new + 1] = ('SAVED_URI_%d'):format(#new + 1)
      name = new[#new]
      known[inner] = name
    end
    local variable = 'lugger.env.' .. name
    return before ~= '' and before .. '(' .. variable .. ')' or space .. variable
  end)
  if history.without_secrets(code) ~= code then
    config.raise(('statement %d holds a password, which no file should'):format(entry.number),
      'put it into .env under a name and write env.NAME instead, then run the statement again')
  end
  return code
end

-- Names as they are needed: what comes from lugger, what the statements set, and who sets it first.
local function names_of(kept)
  local members, owned, order, uses_pg = {}, {}, {}, false
  local lugger = require 'lugger'
  for i, entry in ipairs(kept) do
    global_names.each(assert(loadstring(entry.code)), function(name, sets)
      uses_pg = uses_pg or name == 'pg'
      if sets and not owned[name] then
        owned[name] = i
        order[#order + 1] = name
      elseif not sets and not owned[name] and name ~= 'pg' and name ~= 'lugger' and _G[name] == nil then
        local ok, member = pcall(function() return lugger[name] end)
        if ok and member ~= nil then members[name] = true end
      end
    end)
  end
  local sorted = {}
  for name in pairs(members) do
    if not owned[name] then sorted[#sorted + 1] = name end
  end
  table.sort(sorted)
  -- `pg.open` alone speaks to no place of its own.
  for _, entry in ipairs(kept) do uses_pg = uses_pg and not entry.place end
  return sorted, owned, order, uses_pg
end

local function assigns_at_once(code, name)
  return code:match('^%s*' .. name .. '%s*=[^=]') ~= nil or code:match('^%s*function%s+' .. name .. '%s*%(') ~= nil
end

local function place_text(place, new)
  local code = without_secrets(value_text.quote(place), { number = 0 }, new)
  return code
end

-- The statements as code; `speaks` says how a new session is begun.
local function statements(kept, owned, order, speaks, new)
  local lines, before = {}, {}
  for _, name in ipairs(order) do
    if not assigns_at_once(kept[owned[name]].code, name) then before[#before + 1] = name end
  end
  if #before > 0 then lines[1] = 'local ' .. table.concat(before, ', ') end
  local place
  for i, entry in ipairs(kept) do
    if entry.place and entry.place ~= place then
      local begun = speaks(entry.place, place == nil)
      if begun then lines[#lines + 1] = begun end
      place = entry.place
    end
    local code = without_secrets(entry.code, entry, new):gsub('^%s+', ''):gsub('%s+$', '')
    for _, name in ipairs(order) do
      if owned[name] == i and assigns_at_once(code, name) then
        code = 'local ' .. code
        break
      end
    end
    lines[#lines + 1] = code
  end
  return lines
end

local function head(name, members, uses_pg)
  local lines = { ('-- %s: saved at the prompt on %s.'):format(name, os.date '!%Y-%m-%d'),
    "local lugger = require 'lugger'" }
  if #members > 0 then
    local from = {}
    for i, member in ipairs(members) do from[i] = 'lugger.' .. member end
    lines[#lines + 1] = ('local %s = %s'):format(table.concat(members, ', '), table.concat(from, ', '))
  end
  if uses_pg then lines[#lines + 1] = 'local pg = { open = lugger.session }' end
  lines[#lines + 1] = ''
  return lines
end

local function script_text(name, kept, new)
  local members, owned, order, uses_pg = names_of(kept)
  local lines = head(name, members, uses_pg)
  local last = kept[#kept]
  local job, effects = last.code:match '^%s*([%a_][%w_]*)%s*:%s*run%s*%(%s*%)%s*$', 0
  for _, entry in ipairs(kept) do effects = effects + (entry.effect and 1 or 0) end
  local returned = job and effects == 1
  if returned then kept[#kept] = nil end
  for _, line in ipairs(statements(kept, owned, order, function(place, first)
    return ('%spg = lugger.session(%s)'):format(first and 'local ' or '', place_text(place, new))
  end, new)) do lines[#lines + 1] = line end
  if returned then lines[#lines + 1] = ('\nreturn { %s, create = true }'):format(job) end
  return table.concat(lines, '\n') .. '\n'
end

local function migration_text(name, kept, new)
  local members, owned, order, uses_pg = names_of(kept)
  local lines = head(name, members, uses_pg)
  lines[#lines + 1] = 'return {\n  up = function(db)'
  local places = {}
  for _, line in ipairs(statements(kept, owned, order, function(place, first)
    places[#places + 1] = place
    if first then return 'local function pg(sql, ...) return db:query(sql, ...) end' end
    return ('pg = lugger.session(%s)'):format(place_text(place, new))
  end, new)) do lines[#lines + 1] = '    ' .. line end
  lines[#lines + 1] = '  end,\n  -- down = function(db) ... end: how it is taken back\n}'
  return table.concat(lines, '\n') .. '\n'
end

--- Writes a file of the session. "name.lua" is a script, "name" a migration in migrations/.
---@param entries lugger.repl.entry[]
---@param name string
---@param first integer|nil
---@param last integer|nil
---@return string path
---@return integer statements
---@return string[] new names of variables that must be set before it runs
function repl_save.write(entries, name, first, last)
  local base = name:match '^(.*)%.lua$'
  local wanted = (base or name):match '[^/]*$'
  if not wanted:match '^[%w_%-]+$' then
    config.raise(('"%s" is no name for a file'):format(name), ':save users makes a migration, :save users.lua a script')
  end
  local kept, new = repl_save.kept(entries, first or 1, last or math.huge, not base), {}
  if #kept == 0 then
    config.raise('there is nothing to save: no statement there did more than show something', ':history lists them')
  end
  local count, path = #kept, name
  local text
  if base then
    text = script_text(wanted, kept, new)
  else
    path = ('migrations/%s_%s.lua'):format(os.date '!%Y%m%d%H%M%S', name)
    text = migration_text(name, kept, new)
    system.make_dir 'migrations'
  end
  if system.stat(path) then config.raise(path .. ' is there already', 'give another name') end
  local made, problem = loadstring(text)
  if not made then config.raise('the statements do not stand together in one file: ' .. problem) end
  system.write_file(path, text)
  return path, count, new
end

return repl_save
