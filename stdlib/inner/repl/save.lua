-- :save writes the statements of a session that had an effect, as a script or a migration.
local config = require 'lugger.inner.cli.config'
local global_names = require 'lugger.inner.script.global_names'
local history = require 'lugger.inner.repl.history'
local lua_tokens = require 'lugger.inner.lint.lua_tokens'
local native = require 'lugger.native'
local save_places = require 'lugger.inner.repl.save_places'
local seen_secrets = require 'lugger.inner.base.seen_secrets'
local value_text = require 'lugger.inner.view.value_text'
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
---@field opened string[]|nil what pg.open and pg.use were handed
---@field undone boolean|nil its transactions were rolled back
---@field controls boolean|nil it began or ended a transaction
---@field bracket boolean|nil and did nothing else

local function only_prints(text)
  return text:match '^%s*print%s*[%(%["\']' or text:match '^%s*help%s*[%(%["\']' or text:match '^%s*io%.write'
end

local function is_noise(entry)
  if entry.code:match '^%s*pg%s*%.%s*use%f[^%w_]' then return true end -- it is added again where the place changes
  local moves = entry.text:find ':next%s*%(' or entry.text:find ':seek%s*%('
  return entry.expression and not entry.effect and not moves
    and (entry.shown or entry.sql or only_prints(entry.text))
end

local function refuse_controls(entry)
  if not entry.controls then return end
  config.raise(('statement %d begins or ends a transaction among other things, and a migration has its own')
    :format(entry.number), 'run its parts one by one, or save a script: :save NAME.lua')
end

--- The statements to keep.
---@param entries lugger.repl.entry[]
---@param first integer
---@param last integer
---@param as_migration boolean a migration has a transaction of its own
---@return lugger.repl.entry[] list
---@return lugger.repl.entry[] failed those that changed something before they failed
function repl_save.kept(entries, first, last, as_migration)
  local list, failed = {}, {}
  for _, entry in ipairs(entries) do
    local inside = entry.number >= first and entry.number <= last and entry.code and not entry.undone
    if inside and not entry.ok and entry.effect then failed[#failed + 1] = entry end
    if inside and entry.ok and not is_noise(entry) and not (as_migration and entry.bracket) then
      if as_migration then refuse_controls(entry) end
      list[#list + 1] = entry
    end
  end
  return list, failed
end

local function holds_seen_secret(code)
  for _, token in ipairs(lua_tokens.read(code)) do
    local text = token.kind == 'string' and token.value or token.kind == 'comment' and token.text
    if text and seen_secrets.is_in(text) then return true end
  end
  return false
end

-- Replaces literals that contain a secret by variables: the one with this value, otherwise a new one.
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
  if history.without_secrets(code) ~= code or holds_seen_secret(code) then
    config.raise(('statement %d holds a password, which no file should'):format(entry.number),
      'put it into .env under a name and write env.NAME instead, then run the statement again')
  end
  return code
end

-- The names used: from lugger, set by the statements, and which statement sets a name first.
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
  return sorted, owned, order, uses_pg
end

local function assigns_at_once(code, name)
  return code:match('^%s*' .. name .. '%s*=[^=]') ~= nil or code:match('^%s*function%s+' .. name .. '%s*%(') ~= nil
end

local function place_text(place, new)
  if place == config.find 'PG_URI' then return 'lugger.env.PG_URI' end
  local code = without_secrets(value_text.quote(place), { number = 0 }, new)
  return code
end

-- The statements as code; `speaks` makes the statement that changes the place.
local function statements(kept, owned, order, speaks, new)
  local lines, before = {}, {}
  for _, name in ipairs(order) do
    if not assigns_at_once(kept[owned[name]].code, name) then before[#before + 1] = name end
  end
  if #before > 0 then lines[1] = 'local ' .. table.concat(before, ', ') end
  local place
  for i, entry in ipairs(kept) do
    if entry.place and entry.place ~= place then
      local begun = speaks(entry.place, place == nil, entry.number)
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
  if uses_pg then lines[#lines + 1] = "local pg = require('lugger.prompt_pg').new()" end
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
  for _, line in ipairs(statements(kept, owned, order, function(place)
    return ('pg.use(%s)'):format(place_text(place, new))
  end, new)) do lines[#lines + 1] = line end
  if returned then lines[#lines + 1] = ('\nreturn { %s, create = true }'):format(job) end
  return table.concat(lines, '\n') .. '\n'
end

local function migration_text(name, kept, new)
  local main, by_name = save_places.main(kept), {}
  for i, entry in ipairs(kept) do
    by_name[i] = setmetatable({ code = save_places.in_code(entry, main) }, { __index = entry })
  end
  local members, owned, order, uses_pg = names_of(by_name)
  local lines = head(name, members, false)
  lines[#lines + 1] = 'return {\n  up = function(db, dbs)'
  if uses_pg then lines[#lines + 1] = "    local pg = require('lugger.prompt_pg').of_migration(db, dbs)" end
  for _, line in ipairs(statements(by_name, owned, order, function(place, first, number)
    if first then return nil end
    local other = save_places.name(place, main, number)
    return other and 'pg.use ' .. value_text.quote(other) or 'pg.use()'
  end, new)) do lines[#lines + 1] = '    ' .. line end
  lines[#lines + 1] = '  end,\n  -- down = function(db) ... end: how it is reverted\n}'
  return table.concat(lines, '\n') .. '\n'
end

--- Writes the statements to a file: "name.lua" is a script, "name" a migration in migrations/.
---@param entries lugger.repl.entry[]
---@param name string
---@param first integer|nil
---@param last integer|nil
---@return string path
---@return integer statements
---@return string[] new names of variables that must be set before it runs
---@return lugger.repl.entry[] failed left out though they changed something
function repl_save.write(entries, name, first, last)
  local base = name:match '^(.*)%.lua$'
  local wanted = (base or name):match '[^/]*$'
  if not wanted:match '^[%w_%-]+$' then
    config.raise(('"%s" is not a file name'):format(name), ':save users makes a migration, :save users.lua a script')
  end
  local kept, failed = repl_save.kept(entries, first or 1, last or math.huge, not base)
  local new = {}
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
  return path, count, new, failed
end

return repl_save
